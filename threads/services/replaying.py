"""Letting mails of the past arrive again, and comparing what comes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction

from reviewbot.lore.mbox import read_mailbox
from reviewbot.mail.parse import parse_message
from reviewbot.reports.facts import SeriesReport, Verdict
from reviewbot.reports.keeping import unpack
from threads import models
from threads.services import arrivals, following
from threads.services.queue import UNSETTLED

#: mails that arrive together, as from a followed list
_BATCH = 100


def arrive(source: str, mailing_list: models.MailingList, since: datetime | None, until: datetime | None) -> int:
    """Let the mails of a mailbox arrive on a list, in its order, as if the list were followed; return how many.

    :param source: as for :func:`reviewbot.lore.mbox.read_mailbox`.
    :param since: the first date that counts, None for the beginning.
    :param until: the date from which on none counts any more, None for the end.
    :raises ReviewError: when the mailbox cannot be read.
    """
    count = 0
    mails = _within(read_mailbox(source), since, until)
    while batch := list(islice(mails, _BATCH)):
        with transaction.atomic():
            kept, _ = arrivals.take_in(batch, mailing_list)
            following.ask(kept.message_ids)
        count += len(batch)
    return count


def _within(mails: Iterable[bytes], since: datetime | None, until: datetime | None) -> Iterator[bytes]:
    for raw in mails:
        date = parse_message(raw).date if since or until else None
        if date is None or ((since is None or date >= since) and (until is None or date < until)):
            yield raw


def under_way() -> int:
    """Return how many series, and reports about them, are not at their end."""
    series = models.Series.objects.filter(wanted=True, state__in=UNSETTLED).exclude(verdict=Verdict.INCOMPLETE)
    return series.count() + models.Report.objects.exclude(stale_at=None).count()


def outcomes(roots: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    """Return what came of the wanted series, by the Message-ID of their root; the same facts give the same values.

    :param roots: of these series only.
    """
    rows = models.Series.objects.filter(wanted=True).order_by("root_msgid")
    return {row.root_msgid: _outcome(row) for row in (rows if roots is None else rows.filter(root_msgid__in=roots))}


def _outcome(row: models.Series) -> dict[str, Any]:
    application = row.applications.filter(chosen=True).first()
    commits = list(application.commits.values_list("commit", flat=True)) if application else []
    report = models.Report.objects.filter(series=row).first()
    told = unpack(SeriesReport, report.facts).findings if report else ()
    return {
        "verdict": row.verdict,
        "reason": row.reason,
        "commits": commits,
        "findings": sorted(f"{one.finding.rule} {one.finding.fingerprint}" for one in told),
        "mails": sorted(row.deliveries.values_list("message_id", flat=True)),
    }
