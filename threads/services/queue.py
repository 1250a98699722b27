"""Queueing: after the rows are committed, and never in a way that loses work.

The broker holds no truth. What cannot be queued now stays a row, and the
periodic sweep queues it again.
"""

from __future__ import annotations

import errno
import logging
import time
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from reviewbot.capabilities import queue_of
from reviewbot.errors import AuthorError, NotFoundError, OperatorError
from reviewbot.reports.facts import State
from threads.lanes import BUILD
from threads.models import Work

Row = TypeVar("Row", bound=Work)
log = logging.getLogger(__name__)

#: how often a step may lose its worker before it is given up
MAX_ATTEMPTS = 3
#: seconds after which a refusal is a slow one: a list that is caught up with asks for hundreds of series
SLOW = 1.0
#: seconds for which the queue is not asked then
SILENCE = 30.0
#: strerror(3) of a full disk and of a spent quota, and what SQLite says
_NO_ROOM = ("No space left on device", "Disk quota exceeded", "database or disk is full")
UNSETTLED = [state.value for state in State if not state.settled]


def enqueue(step: str, *arguments: int | str) -> None:
    """Queue ``threads.tasks.<step>`` as soon as the transaction is committed."""
    transaction.on_commit(partial(_send, step, arguments))


class _Silence:
    """A queue that takes long to say that it is not there, and is left alone for a while then."""

    def __init__(self) -> None:
        self._until = 0.0

    def lasts(self) -> bool:
        return time.monotonic() < self._until

    def note(self, began: float) -> None:
        if time.monotonic() - began > SLOW:
            self._until = time.monotonic() + SILENCE


_silence = _Silence()


def _send(step: str, arguments: tuple[int | str, ...]) -> None:
    if _silence.lasts():
        return  # as was said when it began
    began = time.monotonic()
    try:
        place = queue_of(str(arguments[1])) if step == BUILD else None  # else as the settings route it
        current_app.send_task(f"threads.tasks.{step}", args=arguments, retry=False, queue=place)
    except OperationalError as error:
        _silence.note(began)
        log.warning("the queue does not answer, %s%s stays for the sweep: %s", step, arguments, error)


def _free(field: str) -> Q:
    """Return whether nobody holds a row: the time has run out, or is so far ahead that a wrong clock has set it."""
    now = timezone.now()
    unreal = now + timedelta(seconds=2 * settings.LEASE_SECONDS)
    return Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__lt": now}) | Q(**{f"{field}__gt": unreal})


def waiting(rows: QuerySet[Row]) -> QuerySet[Row]:
    """Return those that nobody works on and that are not queued."""
    return rows.filter(_free("queued_until") & _free("leased_until"), state__in=UNSETTLED)


def mark_queued(rows: QuerySet[Row]) -> bool:
    """Note that the rows are queued; False when none of them had to be."""
    until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
    return waiting(rows).update(queued_until=until) > 0


def claim(rows: QuerySet[Row]) -> list[int]:
    """Take a lease on the rows that are not settled and that nobody has; return their keys.

    :raises OperatorError: when the step has lost its worker too often.
    """
    with transaction.atomic():
        free = rows.filter(_free("leased_until"), state__in=UNSETTLED)
        taken = list(free.values_list("pk", flat=True))
        mine = rows.model._default_manager.filter(pk__in=taken)
        mine.filter(_free("leased_until")).update(leased_until=lease_end(), attempts=F("attempts") + 1)
        lost = mine.filter(attempts__gt=MAX_ATTEMPTS).exists()
    if lost:
        raise OperatorError(
            f"The worker died {MAX_ATTEMPTS} times at this step; the operator can look at its log and rerun the series."
        )
    return taken


def release(rows: QuerySet[Row]) -> None:
    """Give a lease back; what was orderly given back does not count as a lost worker."""
    rows.update(leased_until=None, queued_until=None, attempts=0)


def no_room(error: BaseException | None) -> bool:
    """Say whether a disk is full: by the number of the error, or, from libraries that keep it, by its words.

    What is said of a patch may quote the patch, so its words do not count.
    """
    if error is None or isinstance(error, (AuthorError, NotFoundError)):
        return False
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return any(words in str(error) for words in _NO_ROOM) or no_room(error.__cause__ or error.__context__)


def lease_end() -> datetime:
    """Return when a lease that is taken now runs out."""
    return timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
