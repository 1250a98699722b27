"""Lists of series: what is wanted, and one page of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from threads.conversion import storable
from threads.models import MailingList, Message, Person, Series
from threads.selectors import search
from threads.selectors.query import parse
from threads.selectors.versions import newer_by_its_author

PAGE_SIZE = 50
#: people whose names have the words that were asked for, those that came last
MAX_PEOPLE = 500
#: what is known of a series and stands in no list
_LONG = ("prefixes", "prerequisites", "based_on", "links", "cover_trailers", "options")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list shows; every field is a part of its address.

    :ivar list_name: a mailing list, "" for all.
    :ivar q: in the language of :mod:`threads.selectors.query`.
    :ivar latest: only the newest version that each author has posted of a topic.
    """

    list_name: str = ""
    state: str = ""
    verdict: str = ""
    author: str = ""
    q: str = ""
    latest: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of series, newest first, with the cursors of its neighbours ("" at the ends)."""

    rows: list[Series]
    newer: str = ""
    older: str = ""


def shown(rows: QuerySet[Series], order: tuple[str, ...], size: int) -> list[Series]:
    """Return the first series of an order as rows of a list (1 query).

    Each has its author, ``list_name``, the number of its ``mails``, and
    ``outdated``, true when its author has posted a newer version. They are chosen first:
    what is counted is counted for these alone.
    """
    return of_keys(rows.order_by(*order).values("pk")[:size], order)


def of_keys(chosen: QuerySet[Any, Any] | Collection[int], order: tuple[str, ...]) -> list[Series]:
    """Return the series of some keys as rows of a list (1 query)."""
    of_this = OuterRef("pk")
    lists = MailingList.objects.filter(series=of_this).order_by("name").values("name")[:1]
    mails = Message.objects.filter(series=of_this).order_by().values("series").annotate(n=Count("pk")).values("n")
    found = Series.objects.filter(pk__in=chosen).select_related("author").defer(*_LONG)
    found = found.annotate(list_name=Subquery(lists), mails=Subquery(mails), outdated=_superseded())
    return list(found.order_by(*order))


def _superseded() -> Exists:
    return Exists(newer_by_its_author())


def find_rows(wanted: Wanted) -> QuerySet[Series]:
    """Return the series that a list shows."""
    wanted = replace(wanted, author=storable(wanted.author), q=storable(wanted.q), list_name=storable(wanted.list_name))
    rows = Series.objects.all()
    if wanted.list_name:
        # Asked row by row, so that the newest are found without sorting everything that is on the list.
        on_list = Series.lists.through.objects.filter(series=OuterRef("pk"), mailinglist__name=wanted.list_name)
        rows = rows.filter(Exists(on_list))
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.verdict:
        rows = rows.filter(verdict=wanted.verdict)
    if wanted.author:
        # They are chosen first: a join would be made for every series of the list, as far back as it goes.
        people = Person.objects.filter(Q(email__icontains=wanted.author) | Q(name__icontains=wanted.author))
        rows = rows.filter(author__in=list(people.order_by("-pk").values_list("pk", flat=True)[:MAX_PEOPLE]))
    if wanted.q:
        rows = search.series(rows, parse(wanted.q))
    return rows.exclude(_superseded()) if wanted.latest else rows


def by_author(person: Person) -> QuerySet[Series]:
    """Return the series that somebody posted."""
    return Series.objects.filter(author=person)


def page_of(rows: QuerySet[Series], cursor: str = "", size: int = PAGE_SIZE) -> Page:
    """Return one page of series, newest first, from a cursor on (1 query, whatever the page).

    :param cursor: as another page named it; one that cannot be read is the first page.
    """
    place = _read_cursor(cursor)
    towards_newer = place is not None and place[0] == "n"
    if place:
        _, date, pk = place
        if towards_newer:
            rows = rows.filter(date__gte=date).exclude(date=date, pk__lte=pk)
        else:
            rows = rows.filter(date__lte=date).exclude(date=date, pk__gte=pk)
    order = ("date", "pk") if towards_newer else ("-date", "-pk")
    found = shown(rows, order, size + 1)
    more, found = len(found) > size, found[:size]
    if towards_newer:
        found.reverse()
    if not found:
        return Page([])
    return Page(
        found,
        newer=_cursor("n", found[0]) if (more if towards_newer else place) else "",
        older=_cursor("o", found[-1]) if (more or towards_newer) else "",
    )


def _cursor(direction: str, row: Series) -> str:
    return f"{direction}{(row.date - _EPOCH) // timedelta(microseconds=1)}.{row.pk}"


def _read_cursor(cursor: str) -> tuple[str, datetime, int] | None:
    direction, (moment, _, pk) = cursor[:1], cursor[1:40].partition(".")
    if direction not in ("n", "o") or not (moment.isascii() and moment.isdigit() and pk.isascii() and pk.isdigit()):
        return None
    try:
        return direction, _EPOCH + timedelta(microseconds=int(moment)), min(int(pk), 2**62)
    except OverflowError:
        return None
