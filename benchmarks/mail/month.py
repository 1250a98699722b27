"""A month of a list, with a clock of its own, through policy and limits: who would have got what.

Authors, re-rolls, lists and times of day are drawn at random, in the shape of a
busy list: few people post much, a third of the series are re-rolls, most come on
working days. Whether limits and wishes were kept is counted from what was
handed over, by other code than that which keeps them.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from django.conf import settings
from django.db import connection, transaction

from benchmarks.mail import mails
from threads import models
from threads.services import outbox, sending
from threads.services.smtp import Handed, Outcome

_BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
_DAYS = 30
_STEP = timedelta(minutes=30)
_DAY = timedelta(hours=24)
LIMITS = {"all": 50, "list": 20, "author": 3, "thread": 1}
_POLICY = """\
[default]
to = "author"
what = "all"
moderate = false
embargo_hours = 12
[limits]
"""


class Sent(NamedTuple):
    """One mail that the server was given."""

    at: datetime
    to: str
    lists: tuple[str, ...]
    topic: int
    version: int
    thread: str


class Month:
    """The clock, the people, and what was handed over."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = _BEGIN
        self.sent: list[Sent] = []
        self.muted: dict[str, datetime] = {}
        self.newest: dict[str, models.Series] = {}

    def hand_over(
        self, _server: object, mail: bytes, _sender: str, recipients: Sequence[str], claim: Callable[[], bool]
    ) -> Outcome | None:
        """Take a mail."""
        if not claim():
            return None
        name = mail.partition(b"Message-ID: <")[2].partition(b">")[0].decode()
        row = models.Delivery.objects.select_related("series").get(message_id=name)
        assert row.series is not None
        lists = tuple(row.series.lists.values_list("name", flat=True))
        told = (row.series.topic_id, row.series.version, row.thread)
        self.sent += [Sent(self.now, one, lists, *told) for one in recipients]
        return Outcome(Handed.TAKEN, "250 taken")

    def post(self, number: int) -> None:
        """Let somebody post a series, perhaps anew, and the service look at it."""
        chance = self.chance
        who = int(1500 * chance.random() ** 2)  # the busiest posts two or three of a hundred series
        author = (f"Author {who}", f"author{who}@example.org")
        before = self.newest.get(author[1]) if chance.random() < 0.35 else None
        fields = (
            {"topic": before.topic, "version": before.version + 1, "previous": before} if before else {"version": 1}
        )
        lists = ("linux-mm", *(("linux-arm-kernel",) if chance.random() < 0.2 else ()))
        found = chance.random() < 0.1
        report = mails.series(number, found=found, who=author, date=self.now, lists=lists, **fields)
        row = models.Series.objects.get(root_msgid=report.message_id)
        self.newest[author[1]] = row
        outbox.put(row, report)
        if found and chance.random() < 0.05:
            self.muted[author[1]] = self.now
            outbox.wish([author[1]], models.Consent.Wish.NONE, by=author[1])


def run(count: int, seed: int) -> int:
    """Let a month go by and print what came of it; return 0 when no limit was overrun and no wish passed over."""
    month = Month(seed)
    mails.policy(Path(settings.VAR), _POLICY + "".join(f"{name} = {number}\n" for name, number in LIMITS.items()))
    settings.SMTP_URL = "smtp://127.0.0.1:25"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = OFF")
    times = sorted(_time(month.chance) for _ in range(count))
    with (
        mock.patch("django.utils.timezone.now", lambda: month.now),
        mock.patch("threads.services.sending.hand_over", month.hand_over),
        mock.patch("threads.services.queue._send", lambda *_: None),
    ):
        at = 0
        for step in range(int(timedelta(days=_DAYS + 3) / _STEP)):
            month.now = _BEGIN + step * _STEP
            with transaction.atomic():
                while at < count and times[at] <= month.now:
                    month.post(at)
                    at += 1
            sending.send_due()
    return _report(month, count)


def _time(chance: random.Random) -> datetime:
    """Draw when a series is posted: by day rather than by night, on working days rather than at the weekend."""
    while True:
        at = _BEGIN + timedelta(minutes=chance.uniform(0, _DAYS * 24 * 60))
        weight = (0.3 if at.weekday() >= 5 else 1.0) * (1.0 if 6 <= at.hour <= 20 else 0.4)
        if chance.random() < weight:
            return at


def _most(sent: Iterable[tuple[Hashable, datetime]]) -> int:
    """Return the most mails of one kind within any 24 hours."""
    by_key: dict[Hashable, list[datetime]] = defaultdict(list)
    for key, at in sent:
        by_key[key].append(at)
    windows = ((first, times) for times in by_key.values() for first in times)
    return max((sum(first <= one < first + _DAY for one in times) for first, times in windows), default=0)


def _report(month: Month, count: int) -> int:
    sent = month.sent
    most = {
        "all": _most((0, one.at) for one in sent),
        "list": _most((name, one.at) for one in sent for name in one.lists),
        "author": _most((one.to, one.at) for one in sent),
        "thread": _most((one.thread, one.at) for one in sent),
    }
    overrun = [name for name, number in most.items() if number > LIMITS[name]]
    versions = Counter((one.topic, one.version) for one in sent)
    twice = [key for key, number in versions.items() if number > 1]
    muted = [one for one in sent if one.to in month.muted and one.at > month.muted[one.to]]
    stages = Counter(models.Delivery.objects.values_list("stage", flat=True))
    why = Counter(models.Delivery.objects.filter(stage="withheld").values_list("reason", flat=True))
    print(f"{count} series of {len(month.newest)} authors in {_DAYS} days; {len(month.muted)} authors muted us.")
    print(f"Mails: {', '.join(f'{number} {stage}' for stage, number in sorted(stages.items()))}.")
    for reason, number in why.most_common(5):
        print(f"  withheld {number}: {reason}")
    for name, number in most.items():
        print(f"  most within 24 hours, {name}: {number} of {LIMITS[name]}")
    print(f"{len(overrun)} limits overrun, {len(twice)} versions told twice, {len(muted)} mails to who wants none")
    return int(bool(overrun or twice or muted or not sent))
