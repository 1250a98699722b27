"""Reading what is new on the followed lists: every mail once, whenever the reader is killed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from reviewbot.errors import ReviewError
from reviewbot.lore.follow import Arrival, Cursor, follow, newest
from reviewbot.lore.http import Client, Manners
from reviewbot.mail.commands import MARK
from threads import models
from threads.services import arrivals, building, outbox, pipeline
from threads.services.queue import enqueue

log = logging.getLogger(__name__)

_BATCH = 100
#: a list that does not answer is asked again after this at the latest
_LONGEST_WAIT = timedelta(hours=1)


def follow_all() -> None:
    """Read every followed list as far as its archive goes; one that does not answer keeps none of the others.

    Such a list says so on the status page, and is asked again when as much time
    has gone by as it has been silent, an hour at most.
    """
    resting = Q(retry_at__gt=datetime.now(UTC))
    for mailing_list in models.MailingList.objects.exclude(epochs="").exclude(resting):
        try:
            read_on(mailing_list)
        except Exception as error:  # whatever it is, the other lists are read
            _note_failure(mailing_list, error)
        else:
            _note(mailing_list, failing_since=None, failure="", retry_at=None)


def _note_failure(mailing_list: models.MailingList, error: Exception) -> None:
    now = datetime.now(UTC)
    since = mailing_list.failing_since or now
    if isinstance(error, ReviewError):
        log.warning("%s: %s", mailing_list.name, error)
        failure = str(error)
    else:
        log.exception("%s could not be read", mailing_list.name, exc_info=error)
        failure = f"This failed on our side ({type(error).__name__}); the log of the worker says where."
    wait = min(max(now - since, timedelta(seconds=settings.FOLLOW_SECONDS)), _LONGEST_WAIT)
    _note(mailing_list, failing_since=since, failure=failure, retry_at=now + wait)


def _note(mailing_list: models.MailingList, **state: object) -> None:
    """Write how a list does, if that is new; the cursor is left alone, as another reader may have moved it."""
    if any(getattr(mailing_list, name) != value for name, value in state.items()):
        models.MailingList.objects.filter(pk=mailing_list.pk).update(**state)


def read_on(mailing_list: models.MailingList) -> int:
    """Read what came to a list since its cursor, and ask for the series it completes; return the number of mails.

    A list that is followed for the first time starts with the next mail: what
    is older is taken in by ``manage.py import``. Mails, series and cursor are
    written together, batch by batch, so that a reader may be killed at any
    time; of two readers, the second finds the cursor moved and stops.

    :raises ReviewError: when the archive cannot be read.
    """
    client = Client(_manners(mailing_list.epochs))
    if not mailing_list.cursor:
        start = str(newest(mailing_list.epochs, client=client))
        models.MailingList.objects.filter(pk=mailing_list.pk, cursor="").update(cursor=start)
        return 0
    mirror = settings.VAR / "lists" / mailing_list.name
    came = follow(mailing_list.epochs, mirror, Cursor.parse(mailing_list.cursor), client=client)
    count = 0
    place = mailing_list.cursor
    while batch := list(islice(came, _BATCH)):
        if not _take_in(mailing_list, batch, place):
            break
        place = str(batch[-1].cursor)
        count += len(batch)
    return count


def _take_in(mailing_list: models.MailingList, batch: Sequence[Arrival], place: str) -> bool:
    """Keep a batch and move the cursor, or do nothing and say so when somebody else has moved it."""
    with transaction.atomic():
        moved = models.MailingList.objects.filter(pk=mailing_list.pk, cursor=place).update(cursor=str(batch[-1].cursor))
        if not moved:
            return False
        kept, _ = arrivals.take_in([one.raw for one in batch if not one.taken_back], mailing_list)
        ask(kept.message_ids)
    return True


def ask(message_ids: Sequence[str]) -> None:
    """Ask for the series of these mails; a reply lets a report be made again, a command in it is done."""
    of_these = Q(cover__message_id__in=message_ids) | Q(patches__message__message_id__in=message_ids)
    posted = models.Series.objects.filter(of_these).select_related("previous").distinct()
    for series in posted:
        pipeline.want(series)
        building.cancel_older(series)
        outbox.withdraw_older(series)
    answered = models.Series.objects.filter(messages__message_id__in=message_ids)
    pipeline.refresh(answered.exclude(pk__in=[one.pk for one in posted]))
    commanding = models.Message.objects.filter(message_id__in=message_ids, body__icontains=MARK)
    for key in commanding.values_list("pk", flat=True):
        enqueue("obey", key)


def _manners(source: str) -> Manners:
    host = urlsplit(source).hostname or ""
    return Manners(settings.IDENTIFICATION, frozenset({host}), private=settings.PRIVATE_ARCHIVES)
