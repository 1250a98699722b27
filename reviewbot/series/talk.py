"""What the replies to a series ask, object to, agree with and promise."""

from __future__ import annotations

from dataclasses import dataclass

from reviewbot.mail.message import Message
from reviewbot.mail.opinions import Opinion, Point, opinions, points
from reviewbot.mail.thread import build_thread
from reviewbot.series.model import Series

#: replies that are looked at for one series, the oldest first
MAX_REPLIES = 400


@dataclass(frozen=True, slots=True)
class Talk:
    """The discussion of a series.

    :ivar points: questions and objections, open or answered, by number of the patch; 0 is the cover.
    :ivar replies: the replies that take a stance, oldest first, and the sentences that do.
    """

    points: dict[int, tuple[Point, ...]]
    replies: tuple[tuple[Message, tuple[Opinion, ...]], ...]


def talk_of(series: Series) -> Talk:
    """Return what is said about a series; patches and replies without a stance are left out."""
    said = series.replies[:MAX_REPLIES]
    parts = {patch.number: patch.message for patch in series.patches}
    if series.cover:
        parts[0] = series.cover
    thread = build_thread([*parts.values(), *said])
    found = {number: points(thread, part) for number, part in sorted(parts.items())} if said else {}
    stances = ((reply, opinions(reply)) for reply in said)
    return Talk(
        points={number: each for number, each in found.items() if each},
        replies=tuple((reply, each) for reply, each in stances if each),
    )
