"""The steps as Celery tasks: each loads ids and calls one service.

Retrying is decided by the error: what time may mend is tried again with
back-off and jitter, everything else is settled with its sentence.
"""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.db import InterfaceError, OperationalError

from reviewbot.errors import TransientError
from threads.services import (
    ahead,
    applying,
    building,
    bulkfile,
    checking,
    digests,
    following,
    intake,
    mailbox,
    pipeline,
    publishing,
    receiving,
    retention,
    sending,
    trees,
    webhooks,
)


class Step(Task):  # type: ignore[type-arg]  # celery is generic in its stubs only
    """One step of the way; a step that fails for good says so on its row."""

    autoretry_for = (TransientError, OperationalError, InterfaceError)  # the latter: the database is being restarted
    retry_backoff = 5
    retry_backoff_max = 600
    retry_jitter = True
    max_retries = 5
    acks_late = True
    soft_time_limit = 3600
    time_limit = 3700

    def before_start(self, task_id: str, args: tuple[Any, ...], kwargs: Any) -> None:  # noqa: ANN401
        """Take the lease of a worker that died: only then is a task delivered again."""
        if (self.request.delivery_info or {}).get("redelivered"):
            pipeline.worker_lost(self.name.rpartition(".")[2], args)

    def on_failure(self, exc: BaseException, task_id: str, args: tuple[Any, ...], kwargs: Any, einfo: Any) -> None:  # noqa: ANN401
        """Settle the row."""
        pipeline.failed(self.name.rpartition(".")[2], args, exc)


@shared_task(base=Step)
def fetch(submission_id: int) -> None:
    """Fetch a thread that was asked for."""
    intake.fetch(submission_id)


@shared_task(autoretry_for=(TransientError,), retry_backoff=60, retry_jitter=True, max_retries=8, acks_late=True)
def obey(message_id: int) -> None:
    """Do what a mail on a list asks for."""
    receiving.receive_kept(message_id)


@shared_task
def listen() -> None:
    """Take up again what mails on lists ask for and nobody has read."""
    for message_id in receiving.left_over():
        obey.delay(message_id)


@shared_task
def digest() -> None:
    """Tell volunteers what happened on the lists within the last week, once."""
    digests.send_weekly()


@shared_task
def read_mailbox() -> None:
    """Read what was written to this service."""
    if settings.IMAP_URL:
        mailbox.read(settings.IMAP_URL)


@shared_task(base=Step)
def apply(series_id: int) -> None:
    """Apply a series to the tree it belongs on."""
    applying.apply(series_id)


@shared_task(base=Step)
def check(series_id: int, name: str) -> None:
    """Run one check over a series."""
    checking.check(series_id, name)


@shared_task(base=Step)
def build(series_id: int, configuration: str) -> None:
    """Build every patch of a series in one configuration."""
    building.build(series_id, configuration)


@shared_task(base=Step)
def publish(series_id: int) -> None:
    """Put the facts of a series together and draft its reply."""
    publishing.publish(series_id)


@shared_task
def follow() -> None:
    """Read what is new on the followed lists."""
    following.follow_all()


@shared_task
def sweep() -> None:
    """Take up what was left behind."""
    pipeline.sweep()


@shared_task(soft_time_limit=6600, time_limit=6700)
def sync() -> None:
    """Bring the followed trees up to date."""
    trees.sync_followed()


@shared_task(soft_time_limit=6600, time_limit=6700)
def prune() -> None:
    """Remove from the store of trees what no one needs."""
    trees.prune()


@shared_task(soft_time_limit=6600, time_limit=6700)
def retain() -> None:
    """Give up what the database has kept for long enough."""
    retention.rows()


@shared_task(soft_time_limit=6600, time_limit=6700)
def retain_builds() -> None:
    """Remove the trees of builds that nobody has used for long."""
    retention.builds()


@shared_task(soft_time_limit=6600, time_limit=6700)
def warm() -> None:
    """Build the bases of the followed trees ahead."""
    ahead.warm()


@shared_task
def send_due() -> None:
    """Send the mails that were approved."""
    sending.send_due()


@shared_task
def notify() -> None:
    """Tell the addresses that want to know what happened."""
    webhooks.tell()


@shared_task
def export_history() -> None:
    """Write the files of the whole public history."""
    bulkfile.write(settings.BULK, settings.SITE_URL)
