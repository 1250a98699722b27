"""Two versions of the same work, with their mails."""

from __future__ import annotations

from dataclasses import replace

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from reviewbot.mail.diff import find_diff
from reviewbot.series.model import Series as SeriesFacts
from threads import conversion
from threads.models import Message, Patch, Series

#: answers to one version that are put beside its patches
MAX_ANSWERS = 200


def version(pk: int) -> Series | None:
    """Return a series with its report, its cover, and its patches with their mails (2 queries)."""
    patches = Patch.objects.select_related("message__author").defer("message__raw")
    rows = Series.objects.select_related("author", "report", "previous", "cover__author")
    return rows.defer("cover__raw").prefetch_related(Prefetch("patches", patches)).filter(pk=pk).first()


def by_its_author(series: Series) -> QuerySet[Series]:
    """Return the versions of a work that came from the address of a series' author.

    Anybody can post a higher version of the work of somebody else, or one patch of it anew. That
    is a version too, but nothing that the author did: its first mail is not from this address.
    """
    theirs = Message.objects.filter(message_id=OuterRef("root_msgid")).exclude(author=series.author_id)
    return Series.objects.filter(~Exists(theirs), topic=series.topic_id, author=series.author_id)


def newer_by_its_author(path: str = "") -> QuerySet[Series]:
    """Return, for a subquery, the newer versions of a work by the same address or name.

    That of somebody else is a version too, and takes nothing out of sight.

    :param path: from the row of the outer query to its series, e.g. ``series__``.
    """
    name = OuterRef(f"{path}author__name")
    same = Q(author=OuterRef(f"{path}author")) | Q(author__name=name) & ~Q(author__name="")
    return Series.objects.filter(same, topic=OuterRef(f"{path}topic"), version__gt=OuterRef(f"{path}version"))


def with_diffs(series: Series) -> SeriesFacts:
    """Return the facts of what :func:`version` found, with the diffs of its patches (no query)."""
    facts = conversion.series(series)
    patches = (
        replace(patch, diff=patch.message.body[start:] if (start := find_diff(patch.message.body)) >= 0 else "")
        for patch in facts.patches
    )
    return replace(facts, patches=tuple(patches))


def answers(series: Series) -> list[Message]:
    """Return the mails of a series that are neither cover nor patch, with their bodies (1 query)."""
    rows = series.messages.filter(patches__isnull=True, cover_of__isnull=True).select_related("author").defer("raw")
    return list(rows.order_by("date", "id")[:MAX_ANSWERS])
