"""The steps as tasks: every one has a queue, and what has to happen by itself is on the schedule."""

from __future__ import annotations

from celery import current_app
from django.conf import settings

from threads import tasks

NAMES = {name for name in current_app.tasks if name.startswith(tasks.__name__)}


def test_every_task_has_a_queue_that_workers_read() -> None:
    queues = {name: route["queue"] for name, route in settings.CELERY_TASK_ROUTES.items()}
    assert set(queues) == NAMES
    assert set(queues.values()) <= set(settings.QUEUES)


def test_what_happens_by_itself_is_on_the_schedule() -> None:
    scheduled = {entry["task"].rpartition(".")[2] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {"follow", "sweep", "send_due"} <= scheduled
    assert {f"threads.tasks.{name}" for name in scheduled} <= NAMES


def test_a_look_that_came_too_late_is_dropped() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert 0 < entry["options"]["expires"] <= entry["schedule"]
