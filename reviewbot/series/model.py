"""The words of a patch series: what a set of mails amounts to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from reviewbot.mail.message import Address, Message

#: how the sentence about a series begins whose parts may still come
WAITING = "Waiting for"
_MAX_SPANS = 20


class Trailer(NamedTuple):
    """One trailer, e.g. ``Reviewed-by: A <a@example.org>``.

    ``value`` includes a remark behind ``#``, or in brackets on a second line.
    ``via`` is the Message-ID of the mail that gave it; ``mismatch`` is true
    when that mail was sent by another person than the trailer names.
    ``seconded`` is true when an answer to that mail gives trailers too: b4
    takes a mismatched trailer along then.
    """

    name: str
    value: str
    via: str
    mismatch: bool = False
    seconded: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


@dataclass(frozen=True, slots=True)
class Patch:
    """Message n of a series, with a diff.

    :ivar number: n of ``[PATCH n/m]``; 1 for a single patch.
    :ivar message: the mail.
    :ivar subject: without the bracketed prefix: the first line of the commit message.
    :ivar diff: from the first ``diff --git`` (or ``---``) line on, as text.
    :ivar files: paths the diff touches, new names, sorted.
    :ivar patch_id: stable hash of the diff, as ``git patch-id --stable`` sees it.
    :ivar trailers: given by followers to this patch, in order of arrival.
    """

    number: int
    message: Message
    subject: str
    diff: str
    files: tuple[str, ...] = ()
    patch_id: str = ""
    trailers: tuple[Trailer, ...] = ()


class LinkHow(StrEnum):
    """How an earlier version of the same work was recognised; ``FILES`` is the only sign of another author's."""

    CHANGE_ID = "change-id"
    LINK = "lore link in text"
    REPLY = "in-reply-to"
    SUBJECT = "subject+author"
    FILES = "subject+files"
    PATCHES = "patches"


class Previous(NamedTuple):
    """The version before this one."""

    root_msgid: str
    version: int
    how: LinkHow


@dataclass(frozen=True, slots=True)
class Series:
    """One posted version of a patch set.

    :ivar root_msgid: Message-ID of the cover, else of the first patch that is there; one that was
        not carried over.
    :ivar subject: of the cover, else of the first patch, as it was written.
    :ivar name: the same without prefixes.
    :ivar version: from ``[PATCH vN]``; 1 when none is written.
    :ivar expected: m of ``[PATCH n/m]``.
    :ivar patches: the patches that are there, by number; none when only the cover arrived.
    :ivar prefixes: other words of the bracket, e.g. ``RFC`` or ``mm-unstable``.
    :ivar base_commit: of the ``base-commit:`` line, "" when there is none.
    :ivar prerequisites: patch-ids of ``prerequisite-patch-id:`` lines.
    :ivar based_on: Message-IDs of ``Based-on:`` lines and their like.
    :ivar change_id: of the ``change-id:`` line, "" when there is none.
    :ivar links: Message-IDs of other series that the cover names.
    :ivar cover_trailers: trailers given to the whole series.
    :ivar replies: every other mail of its part of the thread, in order of date.
    :ivar previous: the version before, when it is among the mails that were read.
    :ivar carried: Message-IDs of the cover and patches that are taken over from the previous
        version, because this one re-rolls only the others.
    """

    root_msgid: str
    subject: str
    name: str
    version: int
    expected: int
    author: Address
    date: datetime
    cover: Message | None
    patches: tuple[Patch, ...]
    prefixes: tuple[str, ...] = ()
    base_commit: str = ""
    prerequisites: tuple[str, ...] = ()
    based_on: tuple[str, ...] = ()
    change_id: str = ""
    links: tuple[str, ...] = ()
    cover_trailers: tuple[Trailer, ...] = ()
    replies: tuple[Message, ...] = ()
    previous: Previous | None = None
    carried: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[int, ...]:
        """Return the numbers of the patches that are announced and not there."""
        have = {patch.number for patch in self.patches}
        return tuple(number for number in range(1, self.expected + 1) if number not in have)

    @property
    def complete(self) -> bool:
        """True when every announced patch is there."""
        return not self.missing

    @property
    def message_ids(self) -> tuple[str, ...]:
        """Return the Message-IDs of the cover and the patches that were posted for this version."""
        cover = (self.cover.message_id,) if self.cover else ()
        every = cover + tuple(patch.message.message_id for patch in self.patches)
        return tuple(message_id for message_id in every if message_id not in self.carried)


def spans(numbers: Sequence[int]) -> str:
    """Return numbers as ranges: ``1, 3-5``; of very many the first ones, and how many more."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    more = len(texts) - _MAX_SPANS
    return ", ".join(texts[:_MAX_SPANS]) + (f" and {more} more ranges" if more > 0 else "")


def incomplete(series: Series) -> str:
    """Return the sentence that says which patches are missing; "" when none is."""
    if not series.missing:
        return ""
    there = f"Only {len(series.patches)} of {series.expected} patches"
    return f"{there} are here; missing: {spans(series.missing)}."
