"""The Celery application; tasks live in ``threads.tasks``."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewbot.settings")
app = Celery("reviewbot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
