"""What is open and what was answered in the discussion of a series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import groupby

from reviewbot.mail.opinions import Point, points
from reviewbot.mail.thread import build_thread
from threads import conversion
from threads.models import Message, Series

#: mails that are looked at for one series
MAX_MAILS = 400


def points_of(series: Series) -> dict[int, tuple[Point, ...]]:
    """Return the questions and objections to each patch, open or answered, by number; 0 is the cover (2 queries).

    Patches that nobody said anything about are left out. A patch that was
    taken over from the version before is discussed there.
    """
    rows = Message.objects.filter(series=series).select_related("author").defer("raw").order_by("date", "id")
    parts = dict(series.patches.values_list("number", "message__message_id"))
    if series.cover_id:
        parts[0] = series.root_msgid
    return points_in(rows[:MAX_MAILS], parts)


def points_in(mails: Iterable[Message], parts: Mapping[int, str]) -> dict[int, tuple[Point, ...]]:
    """Return the points about some patches, from mails of their thread with their bodies (no query).

    :param parts: Message-ID by number of the patch.
    """
    thread = build_thread(conversion.message(row) for row in mails)
    found = {
        number: _joined(points(thread, thread[message_id].message))
        for number, message_id in sorted(parts.items())
        if message_id in thread
    }
    return {number: said for number, said in found.items() if said}


def _joined(found: Iterable[Point]) -> tuple[Point, ...]:
    """Make one point of what a mail says about one place: three questions in a row are one thing to answer."""
    joined = []
    for _, group in groupby(found, _of_one_breath):
        first, *others = group
        words = " … ".join((first.opinion.sentence, *(one.opinion.sentence for one in others)))
        joined.append(replace(first, opinion=replace(first.opinion, sentence=words)))
    return tuple(joined)


def _of_one_breath(point: Point) -> tuple[object, ...]:
    opinion = point.opinion
    place = opinion.quote and (opinion.quote.file, opinion.quote.position)
    return point.message_id, opinion.stance, place, point.answered_by, point.promised
