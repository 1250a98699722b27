"""The weekly digest of a list: put together from the rows, and sent to who asked for mails."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from reviewbot.errors import NotFoundError
from reviewbot.mail.compose import compose_mail
from reviewbot.mail.message import Address
from reviewbot.mail.policy import Audience, rule_for
from reviewbot.reports import digest
from reviewbot.reports.digest import Item, Week
from reviewbot.reports.facts import Verdict
from reviewbot.reports.sentences import counted, enumerated
from threads import links, models
from threads.selectors.outbox import ledger
from threads.services import outbox, posting

#: series of one week that are read
_MOST = 2000


def week(name: str, until: datetime) -> Week:
    """Return what happened on a list in the seven days before a moment.

    :raises NotFoundError: when the list is not known.
    """
    mailing_list = models.MailingList.objects.filter(name=name).first()
    if mailing_list is None:
        raise NotFoundError(f"There is no list named {name}; see manage.py lists.")
    since = until - timedelta(days=7)
    rows = models.Series.objects.filter(lists=mailing_list, date__gte=since, date__lt=until).order_by("date", "pk")
    found = rows.filter(Q(new_errors__gt=0) | Q(new_warnings__gt=0), verdict=Verdict.FINDINGS)
    checked = rows.filter(verdict__in=[Verdict.CLEAN, Verdict.FINDINGS]).count()
    return Week(
        name,
        since,
        until,
        rows.count(),
        checked,
        tuple(Item(row.subject, _counts(row), _page(name, row)) for row in found[:_MOST]),
        tuple(_fixed(name, list(rows[:_MOST]))),
        tuple(_wrong(name, mailing_list, since, until)),
    )


def _fixed(name: str, rows: list[models.Series]) -> list[Item]:
    by_version = {(row.topic_id, row.version): row for row in rows}
    lives = models.FindingLife.objects.filter(topic__in=[row.topic_id for row in rows]).exclude(fixed_in=None)
    told: dict[models.Series, list[str]] = {}
    for life in lives.order_by("pk"):
        row = by_version.get((life.topic_id, life.fixed_in or 0))
        if row is not None:
            told.setdefault(row, []).append(life.rule)
    return [Item(row.subject, f"{enumerated(rules)} gone", _page(name, row)) for row, rules in told.items()]


def _wrong(name: str, mailing_list: models.MailingList, since: datetime, until: datetime) -> list[Item]:
    marks = models.Mark.objects.filter(
        judgement=models.Mark.Judgement.WRONG, at__gte=since, at__lt=until, series__lists=mailing_list
    ).select_related("series")
    return [
        Item(one.series.subject, f"{one.rule}: {one.reason}", _page(name, one.series)) for one in marks.order_by("pk")
    ]


def _counts(row: models.Series) -> str:
    errors = counted(row.new_errors, "error") if row.new_errors else ""
    warnings = counted(row.new_warnings, "warning") if row.new_warnings else ""
    return enumerated([*filter(None, (errors, warnings))])


def _page(name: str, row: models.Series) -> str:
    return settings.SITE_URL + links.to_series(name, row.root_msgid)


def send_weekly() -> int:
    """Put the digests of the last whole week into the outbox, of lists whose policy lets volunteers be told."""
    if not settings.SENDING:
        return 0
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    until = today - timedelta(days=today.weekday())
    rules, count = outbox.policy(), 0
    for name, address in models.MailingList.objects.exclude(address="").values_list("name", "address"):
        if rule_for(rules, [address], "").to in (Audience.VOLUNTEERS, Audience.EVERYBODY):
            told = week(name, until)
            count += send(told) if told.posted else 0
    return count


def send(told: Week) -> int:
    """Put the digest into the outbox, a mail for each who asked for mails; return how many. Twice is once."""
    body = digest.write(told, settings.SITE_URL)
    ours = posting.sender()
    volunteers = sorted(ledger().volunteers)
    for address in volunteers:
        said = "\0".join([told.name, told.until.astimezone(UTC).isoformat(), address])
        message_id = f"digest.{hashlib.sha256(said.encode()).hexdigest()[:32]}@{ours.email.rpartition('@')[2]}"
        raw = compose_mail(
            digest.subject(told),
            body,
            sender=ours,
            to=[Address("", address)],
            message_id=message_id,
            date=told.until,
            headers={
                "Precedence": "bulk",
                "Feedback-ID": f"{told.name}:digest:reviewbot",
                "List-Unsubscribe": f"<mailto:{posting.answers_to()}?subject=mute&body=%23reviewbot%20mute>",
            },
        )
        posting.post(models.Delivery.Kind.DIGEST, raw, message_id, digest.subject(told), [address])
    return len(volunteers)
