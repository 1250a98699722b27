"""What became of each patch from one version of a series to another, without a tree.

The question is that of git-range-diff(1); the answer is drawn from the mails
alone, so it works for versions on bases that nobody has.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from enum import StrEnum
from typing import NamedTuple

from reviewbot.mail.diff import FileDiff, parse_diff
from reviewbot.series.model import Patch, Series

#: patches with less in common than this are different patches, 0 … 1
_MATCH = 0.35
#: of two patches with less in common, the larger one is another patch, that took in or gave off the smaller one
_GROWN = 0.2
#: a patch was squashed into another one, or split off one, when this share of its lines is there
_SQUASHED = 0.6
_CONTEXT = 3
#: longer parts of a patch are not compared by line, nor is what follows when a patch has had so much
_MAX_LINES = 2000
_MAX_PATCH_LINES = 10_000


class Fate(StrEnum):
    """What became of a patch.

    ``UNKNOWN``: it has no counterpart, and the other version is incomplete.
    """

    UNCHANGED = "unchanged"
    REBASED = "rebased"
    REWORDED = "reworded"
    CHANGED = "changed"
    ADDED = "added"
    DROPPED = "dropped"
    SQUASHED = "squashed"
    SPLIT = "split"
    UNKNOWN = "not known"


class RangeLine(NamedTuple):
    """One line of the difference of two patches.

    ``kind`` is ``"-"`` (only in the old patch), ``"+"`` (only in the new one),
    ``" "`` (in both) or ``"@"`` (a heading: the file, or ``commit message``);
    ``text`` is a line of the patch, with its own sign in the first column.
    """

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class PatchPair:
    """One patch in both versions.

    :ivar old: None when it was added, or split off another patch; or when it is not there.
    :ivar new: None when it was dropped, squashed into another patch, or split into several; or when it is not there.
    :ivar reordered: it changed places with other patches.
    :ivar into: number of the new patch that an old one was squashed into, or of the first one it was split into;
        0 for none.
    :ivar out_of: number of the old patch that a new one was split off, 0 for none.
    :ivar lines: the difference, with three lines of context; empty when nothing changed or one side is missing.
    """

    fate: Fate
    old: Patch | None
    new: Patch | None
    reordered: bool = False
    into: int = 0
    out_of: int = 0
    lines: tuple[RangeLine, ...] = field(default=(), repr=False)

    @property
    def subject(self) -> str:
        """Return the name of the newer patch there is."""
        patch = self.new or self.old
        return patch.subject if patch else ""


@dataclass(frozen=True, slots=True)
class RangeDiff:
    """Two versions, patch by patch: in the new order, what is gone stands where it stood."""

    old: Series
    new: Series
    pairs: tuple[PatchPair, ...]

    def count(self, fate: Fate) -> int:
        """Return how many patches met a fate."""
        return sum(pair.fate is fate for pair in self.pairs)


def range_diff(old: Series, new: Series) -> RangeDiff:
    """Compare two versions of a series."""
    olds = [_Content(patch) for patch in old.patches]
    news = [_Content(patch) for patch in new.patches]
    matched = _match(olds, news)  # index of the old patch by index of the new one
    moved = _out_of_order([matched[at] for at in sorted(matched)])
    gone, added = _moved_lines(olds, news, matched)
    ordered: list[PatchPair] = []
    left = sorted(gone)
    for at, content in enumerate(news):
        while left and at in matched and left[0] < matched[at]:
            ordered.append(gone[left.pop(0)])
        ordered.append(
            _pair(olds[matched[at]], content, matched[at] in moved) if at in matched else added[at],
        )
    ordered += [gone[at] for at in left]
    unsure = {Fate.DROPPED} if not new.complete else set()
    unsure |= {Fate.ADDED} if not old.complete else set()
    pairs = (replace(pair, fate=Fate.UNKNOWN) if pair.fate in unsure else pair for pair in ordered)
    return RangeDiff(old, new, tuple(pairs))


class _Content:
    """A patch, taken apart for comparing."""

    def __init__(self, patch: Patch) -> None:
        self.patch = patch
        self.files = parse_diff(patch.diff).files
        self.message = _message(patch)
        self.changed = Counter(
            (file.path, line.kind, line.text.strip())
            for file in self.files
            for hunk in file.hunks
            for line in hunk.lines
            if line.kind != " " and len(line.text.strip()) > 1
        )
        self.size = sum(self.changed.values())

    def likeness(self, other: _Content) -> float:
        """Return what two patches have in common, 0 … 1: most of it lines, some of it the name."""
        named = self.patch.subject.lower() == other.patch.subject.lower()
        common = sum((self.changed & other.changed).values())
        lines = common / max(1, self.size, other.size)
        likeness = 0.65 * lines + 0.35 * named
        if lines >= _GROWN and common >= _SQUASHED * min(self.size, other.size):
            return max(likeness, _MATCH)  # it grew or shrank
        return likeness


def _message(patch: Patch) -> list[str]:
    """Return the subject and the commit message, without what stands below ``---``."""
    lines = patch.message.body.split("\n")
    end = next(
        (at for at, line in enumerate(lines) if line.rstrip() == "---" or line.startswith(("diff --", "--- "))), 0
    )
    return [patch.subject, "", *(line.rstrip() for line in lines[: end or len(lines)])]


def _match(olds: Sequence[_Content], news: Sequence[_Content]) -> dict[int, int]:
    """Return the index of the old patch for each new one that has one: equal ones first, then the likest."""
    matched: dict[int, int] = {}
    free: dict[str, list[int]] = defaultdict(list)
    for at, content in enumerate(olds):
        free[content.patch.patch_id].append(at)
    for at, content in enumerate(news):
        same = free.get(content.patch.patch_id) if content.patch.patch_id else None
        if same:
            matched[at] = same.pop(0)
    left = set(range(len(olds))) - set(matched.values())
    scores = sorted(
        (-olds[one].likeness(news[at]), abs(one - at), one, at) for one, at in _candidates(olds, news, left, matched)
    )
    for score, _, one, at in scores:
        if -score >= _MATCH and one in left and at not in matched:
            matched[at] = one
            left.remove(one)
    return matched


def _candidates(
    olds: Sequence[_Content], news: Sequence[_Content], left: Iterable[int], matched: dict[int, int]
) -> set[tuple[int, int]]:
    """Return the pairs that have the name or a file in common."""
    places: dict[str, set[int]] = defaultdict(set)
    for one in left:
        for key in (olds[one].patch.subject.lower(), *olds[one].patch.files):
            places[key].add(one)
    return {
        (one, at)
        for at, content in enumerate(news)
        if at not in matched
        for key in (content.patch.subject.lower(), *content.patch.files)
        for one in places[key]
    }


def _out_of_order(numbers: Sequence[int]) -> set[int]:
    """Return the fewest numbers without which the others stand in order."""
    tails: list[int] = []
    chains: list[tuple[int, ...]] = []
    for number in numbers:
        at = bisect_left(tails, number)
        chain = (chains[at - 1] if at else ()) + (number,)
        tails[at : at + 1] = [number]
        chains[at : at + 1] = [chain]
    return set(numbers) - set(chains[-1] if chains else ())


def _pair(old: _Content, new: _Content, reordered: bool) -> PatchPair:
    message = _difference("commit message", old.message, new.message)
    code: list[RangeLine] = []
    before = {file.path: file for file in old.files}
    after = {file.path: file for file in new.files}
    room = _MAX_PATCH_LINES
    for path in dict.fromkeys((*after, *before)):
        old_lines, new_lines = _file_lines(before.get(path)), _file_lines(after.get(path))
        if old_lines != new_lines:
            room -= len(old_lines) + len(new_lines)
            code += _difference(path, old_lines, new_lines, room)
    if not code:
        fate = Fate.REWORDED if message else Fate.UNCHANGED
    else:
        fate = Fate.REBASED if _same_changes(before, after) else Fate.CHANGED
    return PatchPair(fate, old.patch, new.patch, reordered, lines=(*message, *code))


def _same_changes(before: dict[str, FileDiff], after: dict[str, FileDiff]) -> bool:
    """Tell whether two patches add and remove the same lines and differ in their context alone."""

    def changes(files: dict[str, FileDiff]) -> list[tuple[str, list[tuple[str, str]]]]:
        return [
            (path, [(line.kind, line.text) for hunk in file.hunks for line in hunk.lines if line.kind != " "])
            for path, file in sorted(files.items())
        ]

    return changes(before) == changes(after)


def _moved_lines(
    olds: Sequence[_Content], news: Sequence[_Content], matched: dict[int, int]
) -> tuple[dict[int, PatchPair], dict[int, PatchPair]]:
    """Tell what became of the old patches and where the new ones come from that have no counterpart, by index."""
    counterparts = {one: news[at] for at, one in matched.items()}
    targets = [(content, olds[matched[at]] if at in matched else None) for at, content in enumerate(news)]
    sources = [(content, counterparts.get(at)) for at, content in enumerate(olds)]
    added: dict[int, PatchPair] = {}
    first: dict[int, int] = {}  # number of the first new patch that was split off an old one
    for at, content in enumerate(news):
        if at in matched:
            continue
        source = _holder(content, sources)
        added[at] = PatchPair(Fate.ADDED, None, content.patch)
        if source is not None:
            first.setdefault(source, content.patch.number)
            added[at] = PatchPair(Fate.SPLIT, None, content.patch, out_of=olds[source].patch.number)
    gone: dict[int, PatchPair] = {}
    for at, content in enumerate(olds):
        if at in counterparts:
            continue
        target = _holder(content, targets)
        if target is not None:
            gone[at] = PatchPair(Fate.SQUASHED, content.patch, None, into=news[target].patch.number)
        else:
            fate = Fate.SPLIT if at in first else Fate.DROPPED
            gone[at] = PatchPair(fate, content.patch, None, into=first.get(at, 0))
    return gone, added


def _holder(content: _Content, others: Iterable[tuple[_Content, _Content | None]]) -> int | None:
    """Return the index of the patch of the other side that has most of the lines of one, besides its counterpart's."""
    best, found = _SQUASHED, None
    for at, (other, counterpart) in enumerate(others):
        if set(content.patch.files).isdisjoint(other.patch.files):
            continue
        own = counterpart.changed if counterpart else Counter[tuple[str, str, str]]()
        share = sum((content.changed & (other.changed - own)).values()) / max(1, content.size)
        if share > best or (found is None and share == best):
            best, found = share, at
    return found


