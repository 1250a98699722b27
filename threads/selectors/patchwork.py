"""Reads in Patchwork's terms: patches, series, covers and checks with the filters that its clients send.

A patch has the state ``superseded`` when a newer version of its series is
known, else ``new``: what maintainers decide is not kept here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.text import slugify

from reviewbot.reports.facts import BaseFacts, Cell, Reject, State
from reviewbot.reports.keeping import unpack
from reviewbot.reports.sentences import base_name
from threads.conversion import storable
from threads.models import MailingList, Message, Patch, Report, Series
from threads.selectors.series import bare_msgid

NEW, SUPERSEDED = "new", "superseded"
#: latest state first; a patch without checks is pending for Patchwork
WORDS = {
    State.PASSED: "success",
    State.WARNED: "warning",
    State.FAILED: "fail",
    State.RUNNING: "pending",
    State.NOT_RUN: "pending",
    State.BROKEN: "pending",  # our fault is never a failure of the patch
}
_WORST = ("fail", "warning", "pending", "success")


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one patch; ``number`` counts from 1 within the patch."""

    number: int
    context: str
    state: str
    description: str
    date: datetime
    run: int = 0


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of a patch and what they come to."""

    checks: tuple[Check, ...] = ()

    @property
    def combined(self) -> str:
        """Return the worst state; no checks are pending, as Patchwork has it."""
        states = {check.state for check in self.checks}
        return next((state for state in _WORST if state in states), "pending")


def project_id(series: str) -> Subquery:
    """Return the id of one list of a series, for an annotation; ``series`` names the column of its id."""
    return Subquery(MailingList.objects.filter(series=OuterRef(series)).order_by("name").values("pk")[:1])


def find_patches(query: QueryDict) -> QuerySet[Patch]:
    """Return the patches that a client asks for, with project and whether they are superseded."""
    newer = Series.objects.filter(topic=OuterRef("series__topic"), version__gt=OuterRef("series__version"))
    rows = (
        Patch.objects.select_related("message__author", "series__author", "series__cover")
        .defer("message__raw", "message__body", "series__cover__raw", "series__cover__body")
        .annotate(project=project_id("series_id"), superseded=Exists(newer))
    )
    if "msgid" in query:
        rows = rows.filter(message__message_id=bare_msgid(query.get("msgid", "")))
    if "hash" in query:
        rows = rows.filter(patch_id=storable(query.get("hash", "")))
    if "series" in query:
        rows = rows.filter(series_id__in=_numbers(query.getlist("series")))
    states = {state.lower() for state in query.getlist("state")}
    if states and states != {NEW, SUPERSEDED}:
        rows = rows.filter(_in_states(states, newer))
    if query.get("archived", "").lower() in ("true", "1") or query.get("delegate"):
        return rows.none()
    return _common(rows, query, "series_id", "message__author", "series__date", "subject")


def _in_states(states: set[str], newer: QuerySet[Series]) -> Q:
    if NEW in states and SUPERSEDED in states:
        return Q()
    if NEW in states:
        return ~Q(Exists(newer))
    return Q(Exists(newer)) if SUPERSEDED in states else Q(pk=None)


def find_series(query: QueryDict) -> QuerySet[Series]:
    """Return the series that a client asks for, with their patches."""
    rows = Series.objects.select_related("author", "cover").defer("cover__raw", "cover__body")
    rows = rows.prefetch_related("patches__message").annotate(project=project_id("pk"))
    return _common(rows, query, "pk", "author", "date", "name")


def find_covers(query: QueryDict) -> QuerySet[Message]:
    """Return the cover letters that a client asks for."""
    rows = Message.objects.filter(cover_of__isnull=False).select_related("author", "cover_of__author")
    rows = rows.defer("raw").annotate(project=project_id("cover_of"))
    if "msgid" in query:
        rows = rows.filter(message_id=bare_msgid(query.get("msgid", "")))
    return _common(rows, query, "cover_of", "author", "date", "subject")


def _common(rows: QuerySet[Any], query: QueryDict, series: str, author: str, date: str, name: str) -> QuerySet[Any]:
    """Apply the filters and the order that all collections have; ``series`` and the rest name columns."""
    project = storable(query.get("project", ""))
    if project and project != "all":
        column = "mailinglist" if _numbers([project]) else "mailinglist__name"
        on_list = Series.lists.through.objects.filter(series=OuterRef(series), **{column: project})
        rows = rows.filter(Exists(on_list))
    if submitter := query.getlist("submitter"):
        known = Q(**{f"{author}_id__in": _numbers(submitter)})
        rows = rows.filter(known | Q(**{f"{author}__email__in": [storable(one.lower()) for one in submitter]}))
    for word, side in (("since", "gte"), ("before", "lt")):
        if moment := _moment(query.get(word, "")):
            rows = rows.filter(**{f"{date}__{side}": moment})
    if words := storable(query.get("q", "")):
        rows = rows.filter(**{f"{name}__icontains": words})
    columns = {"id": "pk", "date": date, "name": name}
    order = query.get("order", "id")
    column = columns.get(order.lstrip("-"), "pk")
    return rows.order_by(f"-{column}" if order.startswith("-") else column, "pk")


def _numbers(words: Iterable[str]) -> list[int]:
    return [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 19]


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    if moment is None:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def checks_of(patches: Iterable[Patch]) -> dict[int, Checks]:
    """Return the checks of patches, by the patch's row id (1 query)."""
    patches = list(patches)
    reports = Report.objects.filter(series__in={patch.series_id for patch in patches})
    facts = {report.series_id: (report.facts, report.updated_at) for report in reports}
    return {patch.pk: _checks(patch.number, *facts[patch.series_id]) for patch in patches if patch.series_id in facts}


def _checks(number: int, facts: Mapping[str, Any], date: datetime) -> Checks:
    """Return the checks of one patch: whether it applies, then every square of its row of the matrix."""
    found = _applied(number, facts)
    cells = [unpack(Cell, cell) for cell in facts["cells"] if cell["patch"] == number]
    for cell in cells:
        if cell.state in WORDS:
            context = slugify(f"reviewbot-{cell.check}-{cell.configuration}".replace(".", "-"))
            said = cell.summary or cell.state.value
            text = f"our fault: {said}" if cell.state is State.BROKEN else said
            found.append((context, WORDS[cell.state], text, cell.run))
    return Checks(
        tuple(
            Check(position, context, state, text[:255], date, run)
            for position, (context, state, text, run) in enumerate(found, 1)
        )
    )


def _applied(number: int, facts: Mapping[str, Any]) -> list[tuple[str, str, str, int]]:
    """Say whether the patch applies to the base; that it does not is a word about our base too, so it only warns."""
    failure = unpack(Reject, facts["failure"]) if facts["failure"] else None
    base = unpack(BaseFacts, facts["base"]) if facts["base"] else None
    if failure and failure.patch <= number:
        said = failure.reason if failure.patch == number else f"patch {failure.patch} before it does not apply"
        return [("reviewbot-apply", "warning", said, 0)]
    if base is None:
        return []
    return [("reviewbot-apply", "success", f"applies to {base_name(base)}", 0)]
