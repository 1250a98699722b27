"""The Django app of everything with a row, a clock, a permission or a URL."""

from django.apps import AppConfig


class ThreadsConfig(AppConfig):
    """Name and defaults of the app."""

    name = "threads"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the project's Celery application the one that every thread sends its tasks to."""
        from reviewbot.celery import app

        app.set_default()
