"""Mails that arrive: kept, and assembled; one that brings our code down is kept as bytes and stops nobody."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import DataError, transaction

from reviewbot.mail.message import Address, Message
from reviewbot.mail.parse import derived_message_id
from threads import models
from threads.services import assembly, messages
from threads.services.messages import Kept

log = logging.getLogger(__name__)

#: what a mail can uncover in our code; what the machine lacks (a disk, a database, memory) is not its fault
_FAULTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, DataError)


def take_in(raw_mails: Sequence[bytes], mailing_list: models.MailingList | None) -> tuple[Kept, list[models.Series]]:
    """Keep mails and assemble their series, in one transaction.

    Where that fails, the mail that it fails for is looked for by halves. It is
    kept as bytes, with a note; all others are taken in as ever.
    """
    try:
        with transaction.atomic():
            kept = messages.keep(raw_mails, mailing_list=mailing_list)
            return kept, assembly.assemble_threads(kept.grown, kept.rows)
    except _FAULTS as error:
        if len(raw_mails) > 1:
            return _by_halves(raw_mails, mailing_list)
        log.exception("a mail could not be read and is kept as bytes")
        return messages.keep_parsed([_unread(raw_mails[0], error)], mailing_list=mailing_list), []


def _by_halves(raw_mails: Sequence[bytes], mailing_list: models.MailingList | None) -> tuple[Kept, list[models.Series]]:
    half = len(raw_mails) // 2
    with transaction.atomic():
        one, first = take_in(raw_mails[:half], mailing_list)
        other, second = take_in(raw_mails[half:], mailing_list)
        # What the second half brought may have made other series of the first one's.
        keys = {row.pk for row in (*first, *second)}
        series = list(models.Series.objects.filter(pk__in=keys))
    both = dict.fromkeys((*one.message_ids, *other.message_ids))
    return Kept(tuple(both), one.threads | other.threads, {**one.rows, **other.rows}), series


def _unread(raw: bytes, error: Exception) -> Message:
    """Return a mail of which nothing is known but its bytes."""
    note = f"it could not be read ({type(error).__name__}) and is kept as bytes; please report this"
    name = derived_message_id((hashlib.sha256(raw).hexdigest(),))
    return Message(name, "", Address("", ""), datetime.now(UTC), oddities=(note,), raw=raw)
