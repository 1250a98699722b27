"""Versions of the same work: which posting an earlier one was the draft of."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace

from reviewbot.mail.message import Message
from reviewbot.series.model import LinkHow, Previous, Series

_WORD = re.compile(r"\w+")
#: names are alike when they share this part of their words
_ALIKE = 0.6
#: candidates that are looked at for one series, the latest first
_MAX_CANDIDATES = 500


def link_versions(series: Sequence[Series]) -> list[Series]:
    """Return the series, with ``previous`` filled where an earlier version is among them.

    The previous version is the highest lower one of the same work that was
    posted before; of equals the latest. A first version has none.
    """
    index: dict[Hashable, list[int]] = defaultdict(list)
    linked = list(series)
    in_order = sorted(range(len(linked)), key=lambda number: linked[number].date)
    for number in in_order:
        newer = linked[number]
        if newer.version > 1:
            candidates = {n for key in set(_wanted(newer)) for n in index[key][-_MAX_CANDIDATES:]}
            linked[number] = replace(newer, previous=_previous(newer, [linked[n] for n in sorted(candidates)]))
        for key in set(_offered(newer)):
            index[key].append(number)
    return linked


def _previous(newer: Series, candidates: Iterable[Series]) -> Previous | None:
    best: tuple[int, Series, LinkHow] | None = None
    for older in candidates:
        if older.version < newer.version and (best is None or older.version >= best[0]):
            how = same_work(older, newer)
            if how:
                best = (older.version, older, how)
    return Previous(best[1].root_msgid, best[0], best[2]) if best else None


def same_work(one: Series, other: Series) -> LinkHow | None:
    """Return how two series are recognised as versions of the same work, None when they are not.

    A change-id decides alone. A link or a reply needs the same author, name or
    patches with it, a subject the author or the files.
    """
    older, newer = sorted((one, other), key=lambda series: series.date)
    author = _same_author(older, newer)
    equal = bool(older.name) and _key(older.name) == _key(newer.name)
    shared = _shared(older, newer)
    files = _overlap(_files(older), _files(newer))
    if newer.change_id and newer.change_id == older.change_id:
        return LinkHow.CHANGE_ID
    related = equal or shared > 0 or (files >= 0.5 and _alike(older.name, newer.name))
    if author and equal:
        return LinkHow.SUBJECT
    if not set(newer.links).isdisjoint(older.message_ids) and (related or (author and files > 0)):
        return LinkHow.LINK
    if _answers(newer, older) and (related or (author and newer.version == older.version + 1)):
        return LinkHow.REPLY
    if (author and _alike(older.name, newer.name) and (files >= 0.5 or shared > 0)) or (equal and files >= 0.5):
        return LinkHow.SUBJECT
    # Somebody else may take a single patch into a series of his own: then it is another work.
    larger = max(len(older.patches), len(newer.patches))
    smaller = min(len(older.patches), len(newer.patches))
    if shared >= 0.5 and (author or shared * smaller >= larger / 2):
        return LinkHow.PATCHES
    return None


def _wanted(newer: Series) -> Iterator[Hashable]:
    """Yield what an earlier version may be found by."""
    yield "change", newer.change_id or newer.root_msgid
    yield "author", newer.author.email.lower()
    yield "name", _key(newer.name)
    for message_id in (*newer.links, *_ancestors(newer)):
        yield "mail", message_id
    for patch in newer.patches:
        yield "patch", patch.patch_id or patch.message.message_id
        yield "name", _key(patch.subject)


def _offered(older: Series) -> Iterator[Hashable]:
    """Yield what a series is found by."""
    yield "change", older.change_id or older.root_msgid
    yield "author", older.author.email.lower()
    yield "name", _key(older.name)
    for message_id in older.message_ids:
        yield "mail", message_id
    for message in older.replies:
        yield "mail", message.message_id
    for patch in older.patches:
        yield "patch", patch.patch_id or patch.message.message_id
        yield "name", _key(patch.subject)


def _ancestors(series: Series) -> tuple[str, ...]:
    """Return the Message-IDs that the first mail of a series answers."""
    head = next((m for m in _own(series) if m.message_id == series.root_msgid), None)
    return (head.in_reply_to, *head.references) if head else ()


def _own(series: Series) -> list[Message]:
    """Return the cover and patches that were posted for this version."""
    parts = [series.cover] if series.cover else []
    parts += [patch.message for patch in series.patches]
    return [message for message in parts if message.message_id not in series.carried]


def _answers(newer: Series, older: Series) -> bool:
    """Tell whether a series was posted in reply to another one, or to its discussion."""
    above = set(_ancestors(newer))
    return any(message_id in above for message_id in older.message_ids) or any(
        message.message_id in above for message in older.replies
    )


def _same_author(one: Series, other: Series) -> bool:
    if one.author.email.lower() == other.author.email.lower():
        return True
    return bool(one.author.name) and one.author.name.lower() == other.author.name.lower()


def _files(series: Series) -> set[str]:
    return {file for patch in series.patches for file in patch.files}


def _shared(older: Series, newer: Series) -> float:
    """Return the share of the smaller series whose patches the other has, by patch-id or by name and file."""
    ids = {patch.patch_id for patch in older.patches if patch.patch_id}
    places = {(_key(patch.subject), file) for patch in older.patches for file in patch.files}
    same = sum(
        patch.patch_id in ids or any((_key(patch.subject), file) in places for file in patch.files)
        for patch in newer.patches
    )
    return same / max(1, min(len(older.patches), len(newer.patches)))


def _overlap(one: set[str], other: set[str]) -> float:
    """Return the share of the smaller set that the other has, 0 when one is empty."""
    return len(one & other) / max(1, min(len(one), len(other)))


def _key(name: str) -> str:
    """Fold a name to its words."""
    return " ".join(_WORD.findall(name.lower()))


def _alike(one: str, other: str) -> bool:
    """Tell whether two names have most of their words in common."""
    words, others = set(_key(one).split()), set(_key(other).split())
    return len(words & others) >= _ALIKE * max(1, len(words | others))
