"""The Celery application; tasks live in ``threads.tasks``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from celery import Celery, signals

if TYPE_CHECKING:
    from celery import Task

    from reviewbot.traces import Traces

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewbot.settings")
app = Celery("reviewbot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
_traces: Traces | None = None


@signals.celeryd_init.connect  # before it warns of the rights it has
@signals.setup_logging.connect
def _set_up_logs(**_: object) -> None:
    """Keep the logging that the settings set up, and let it say what a worker does; Celery's own gives way."""
    from django.conf import settings

    from reviewbot import logs

    logs.speak(settings.LOG_LEVEL)


@signals.worker_process_init.connect
def _begin_traces(**_: object) -> None:
    """Send traces, if that is wanted; each process has spans of its own."""
    from django.conf import settings

    global _traces  # one for a process, which begins and ends with it
    if settings.TRACES_URL:
        from reviewbot.traces import Traces  # what few want is not loaded by all

        _traces = Traces.to(settings.TRACES_URL)


@signals.worker_process_shutdown.connect
def _end_traces(**_: object) -> None:
    if _traces is not None:
        _traces.close()


@signals.task_prerun.connect
def _name_task(task_id: str, task: Task, args: Sequence[object], **_: object) -> None:  # type: ignore[type-arg]
    """Bind what a task is about to every line that is logged until it ends, and to its span."""
    from structlog.contextvars import bind_contextvars

    from threads.selectors import trail

    step = task.name.rpartition(".")[2]
    subject = trail.subject_of(step, args)
    bind_contextvars(step=step, task=task_id, **subject)
    if _traces is not None:
        _traces.begin(task_id, step, subject)


@signals.task_postrun.connect
def _forget_task(task_id: str, state: str | None = None, **_: object) -> None:
    from structlog.contextvars import clear_contextvars

    if _traces is not None:
        _traces.end(task_id, state or "")
    clear_contextvars()
