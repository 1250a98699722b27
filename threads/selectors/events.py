"""What happened, in Patchwork's terms: series that came and are complete, and what was done to patches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Value
from django.http import QueryDict

from reviewbot.reports.facts import Verdict
from threads.models import Event, Patch, Series
from threads.selectors.patchwork import all_patches, dress_series, in_common, moment_of, without


@dataclass(frozen=True, slots=True)
class SeriesCame:
    """A series came, or is complete; ``number`` is the id of the event."""

    number: int
    category: str
    series: Series


@dataclass(frozen=True, slots=True)
class PatchDone:
    """Something was done to a patch; ``number`` is the id of the event."""

    number: int
    category: str
    event: Event
    patch: Patch


#: kinds of events; the place of a kind is what its ids leave when they are divided by four
_KINDS = ("series-created", "series-completed", "event")


@dataclass(frozen=True, slots=True)
class Events:
    """What a client asks for, newest first: of each kind the rows and the column of their time, by place of the kind.

    A page takes the newest of each kind and sorts these alone.
    """

    kinds: Mapping[int, tuple[QuerySet[Any], str]]

    def count(self) -> int:
        """Return how many there are (1 query for each kind)."""
        return sum(rows.count() for rows, _ in self.kinds.values())

    def __getitem__(self, part: slice) -> list[dict[str, Any]]:
        """Return some of them, each with its ``kind``, ``pk`` and ``at`` (1 query)."""
        parts = [_newest(kind, *known, part.stop) for kind, known in self.kinds.items()]
        return list(parts[0].union(*parts[1:], all=True).order_by("-at", "-kind", "-pk")[part])


def _newest(kind: int, rows: QuerySet[Any], date: str, most: int) -> QuerySet[Any, Any]:
    newest = rows.order_by(f"-{date}", "-pk").values("pk")[:most]
    chosen: QuerySet[Any] = rows.model._default_manager.filter(pk__in=newest).order_by()
    named: QuerySet[Any, Any] = chosen.annotate(kind=Value(kind), at=F(date)).values("kind", "pk", "at")
    return named


def find_events(query: QueryDict) -> Events:
    """Return what a client asks for (no query yet)."""
    asked = without(query, "order")
    category = query.get("category", "")
    series = in_common(Series.objects.all(), without(asked, "since", "before"), "pk", "author", "date", "name")
    done = Event.objects.filter(category=category) if category else Event.objects.all()
    if "project" in query:
        only = without(asked, *(name for name in asked if name != "project"))
        homes = Patch.objects.filter(message=OuterRef("message"))
        done = done.filter(Exists(in_common(homes, only, "series_id", "message__author", "series__date", "subject")))
    complete = series.exclude(verdict=Verdict.INCOMPLETE)
    known = ((series, "received_at"), (complete, "received_at"), (done, "date"))
    wanted = range(3) if not category else [_KINDS.index(category) if category in _KINDS else 2]
    return Events({kind: (_timed(known[kind][0], known[kind][1], query), known[kind][1]) for kind in wanted})


def _timed(rows: QuerySet[Any], date: str, query: QueryDict) -> QuerySet[Any]:
    for word, side in (("since", "gte"), ("before", "lt")):
        if moment := moment_of(query.get(word, "")):
            rows = rows.filter(**{f"{date}__{side}": moment})
    return rows


def happened(found: Iterable[Mapping[str, Any]]) -> list[SeriesCame | PatchDone]:
    """Return what stands behind some rows of :class:`Events`, in their order (at most 4 queries)."""
    found = list(found)
    series = {row.pk: row for row, _ in dress_series({one["pk"] for one in found if one["kind"] < 2})}
    rows = Event.objects.select_related("actor", "check_row__user").in_bulk(
        [one["pk"] for one in found if one["kind"] == 2]
    )
    messages = {row.message_id for row in rows.values()}
    patches = {row.message_id: row for row in all_patches().filter(message__in=messages)} if messages else {}
    told: list[SeriesCame | PatchDone] = []
    for one in found:
        number = 4 * one["pk"] + one["kind"]
        if one["kind"] < 2 and one["pk"] in series:
            told.append(SeriesCame(number, _KINDS[one["kind"]], series[one["pk"]]))
        elif one["pk"] in rows and rows[one["pk"]].message_id in patches:
            row = rows[one["pk"]]
            told.append(PatchDone(number, row.category, row, patches[row.message_id]))
    return told
