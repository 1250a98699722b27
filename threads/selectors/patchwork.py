"""Reads in Patchwork's terms: patches, series, covers and checks with the filters that its clients send.

A patch has the state that a maintainer gave it; while nobody did, it is
``superseded`` when its author has posted a newer version, else ``new``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db.models import Case, Exists, F, Model, OuterRef, Q, QuerySet, Subquery, Value, When
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from threads.conversion import storable
from threads.models import AuditEntry, Event, MailingList, Message, Patch, Series
from threads.selectors.prepared import Prepared
from threads.selectors.series import bare_msgid
from threads.selectors.versions import newer_by_its_author

NEW, SUPERSEDED = "new", "superseded"
#: the id 1 is the service itself; an account has the number of its row and this
USERS = 1

#: what is read of rows: a list has many, and most of their columns are for others
_MAIL = ("message_id", "subject", "date")
_PERSON = ("name", "email")
_SERIES = ("root_msgid", "name", "date", "version")
_ACCOUNT = ("username", "first_name", "last_name")
Row = TypeVar("Row", bound=Model)
#: rows that one mail is: its own, and in each later version that carries it along
MOST_OF_MAIL = 250


def newest() -> tuple[int, ...]:
    """Return the row ids of the newest patch, event and decision: while they stay, so do counts (1 query)."""
    return next(iter(_newest(0)), ())


_newest = Prepared(
    lambda _: Patch.objects.order_by("-pk").values_list(
        "pk", *(Subquery(model.objects.order_by("-pk").values("pk")[:1]) for model in (Event, AuditEntry))
    )[:1]
)


def project_id(series: str) -> Subquery:
    """Return the id of one list of a series, for an annotation; ``series`` names the column of its id."""
    return Subquery(MailingList.objects.filter(series=OuterRef(series)).order_by("name").values("pk")[:1])


def all_patches() -> QuerySet[Patch]:
    """Return the patches with ``project``, ``standing`` (the state), and what lists say of them."""
    beside = ("series", "message__author", "message__decision__delegate")
    rows = Patch.objects.select_related(*beside).only(
        *("number", "subject", "patch_id", *(f"series__{name}" for name in _SERIES)),
        *(f"message__{name}" for name in (*_MAIL, *(f"author__{name}" for name in _PERSON))),
        *(f"message__decision__{name}" for name in ("state", "archived", "commit_ref")),
        *(f"message__decision__delegate__{name}" for name in _ACCOUNT),
    )
    return rows.annotate(project=project_id("series_id"), standing=_standing(_newer()))


def dress_patches(found: Iterable[int]) -> list[Patch]:
    """Return patches by their row ids, in that order (1 query)."""
    return _in_order(_patches, found)


_patches = Prepared(lambda ids: all_patches().filter(pk__in=ids).order_by())


def _in_order(rows: Prepared[Row], found: Iterable[int]) -> list[Row]:
    order = list(found)
    known = {row.pk: row for row in rows(order)}
    return [known[pk] for pk in order if pk in known]


def _newer() -> QuerySet[Series]:
    return newer_by_its_author("series__")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks for, as row ids; its query is written when it is first asked so.

    :ivar choose: :func:`match_patches` or another of them.
    :ivar text: the query string, without where the page begins.
    """

    choose: Callable[[QueryDict], QuerySet[Any, int]]
    text: str

    def count(self) -> int:
        """Return how many there are (1 query)."""
        return self.choose(QueryDict(self.text)).count()

    def __getitem__(self, part: slice) -> list[int]:
        """Return some of them (1 query)."""
        return [pk for (pk,) in _page(self.choose, self.text, part.start, part.stop)(0)]


def asked(choose: Callable[[QueryDict], QuerySet[Any, int]], query: QueryDict) -> Asked | list[int]:
    """Return what a client asks for; what is asked by Message-ID is found at once (1 query)."""
    names = query.getlist("msgid")
    text = without(query, "msgid", "page", "per_page").urlencode()
    if not names:
        return Asked(choose, text)
    return [pk for (pk,) in _of_mail(choose, text)(bare_msgid(names[-1]))]


@lru_cache(maxsize=128)
def _page(choose: Callable[[QueryDict], QuerySet[Any, int]], text: str, first: int, end: int) -> Prepared[Any]:
    return Prepared(lambda _: choose(QueryDict(text))[first:end])


@lru_cache(maxsize=128)
def _of_mail(choose: Callable[[QueryDict], QuerySet[Any, int]], text: str) -> Prepared[Any]:
    def rows(name: str) -> QuerySet[Any, int]:
        query = QueryDict(text, mutable=True)
        query["msgid"] = name
        return choose(query)[:MOST_OF_MAIL]

    return Prepared(rows)


def match_patches(query: QueryDict) -> QuerySet[Patch, int]:
    """Return the ids of the patches that a client asks for: chosen before what stands beside them is read."""
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
    rows = in_common(rows, query, "series_id", "message__author", "series__date", "subject")
    return rows.values_list("pk", flat=True)


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


def mailing_lists() -> list[MailingList]:
    """Return the lists, with what is said of them as projects (1 query)."""
    return _lists(0)


_lists = Prepared(lambda _: MailingList.objects.only("name", "address", "list_id", "archive"))


