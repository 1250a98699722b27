"""What is not kept for ever: logs, bytes of old mails, trees of builds; never what a finding or our mail rests on.

Every time limit is a setting in days, and 0 keeps for ever.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from reviewbot.builds.configurations import DEFCONFIG
from reviewbot.errors import OperatorError, TransientError
from reviewbot.reports.facts import State
from reviewbot.tree.worktrees import Pool
from threads import models
from threads.services.building import builder_of
from threads.services.queue import UNSETTLED

_DAY = 86_400
#: rows that are changed in one transaction, so that nobody waits for it
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Given:
    """What was given up: how many logs of runs were emptied, and how many mails have their text alone now."""

    logs: int
    mails: int


def rows(*, pretend: bool = False) -> Given:
    """Give up what the database has kept for long enough; with ``pretend`` only count it."""
    return Given(_logs(pretend), _mails(pretend))


def builds() -> int:
    """Remove the sources and objects of builds on this machine that nobody has used for long; return how many folders.

    What is in use is locked, and stays; what is missed is made again.
    """
    if not settings.KEEP_BUILDS_DAYS:
        return 0
    since = time.time() - settings.KEEP_BUILDS_DAYS * _DAY
    gone = 0
    with Pool(settings.BUILDS / "sources", settings.STORE) as pool:
        for slot in pool.slots():
            if max(path.stat().st_mtime for path in (pool.root / slot, *(pool.root / slot).iterdir())) < since:
                with suppress(TransientError):
                    pool.remove(slot)
                    gone += 1
    with suppress(OperatorError):  # without a compiler there are no objects
        gone += len(builder_of(DEFCONFIG).prune(unused_since=since))
    return gone


def _before(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def _logs(pretend: bool) -> int:
    """Empty the logs of old runs that came to nothing: what has findings, or broke, may be looked up."""
    if not settings.KEEP_LOGS_DAYS:
        return 0
    telling = models.Finding.objects.filter(run=OuterRef("pk"))
    old = models.Run.objects.filter(finished_at__lt=_before(settings.KEEP_LOGS_DAYS)).exclude(log=b"")
    rows = old.exclude(Exists(telling)).exclude(state__in=[*UNSETTLED, State.FAILED, State.BROKEN])
    return _emptied(models.Run, list(rows.values_list("pk", flat=True)), "log", pretend)


def _mails(pretend: bool) -> int:
    """Forget the bytes of old mails that belong to no series, and that we have not answered."""
    if not settings.KEEP_MAILS_DAYS:
        return 0
    old = models.Message.objects.filter(received_at__lt=_before(settings.KEEP_MAILS_DAYS), series=None)
    answered = models.Delivery.objects.exclude(in_reply_to="").values("in_reply_to")
    rows = old.exclude(raw=b"").exclude(Q(patches__isnull=False) | Q(cover_of__isnull=False))
    rows = rows.exclude(message_id__in=answered)
    return _emptied(models.Message, list(rows.values_list("pk", flat=True)), "raw", pretend)


def _emptied(model: type[models.Run] | type[models.Message], keys: list[int], column: str, pretend: bool) -> int:
    for start in range(0, 0 if pretend else len(keys), _CHUNK):
        model._default_manager.filter(pk__in=keys[start : start + _CHUNK]).update(**{column: b""})
    return len(keys)
