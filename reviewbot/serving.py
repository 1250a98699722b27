"""Configuration of gunicorn: ``gunicorn --config python:reviewbot.serving reviewbot.wsgi``."""

from reviewbot import settings

logconfig_dict = settings.LOGGING
workers = 2
threads = 4
