"""What needs a look, and how the service itself is."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q, QuerySet, Value
from django.utils import timezone

from reviewbot.reports.facts import State, Verdict
from threads.lanes import BUILD
from threads.models import MailingList, Message, Run, Series, Submission, Tree
from threads.selectors.listing import Wanted, find_rows, of_keys
from threads.selectors.prepared import Prepared

#: rows of one heading of the inbox; the rest is a link to the list
INBOX_SIZE = 12
_NEWEST = ("-date", "-pk")


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading of the inbox: what these series have in common, and where all of them are."""

    title: str
    wanted: Wanted
    rows: list[Series]
    more: bool


def inbox() -> list[Heading]:
    """Return what needs a look, and last what came through clean; a series stands where it fits first (2 queries)."""
    headings = (
        ("Awaiting moderation", Wanted(q="state:awaiting-moderation")),
        ("New findings", Wanted(verdict=Verdict.FINDINGS, latest=True)),
        ("Applies no more", Wanted(q="state:applies-no-more", latest=True)),
        ("Does not apply", Wanted(verdict=Verdict.DOES_NOT_APPLY, latest=True)),
        ("Under way", Wanted(state=State.RUNNING)),
        ("New versions", Wanted(q="state:new-version d:2.weeks.ago..", latest=True)),
        ("Incomplete", Wanted(q="state:waiting-for-parts d:2.weeks.ago..", latest=True)),
        ("Broken: our fault", Wanted(verdict=Verdict.BROKEN, latest=True)),
        ("Nothing found", Wanted(verdict=Verdict.CLEAN, latest=True)),
    )
    fits = _fitting(tuple(wanted for _, wanted in headings))
    newest = {row.pk: row for row in of_keys({pk for keys in fits for pk in keys}, _NEWEST)}
    found = []
    above: set[int] = set()
    for (title, wanted), keys in zip(headings, fits, strict=True):
        rows = [row for row in newest.values() if row.pk in keys]
        more = len(rows) > INBOX_SIZE
        rows = [row for row in rows[:INBOX_SIZE] if row.pk not in above]
        above |= {row.pk for row in rows}
        found.append(Heading(title, wanted, rows, more))
    return found


def _fitting(wanted: tuple[Wanted, ...]) -> list[set[int]]:
    """Return the keys of the newest series of each heading, one more than is shown (1 query)."""
    found: list[set[int]] = [set() for _ in wanted]
    for number, pk in _asked(wanted, timezone.now().date())(0):
        found[number].add(pk)
    return found


@lru_cache(maxsize=4)
def _asked(wanted: tuple[Wanted, ...], day: date) -> Prepared[tuple[int, int]]:
    """Return the query of all headings, written once a day: dates that are ``ago`` stand in it."""

    def rows(_: object) -> QuerySet[Series, tuple[int, int]]:
        parts = []
        for number, one in enumerate(wanted):
            newest = find_rows(one).order_by(*_NEWEST).values("pk")[: INBOX_SIZE + 1]
            parts.append(Series.objects.filter(pk__in=newest).order_by().values_list(Value(number), "pk"))
        return parts[0].union(*parts[1:], all=True)

    return Prepared(rows)


@dataclass(frozen=True, slots=True)
class ServiceState:
    """How the service itself is: newest mail of the lists, what waits, what broke lately."""

    newest_mail: datetime | None
    waiting: int
    oldest_wait: datetime | None
    running: int
    broken: int

    @property
    def stuck(self) -> bool:
        """True when something has waited for more than an hour: no worker takes it."""
        return self.oldest_wait is not None and timezone.now() - self.oldest_wait > timedelta(hours=1)


def service_state() -> ServiceState:
    """Return how the service is (3 queries)."""
    newest = MailingList.objects.aggregate(seen=Max("seen_at"))["seen"]
    newest = newest or Message.objects.order_by("-date").values_list("date", flat=True).first()
    unsettled = Series.objects.filter(wanted=True).exclude(verdict=Verdict.INCOMPLETE)
    waiting = unsettled.filter(state=State.NOT_RUN).order_by("received_at")
    times = list(waiting.values_list("received_at", flat=True)[:1000])
    states = Run.objects.filter(state__in=[State.RUNNING, State.BROKEN]).values_list("state")
    counts = dict(states.annotate(n=Count("pk")).order_by())
    return ServiceState(
        newest_mail=newest,
        waiting=len(times),
        oldest_wait=times[0] if times else None,
        running=counts.get(State.RUNNING, 0),
        broken=counts.get(State.BROKEN, 0),
    )


def mailing_lists() -> list[MailingList]:
    """Return every list by name (1 query)."""
    return list(MailingList.objects.order_by("name"))


def open_submissions() -> list[Submission]:
    """Return what was asked for and has not become a series, newest first (1 query)."""
    return list(Submission.objects.filter(series=None).order_by("-created_at")[:INBOX_SIZE])


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for one kind of work.

    :ivar oldest: since when the first of it waits, None when nothing does or it is not known.
    """

    name: str
    waiting: int
    running: int
    oldest: datetime | None = None


def queues() -> list[Queue]:
    """Return what waits and what is worked on, by kind of work (1 query)."""
    found = {(number, state): (n, oldest) for number, state, n, oldest in _unsettled(0)}
    nothing = (0, None)
    return [
        Queue(name, waits, found.get((number, State.RUNNING), nothing)[0], oldest)
        for number, name in enumerate(("fetching", "series", "checks", "builds"))
        for waits, oldest in [found.get((number, State.NOT_RUN), nothing)]
    ]


def _by_state(_: object) -> QuerySet[Any, tuple[int, str, int, datetime | None]]:
    """Return how many rows of each kind are in each state of work, and since when the oldest is."""
    kinds = (
        (Submission.objects.filter(series=None), "created_at"),
        (Series.objects.filter(wanted=True).exclude(verdict=Verdict.INCOMPLETE), "received_at"),
        (Run.objects.exclude(check_name=BUILD), "started_at"),
        (Run.objects.filter(check_name=BUILD), "started_at"),
    )
    parts = []
    for number, (rows, since) in enumerate(kinds):
        unsettled = rows.filter(state__in=[State.NOT_RUN, State.RUNNING]).order_by()
        parts.append(unsettled.values_list(Value(number), "state").annotate(Count("pk"), Min(since)))
    return parts[0].union(*parts[1:], all=True)


_unsettled = Prepared(_by_state)


def broken_runs() -> int:
    """Return how many runs are broken by our fault (1 query)."""
    return Run.objects.filter(state=State.BROKEN).count()


@dataclass(frozen=True, slots=True)
class Disk:
    """A place where the service keeps data; sizes in bytes."""

    name: str
    free: int
    total: int

    @property
    def scarce(self) -> bool:
        """True when less than a tenth is free."""
        return self.free * 10 < self.total


def disks() -> list[Disk]:
    """Return how much room there is for the database, the trees and the builds; what is not there is left out."""
    found = []
    for name, path in (("data", settings.VAR), ("trees", settings.STORE), ("builds", settings.BUILDS)):
        with suppress(OSError):
            usage = shutil.disk_usage(path)
            found.append(Disk(name, usage.free, usage.total))
    return found


def trees() -> list[Tree]:
    """Return the trees in the order they are tried, with how many series apply to each (1 query)."""
    chosen = Count("applications", filter=Q(applications__chosen=True))
    return list(Tree.objects.annotate(series_count=chosen).order_by("position", "name"))
