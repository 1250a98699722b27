"""The Celery application; tasks live in ``threads.tasks``."""

import os
from collections.abc import Sequence

from celery import Celery, Task, signals
from structlog.contextvars import bind_contextvars, clear_contextvars

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewbot.settings")
app = Celery("reviewbot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.celeryd_init.connect  # before it warns of the rights it has
@signals.setup_logging.connect
def _set_up_logs(**_: object) -> None:
    """Keep the logging that the settings set up, and let it say what a worker does; Celery's own gives way."""
    from django.conf import settings

    from reviewbot import logs

    logs.speak(settings.LOG_LEVEL)


@signals.task_prerun.connect
def _name_task(task_id: str, task: Task, args: Sequence[object], **_: object) -> None:  # type: ignore[type-arg]
    """Bind what a task is about to every line that is logged until it ends."""
    from threads.selectors import trail

    step = task.name.rpartition(".")[2]
    bind_contextvars(step=step, task=task_id, **trail.subject_of(step, args))


@signals.task_postrun.connect
def _forget_task(**_: object) -> None:
    clear_contextvars()
