"""Reads in Patchwork's terms: patches, series, covers and checks with the filters that its clients send.

A patch has the state that a maintainer gave it; while nobody did, it is
``superseded`` when its author has posted a newer version, else ``new``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db.models import Case, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.text import slugify

from reviewbot.reports.facts import BaseFacts, Cell, Reject, State, Verdict
from reviewbot.reports.keeping import unpack
from reviewbot.reports.sentences import base_name
from threads.conversion import storable
from threads.models import Event, ForeignCheck, MailingList, Message, Patch, Report, Series
from threads.selectors.series import bare_msgid
from threads.selectors.versions import newer_by_its_author

NEW, SUPERSEDED = "new", "superseded"
#: the id 1 is the service itself; an account has the number of its row and this
USERS = 1
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


#: numbers of checks of others begin here; our own count from 1 within a patch
FOREIGN = 10_000
#: what of a patch's mail is not read for lists
_LONG = ("message__raw", "message__body", "series__cover__raw", "series__cover__body")


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one patch.

    :ivar user: the account of another bot, None for our own.
    """

    number: int
    context: str
    state: str
    description: str
    date: datetime
    run: int = 0
    target_url: str = ""
    user: AbstractUser | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of a patch and what they come to."""

    checks: tuple[Check, ...] = ()

    @property
    def combined(self) -> str:
        """Return the worst state of the newest check of each bot and context; none are pending, as Patchwork has it."""
        newest = {(check.user.pk if check.user else 0, check.context): check.state for check in self.checks}
        states = set(newest.values())
        return next((state for state in _WORST if state in states), "pending")


def project_id(series: str) -> Subquery:
    """Return the id of one list of a series, for an annotation; ``series`` names the column of its id."""
    return Subquery(MailingList.objects.filter(series=OuterRef(series)).order_by("name").values("pk")[:1])


def find_patches(query: QueryDict) -> QuerySet[Patch]:
    """Return the patches that a client asks for, with ``project`` and ``standing``, the state."""
    beside = ("message__author", "series__author", "series__cover", "message__decision__delegate")
    rows = match_patches(query).select_related(*beside).defer(*_LONG)
    return rows.annotate(project=project_id("series_id"), standing=_standing(_newer()))


def dress_patches(found: Iterable[Patch]) -> list[Patch]:
    """Return rows of :func:`match_patches` as :func:`find_patches` has them, in their order (1 query)."""
    order = [row.pk for row in found]
    rows = find_patches(QueryDict()).in_bulk(order)
    return [rows[pk] for pk in order if pk in rows]


def _newer() -> QuerySet[Series]:
    return newer_by_its_author("series__")


def match_patches(query: QueryDict) -> QuerySet[Patch]:
    """Return the patches that a client asks for, bare: they are counted without what stands beside them."""
    rows, newer = Patch.objects.all(), _newer()
    if "msgid" in query:
        rows = rows.filter(message__message_id=bare_msgid(query.get("msgid", "")))
    if "hash" in query:
        rows = rows.filter(patch_id=storable(query.get("hash", "")))
    if "series" in query:
        rows = rows.filter(series_id__in=_numbers(query.getlist("series")))
    if states := {storable(state.lower()) for state in query.getlist("state")}:
        rows = rows.filter(_in_states(states, newer))
    if archived := query.get("archived", "").lower():
        kept = Q(message__decision__archived=True)
        rows = rows.filter(kept if archived in ("true", "1") else ~kept)
    if delegates := query.getlist("delegate"):
        rows = rows.filter(message__decision__delegate__in=find_users(delegates))
    return _common(rows, query, "series_id", "message__author", "series__date", "subject")


def _standing(newer: QuerySet[Series]) -> Case:
    """Return the state of a patch: what was decided, else what follows from its versions."""
    return Case(
        When(message__decision__state__gt="", then=F("message__decision__state")),
        When(Exists(newer), then=Value(SUPERSEDED)),
        default=Value(NEW),
    )


def _in_states(states: set[str], newer: QuerySet[Series]) -> Q:
    decided = Q(message__decision__state__gt="")
    wanted = Q(message__decision__state__in=states)
    if NEW in states:
        wanted |= ~decided if SUPERSEDED in states else ~decided & ~Q(Exists(newer))
    elif SUPERSEDED in states:
        wanted |= ~decided & Q(Exists(newer))
    return wanted


def all_users() -> QuerySet[AbstractUser]:
    """Return the accounts that do something here: those with a key, and delegates."""
    known = get_user_model()._default_manager.filter(is_active=True)
    return known.filter(Q(tokens__revoked_at=None, tokens__isnull=False) | Q(delegated__isnull=False)).distinct()


def find_users(words: Iterable[str]) -> QuerySet[AbstractUser]:
    """Return the accounts that are named by id, name or address."""
    words = [storable(word) for word in words]
    numbers = [number - USERS for number in _numbers(words)]
    return all_users().filter(Q(pk__in=numbers) | Q(username__in=words) | Q(email__in=words))


def find_series(query: QueryDict) -> QuerySet[Series]:
    """Return the series that a client asks for, with their patches."""
    rows = Series.objects.select_related("author", "cover").defer("cover__raw", "cover__body")
    patches = Patch.objects.select_related("message").defer("message__raw", "message__body")
    rows = rows.prefetch_related(Prefetch("patches", patches)).annotate(project=project_id("pk"))
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
    """Return the checks of patches, by the patch's row id: ours, then those of other bots (2 queries)."""
    patches = list(patches)
    reports = Report.objects.filter(series__in={patch.series_id for patch in patches})
    facts = {report.series_id: (report.facts, report.updated_at) for report in reports}
    others = foreign_checks(patch.message_id for patch in patches)
    found = {}
    for patch in patches:
        ours = _checks(patch.number, *facts[patch.series_id]).checks if patch.series_id in facts else ()
        if both := ours + others.get(patch.message_id, ()):
            found[patch.pk] = Checks(both)
    return found


