"""The scheduler under a clock that was wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from reviewbot.beat import Entry, Scheduler

pytestmark = pytest.mark.django_db


def entry(ran: timedelta) -> Entry:
    """Return a task for every minute that ran as long ago."""
    every, _ = IntervalSchedule.objects.get_or_create(every=60, period=IntervalSchedule.SECONDS)
    row = PeriodicTask(name="sweep", task="threads.tasks.sweep", interval=every, last_run_at=timezone.now() - ran)
    return Entry(row)


@pytest.mark.parametrize(
    ("ran", "due"), [(timedelta(seconds=90), True), (timedelta(seconds=5), False), (timedelta(days=-2), True)]
)
def test_what_seems_to_have_run_in_the_future_is_due(ran: timedelta, due: bool) -> None:
    assert entry(ran).is_due().is_due is due


def test_it_is_the_scheduler_of_the_service() -> None:
    assert f"{Scheduler.__module__}:{Scheduler.__name__}" == settings.CELERY_BEAT_SCHEDULER
    assert Scheduler.Entry is Entry