def all_users() -> QuerySet[AbstractUser]:
    """Return the accounts that do something here: those with a key, and delegates."""
    known = get_user_model()._default_manager.filter(is_active=True)
    return known.filter(Q(tokens__revoked_at=None, tokens__isnull=False) | Q(delegated__isnull=False)).distinct()


def find_users(words: Iterable[str]) -> QuerySet[AbstractUser]:
    """Return the accounts that are named by id, name or address."""
    words = [storable(word) for word in words]
    numbers = [number - USERS for number in _numbers(words)]
    return all_users().filter(Q(pk__in=numbers) | Q(username__in=words) | Q(email__in=words))


def match_series(query: QueryDict) -> QuerySet[Series, int]:
    """Return the ids of the series that a client asks for."""
    return in_common(Series.objects.all(), query, "pk", "author", "date", "name").values_list("pk", flat=True)


def dress_series(found: Iterable[int]) -> list[tuple[Series, list[Patch]]]:
    """Return series, each with its patches, by their row ids, in that order (2 queries)."""
    rows = _in_order(_series, found)
    parts: dict[int, list[Patch]] = {row.pk: [] for row in rows}
    for patch in sorted(_parts(list(parts)), key=lambda patch: patch.number):
        parts[patch.series_id].append(patch)
    return [(row, parts[row.pk]) for row in rows]


def _dressed_series() -> QuerySet[Series]:
    rows = Series.objects.select_related("author", "cover").only(
        *(*_SERIES, "expected", "received_at"),
        *(f"author__{name}" for name in _PERSON),
        *(f"cover__{name}" for name in _MAIL),
    )
    return rows.annotate(project=project_id("pk")).order_by()


def _bare_patches() -> QuerySet[Patch]:
    beside = (f"message__{name}" for name in _MAIL)
    return Patch.objects.select_related("message").only("number", "subject", "series_id", *beside).order_by()


_series = Prepared(lambda ids: _dressed_series().filter(pk__in=ids))
_parts = Prepared(lambda ids: _bare_patches().filter(series__in=ids))


def match_covers(query: QueryDict) -> QuerySet[Series, int]:
    """Return the ids of the cover letters that a client asks for."""
    rows = Series.objects.filter(cover__isnull=False)
    if "msgid" in query:
        rows = rows.filter(cover__message_id=bare_msgid(query.get("msgid", "")))
    rows = in_common(rows, query, "pk", "author", "date", "subject", key="cover_id")
    return rows.values_list("cover_id", flat=True)


def dress_covers(found: Iterable[int]) -> list[Message]:
    """Return cover letters by their row ids, in that order (1 query)."""
    return _in_order(_covers, found)


def _dressed_covers() -> QuerySet[Message]:
    rows = (
        Message.objects.filter(cover_of__isnull=False)
        .select_related("author", "cover_of")
        .only(*(*_MAIL, *(f"author__{name}" for name in _PERSON), *(f"cover_of__{name}" for name in _SERIES)))
    )
    return rows.annotate(project=project_id("cover_of")).order_by()


_covers = Prepared(lambda ids: _dressed_covers().filter(pk__in=ids))


def read_text(mail: Message) -> Message:
    """Return a mail of a list with its bytes and its body (1 query)."""
    ((mail.raw, mail.body),) = _texts(mail.pk)
    return mail


def read_patch(row: Patch) -> Patch:
    """Return a patch of a list with the bytes and the body of its mail, and the prefixes of its series (1 query)."""
    ((row.message.raw, row.message.body, row.series.prefixes),) = _wholes(row.pk)
    return row


_wholes = Prepared(
    lambda pk: Patch.objects.filter(pk=pk).values_list("message__raw", "message__body", "series__prefixes")
)
_texts = Prepared(lambda pk: Message.objects.filter(pk=pk).values_list("raw", "body"))


def in_common(
    rows: QuerySet[Any], query: QueryDict, series: str, author: str, date: str, name: str, key: str = "pk"
) -> QuerySet[Any]:
    """Return rows with the filters and the order that all collections have; ``series`` and the rest name columns."""
    project = storable(query.get("project", ""))
    if project and project != "all":
        column = "mailinglist" if _numbers([project]) else "mailinglist__name"
        on_list = Series.lists.through.objects.filter(series=OuterRef(series), **{column: project})
        rows = rows.filter(Exists(on_list))
    if submitter := query.getlist("submitter"):
        known = Q(**{f"{author}_id__in": _numbers(submitter)})
        rows = rows.filter(known | Q(**{f"{author}__email__in": [storable(one.lower()) for one in submitter]}))
    for word, side in (("since", "gte"), ("before", "lt")):
        if moment := moment_of(query.get(word, "")):
            rows = rows.filter(**{f"{date}__{side}": moment})
    if words := storable(query.get("q", "")):
        rows = rows.filter(**{f"{name}__icontains": words})
    columns = {"id": key, "date": date, "name": name}
    order = query.get("order", "id")
    column = columns.get(order.lstrip("-"), key)
    return rows.order_by(f"-{column}" if order.startswith("-") else column, *(() if column == key else ("pk",)))


def _numbers(words: Iterable[str]) -> list[int]:
    return [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 19]


def moment_of(text: str) -> datetime | None:
    """Return a date as clients write it, in UTC where they do not say; None for what is none."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    if moment is None:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def without(query: QueryDict, *names: str) -> QueryDict:
    """Return a query without some of its words (no query of the database)."""
    left = query.copy()
    for name in names:
        left.pop(name, None)
    return left