def foreign_checks(messages: Iterable[int]) -> dict[int, tuple[Check, ...]]:
    """Return what other bots said about mails, by the mail's row id, oldest first (1 query)."""
    found: dict[int, tuple[Check, ...]] = {}
    for row in ForeignCheck.objects.filter(message__in=set(messages)).select_related("user").order_by("pk"):
        found[row.message_id] = (*found.get(row.message_id, ()), as_check(row))
    return found


def as_check(row: ForeignCheck) -> Check:
    """Return a row as a check."""
    return Check(
        FOREIGN + row.pk, row.context, row.state, row.description, row.date, target_url=row.target_url, user=row.user
    )


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


def find_events(query: QueryDict) -> QuerySet[Any, Any]:
    """Return what a client asks for as rows of ``kind``, ``pk`` and ``at``, newest first."""
    asked = query.copy()
    asked.pop("order", None)
    category = query.get("category", "")
    series = _common(Series.objects.all(), _without(asked, "since", "before"), "pk", "author", "date", "name")
    done = Event.objects.filter(category=category) if category else Event.objects.all()
    if "project" in query:
        homes = Patch.objects.filter(message=OuterRef("message"))
        on_list = _common(homes, _only(asked, "project"), "series_id", "message__author", "series__date", "subject")
        done = done.filter(Exists(on_list))
    parts = []
    if category in ("", _KINDS[0]):
        parts.append(_timed(series, "received_at", 0, query))
    if category in ("", _KINDS[1]):
        parts.append(_timed(series.exclude(verdict=Verdict.INCOMPLETE), "received_at", 1, query))
    if category not in _KINDS[:2]:
        parts.append(_timed(done, "date", 2, query))
    found: QuerySet[Any, Any] = parts[0].union(*parts[1:], all=True).order_by("-at", "-kind", "-pk")
    return found


def _without(query: QueryDict, *names: str) -> QueryDict:
    left = query.copy()
    for name in names:
        left.pop(name, None)
    return left


def _only(query: QueryDict, *names: str) -> QueryDict:
    return _without(query, *(name for name in query if name not in names))


def _timed(rows: QuerySet[Any], date: str, kind: int, query: QueryDict) -> QuerySet[Any, Any]:
    for word, side in (("since", "gte"), ("before", "lt")):
        if moment := _moment(query.get(word, "")):
            rows = rows.filter(**{f"{date}__{side}": moment})
    timed: QuerySet[Any, Any] = rows.order_by().annotate(kind=Value(kind), at=F(date)).values("kind", "pk", "at")
    return timed


def happened(found: Iterable[Mapping[str, Any]]) -> list[SeriesCame | PatchDone]:
    """Return what stands behind some rows of :func:`find_events`, in their order (4 queries)."""
    found = list(found)
    series = find_series(QueryDict()).in_bulk([one["pk"] for one in found if one["kind"] < 2])
    done = Event.objects.select_related("actor", "check_row__user")
    rows = done.in_bulk([one["pk"] for one in found if one["kind"] == 2])
    of_these = find_patches(QueryDict()).filter(message__in={row.message_id for row in rows.values()})
    patches = {row.message_id: row for row in of_these}
    told: list[SeriesCame | PatchDone] = []
    for one in found:
        number = 4 * one["pk"] + one["kind"]
        if one["kind"] < 2 and one["pk"] in series:
            told.append(SeriesCame(number, _KINDS[one["kind"]], series[one["pk"]]))
        elif one["pk"] in rows and rows[one["pk"]].message_id in patches:
            row = rows[one["pk"]]
            told.append(PatchDone(number, row.category, row, patches[row.message_id]))
    return told


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
