"""The Django app of everything with a row, a clock, a permission or a URL."""

from django.apps import AppConfig


class ThreadsConfig(AppConfig):
    """Name and defaults of the app."""

    name = "threads"
    default_auto_field = "django.db.models.BigAutoField"