def _file_lines(file: FileDiff | None) -> list[str]:
    """Return a file's part of a diff without line numbers and blob ids."""
    if file is None:
        return []
    lines = [f"{file.change}: {file.old_path} {file.old_mode} -> {file.new_path} {file.new_mode}"]
    for hunk in file.hunks:
        lines.append(f"@@ {hunk.section}")
        lines += [line.kind + line.text for line in hunk.lines]
    return lines


def _difference(heading: str, old: list[str], new: list[str], room: int = _MAX_LINES) -> list[RangeLine]:
    """Return the difference of two lists of lines under a heading, nothing when there is none."""
    if old == new:
        return []
    if room < 0 or len(old) + len(new) > _MAX_LINES:
        return [RangeLine("@", f"{heading}: changed, too long to compare by line")]
    lines = [RangeLine("@", heading)]
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_CONTEXT):
        if len(lines) > 1:
            lines.append(RangeLine("@", heading))
        for tag, first, end, start, stop in group:
            if tag == "equal":
                lines += [RangeLine(" ", line) for line in old[first:end]]
            else:
                lines += [RangeLine("-", line) for line in old[first:end]]
                lines += [RangeLine("+", line) for line in new[start:stop]]
    return lines


def as_text(difference: RangeDiff) -> str:
    """Return the comparison in the manner of ``git range-diff``, without a line end behind the last line."""
    return "\n".join(
        line
        for pair, heading in zip(difference.pairs, headings(difference), strict=True)
        for line in _text(pair, heading)
    )


def headings(difference: RangeDiff) -> list[str]:
    """Return one line for each pair: numbers, what became of the patch, and its name."""
    width = len(str(max(difference.old.expected, difference.new.expected)))
    return [_heading(pair, width) for pair in difference.pairs]


def _heading(pair: PatchPair, width: int) -> str:
    old = str(pair.old.number) if pair.old else "-"
    new = str(pair.new.number) if pair.new else "-"
    remarks = [] if pair.fate in (Fate.UNCHANGED, Fate.CHANGED) else [str(pair.fate)]
    if pair.into:
        remarks = [f"{pair.fate} into {pair.into}"]
    if pair.out_of:
        remarks = [f"split off {pair.out_of}"]
    if pair.reordered:
        remarks.append("reordered")
    remark = f" ({', '.join(remarks)})" if remarks else ""
    sign = "<" if pair.new is None else ">" if pair.old is None else "=" if pair.fate is Fate.UNCHANGED else "!"
    return f"{old:>{width}} {sign} {new:>{width}}  {pair.subject}{remark}"


def _text(pair: PatchPair, heading: str) -> Iterator[str]:
    yield heading
    for line in pair.lines:
        yield f"    ## {line.text} ##" if line.kind == "@" else f"    {line.kind}{line.text}"
