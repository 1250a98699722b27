"""What else is in flight on the files of a series."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, F, Q

from threads.models import Overlap, Series
from threads.selectors.versions import newer_by_its_author

#: overlaps that are told of one series
MAX_OVERLAPS = 20


@dataclass(frozen=True, slots=True)
class InFlight:
    """Another series that touches the same files.

    :ivar series: with its author.
    :ivar files: that both touch, sorted.
    :ivar collides: whether one stops applying after the other; None when that could not be tried.
    :ivar reason: a sentence that says which one, after which, and where; "" when it could not be tried.
    """

    series: Series
    files: tuple[str, ...]
    collides: bool | None
    reason: str


def in_flight_with(series: Series) -> list[InFlight]:
    """Return the latest versions that touch the files of a series, those that collide first (1 query)."""
    latest = ~Exists(newer_by_its_author("first__")) & ~Exists(newer_by_its_author("second__"))
    rows = Overlap.objects.filter(Q(first=series) | Q(second=series), latest).select_related(
        "first__author", "second__author"
    )
    ordered = rows.order_by(F("collides").desc(nulls_last=True), "-created_at", "-pk")[:MAX_OVERLAPS]
    return [
        InFlight(row.second if row.first_id == series.pk else row.first, tuple(row.files), row.collides, row.reason)
        for row in ordered
    ]
