"""The scheduler: that of django-celery-beat, which a clock that was wrong does not stop."""

from __future__ import annotations

from celery.schedules import schedstate
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry


class Entry(ModelEntry):  # type: ignore[misc]  # the package has no types
    """A periodic task."""

    def is_due(self) -> schedstate:
        """Say whether it is time; what seems to have run in the future ran under a wrong clock, and is due now."""
        now = self._default_now()
        if self.model.last_run_at > now:
            self.last_run_at = self.model.last_run_at = now - self.schedule.run_every
        due: schedstate = super().is_due()
        return due


class Scheduler(DatabaseScheduler):  # type: ignore[misc]  # the package has no types
    """Keeps when each task last ran in the database, so that another scheduler can take its place."""

    Entry = Entry
