"""Versions of the same work: which posting an earlier one was the draft of."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from reviewbot.series.model import LinkHow, Previous, Series
from reviewbot.series.trailers import merged

_WORD = re.compile(r"\w+")
#: names are alike when they share this part of their words
ALIKE = 0.6
#: candidates that are looked at for one series, the latest first
_MAX_CANDIDATES = 200


def link_versions(series: Sequence[Series]) -> list[Series]:
    """Return the series, with ``previous`` filled where an earlier version is among them.

    The previous version is the highest lower one of the same work that was
    posted before; of equals one by the same address, then the latest. A first version has none.
    """
    index: dict[Hashable, list[_Work]] = defaultdict(list)
    found: dict[int, Previous] = {}
    for work in sorted(map(_work, series), key=lambda work: work.series.date):
        if work.series.version > 1:
            candidates = {
                id(one): one
                for key in work.keys | work.answered | set(work.series.links)
                for one in index[key][-_MAX_CANDIDATES:]
            }
            if previous := _previous(work, candidates.values()):
                found[id(work.series)] = previous
        for key in work.keys | work.mails:
            index[key].append(work)
    return [replace(one, previous=found[id(one)]) if id(one) in found else one for one in series]


def carry_over(series: Sequence[Series]) -> list[Series]:
    """Return linked series, with the trailers of earlier versions added to patches that did not change.

    A patch is the same when its patch-id is, as for b4. What earlier postings
    in the same thread were given, :func:`reviewbot.series.assemble.assemble` has added already.
    """
    done: dict[str, Series] = {}
    for one in sorted(series, key=lambda one: (one.version, one.date)):
        older = done.get(one.previous.root_msgid) if one.previous else None
        earlier = {patch.patch_id: patch.trailers for patch in older.patches if patch.patch_id} if older else {}
        patches = (
            replace(patch, trailers=merged(patch.trailers, earlier.get(patch.patch_id, ()))) for patch in one.patches
        )
        done[one.root_msgid] = replace(one, patches=tuple(patches))
    return [done[one.root_msgid] for one in series]


def same_work(one: Series, other: Series) -> LinkHow | None:
    """Return how two series are recognised as versions of the same work, None when they are not.

    A change-id needs the same author, or a name, a patch or a file in common with it: anybody
    can copy the line. A link or a reply needs the same author, name or patches with it, a
    subject the author or the files.
    """
    older, newer = sorted((one, other), key=lambda series: series.date)
    return _how(_work(older), _work(newer))


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """What a series is compared by.

    :ivar keys: what versions of one work tend to have in common.
    :ivar mails: its mails and its discussion.
    :ivar answered: the mails it was posted in reply to.
    :ivar parent: the last of these.
    """

    series: Series
    name: str
    words: frozenset[str]
    files: frozenset[str]
    patch_ids: frozenset[str]
    places: frozenset[tuple[str, str]]
    keys: frozenset[Hashable]
    mails: frozenset[str]
    answered: frozenset[str]
    parent: str


def _work(series: Series) -> _Work:
    name = fold_name(series.name)
    parts = [series.cover, *(patch.message for patch in series.patches)]
    head = next((part for part in parts if part and part.message_id == series.root_msgid), None)
    answered = {head.in_reply_to, *head.references} - {""} if head else set()
    names = {fold_name(patch.subject) for patch in series.patches} | {name}
    ids = {patch.patch_id for patch in series.patches if patch.patch_id}
    keys = (
        {("author", series.author.email.lower())} | {("name", one) for one in names} | {("patch", one) for one in ids}
    )
    return _Work(
        series=series,
        name=name,
        words=frozenset(name.split()),
        files=frozenset(file for patch in series.patches for file in patch.files),
        patch_ids=frozenset(ids),
        places=frozenset((fold_name(patch.subject), file) for patch in series.patches for file in patch.files),
        keys=frozenset(keys | ({("change", series.change_id)} if series.change_id else set())),
        mails=frozenset((*series.message_ids, *(message.message_id for message in series.replies))),
        answered=frozenset(answered),
        parent=head.parent if head else "",
    )


def _previous(newer: _Work, candidates: Iterable[_Work]) -> Previous | None:
    best: tuple[_Work, LinkHow] | None = None
    ours = newer.series.author.email.lower()

    def rank(work: _Work) -> tuple[int, bool, float]:
        return -work.series.version, work.series.author.email.lower() != ours, -work.series.date.timestamp()

    for older in sorted(candidates, key=rank):
        if older.series.version < newer.series.version and (how := _how(older, newer)):
            best = older, how
            break
    return Previous(best[0].series.root_msgid, best[0].series.version, best[1]) if best else None


def _how(older: _Work, newer: _Work) -> LinkHow | None:
    one, other = older.series, newer.series
    author = _same_author(one, other)
    if other.change_id and other.change_id == one.change_id and (author or _in_common(older, newer)):
        return LinkHow.CHANGE_ID
    equal = bool(older.name) and older.name == newer.name
    if author and equal and one.root_msgid == newer.parent:
        return LinkHow.REPLY
    if author and equal:
        return LinkHow.SUBJECT
    files = _overlap(older.files, newer.files)
    alike = len(older.words & newer.words) >= ALIKE * max(1, len(older.words | newer.words))
    shared = _shared(older, newer)
    smaller, larger = sorted((len(one.patches), len(other.patches)))
    related = equal or shared > 0 or (files >= 0.5 and alike)
    if not older.mails.isdisjoint(other.links) and (related or (author and files > 0)):
        return LinkHow.LINK
    if not older.mails.isdisjoint(newer.answered) and (related or (author and other.version == one.version + 1)):
        return LinkHow.REPLY
    if author and alike and (files >= 0.5 or shared > 0):
        return LinkHow.SUBJECT
    if equal and files >= 0.5:
        return LinkHow.FILES
    # Somebody else may take a single patch into a series of his own: then it is another work.
    if shared >= 0.5 * max(1, smaller) and (author or shared >= larger / 2):
        return LinkHow.PATCHES
    return None


def _same_author(one: Series, other: Series) -> bool:
    if one.author.email.lower() == other.author.email.lower():
        return True
    return bool(one.author.name) and one.author.name.lower() == other.author.name.lower()


def _in_common(older: _Work, newer: _Work) -> bool:
    """Say whether two works share a file, the name of a patch or of the whole, or a patch-id."""
    keys = (older.keys & newer.keys) - {("change", older.series.change_id), ("name", "")}
    return bool(keys) or not older.files.isdisjoint(newer.files)


def _shared(older: _Work, newer: _Work) -> int:
    """Return how many patches of the newer series the older one has, by patch-id or by name and file."""
    if older.patch_ids.isdisjoint(newer.patch_ids) and older.places.isdisjoint(newer.places):
        return 0
    return sum(
        patch.patch_id in older.patch_ids
        or any((fold_name(patch.subject), file) in older.places for file in patch.files)
        for patch in newer.series.patches
    )


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of the smaller set that the other has, 0 when one is empty."""
    return len(one & other) / max(1, min(len(one), len(other)))


@lru_cache(maxsize=4096)  # a name is asked for by each step that compares it
def fold_name(name: str) -> str:
    """Return a name as names are compared: its words, in lower case."""
    return " ".join(_WORD.findall(name.lower()))
