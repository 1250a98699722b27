"""Where a file resembles the lines of a hunk most, and what is the first telling difference there."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import islice
from typing import NamedTuple

_SPACE = re.compile(r"\s+")
#: lines around the nearest place that are compared
_MARGIN = 4
#: a line that stands in more places than this says nothing about where a hunk belongs
_COMMON = 60
#: letters and digits of a line that is hardly anywhere by chance, as ``#endif`` and ``return 0;`` are
_SOLID = 8
#: lines of a hunk, and characters of a line, that are compared: a hostile hunk must not cost minutes
_COMPARED = 400
_COMPARED_WIDTH = 400
_WIDTH = 160


class Place(NamedTuple):
    """The place of a file that resembles a hunk most.

    ``start`` counts lines from 0; ``telling`` is a sentence part on the first
    difference, e.g. "expects `a` near line 7; the tree has `b`", "" when there is none.
    """

    start: int
    telling: str


def find(lines: Sequence[str], have: Sequence[str]) -> int:
    """Return where a file has some lines in a row, from 0; -1 when it has not, or when they say nothing."""
    if not any(_tells(line) for line in lines):
        return -1
    rare = max(range(len(lines)), key=lambda at: _weight(lines[at]))
    starts = (at - rare for at, line in enumerate(have) if line == lines[rare] and at >= rare)
    return next(
        (start for start in islice(starts, _COMMON) if list(have[start : start + len(lines)]) == list(lines)), -1
    )


def nearest(wanted: Sequence[str], have: Sequence[str], around: int) -> Place | None:
    """Find where a file resembles a hunk most.

    Every line of the hunk that stands somewhere in the file votes for the
    start it would mean, the rarer and longer the louder.

    :param around: line where the hunk says it belongs, from 0; decides ties.
    :returns: None when no line of the hunk is in the file but those that are in any.
    """
    wanted = [line[:_COMPARED_WIDTH] for line in wanted[:_COMPARED]]
    where: dict[str, list[int]] = defaultdict(list)
    for at, line in enumerate(have):
        where[folded(line[:_COMPARED_WIDTH])].append(at)
    votes: Counter[int] = Counter()
    longest = max(wanted, key=_weight, default="")
    if not any(folded(line) in where for line in wanted if line == longest or _weight(line) >= _SOLID):
        return None
    for at, line in enumerate(wanted):
        words = folded(line)
        places = where.get(words, ())
        if len(words) > 2 and len(places) <= _COMMON:
            for place in places:
                votes[place - at] += 100 * len(words) // len(places)
    if not votes:
        return None

    def support(start: int) -> tuple[int, int]:
        near = sum(votes[start + shift] // (1 + abs(shift)) for shift in range(-_MARGIN, _MARGIN + 1))
        return near, -abs(start - around)

    start = max(0, max(votes, key=support))
    return Place(start, _difference(wanted, have, start))


def _difference(wanted: Sequence[str], have: Sequence[str], start: int) -> str:
    """Say the first telling difference between a hunk and the place where it belongs."""
    low = max(0, start - _MARGIN)
    window = [line[:_COMPARED_WIDTH] for line in have[low : start + len(wanted) + _MARGIN]]
    steps = SequenceMatcher(None, [folded(w) for w in wanted], [folded(h) for h in window], autojunk=False)
    sayings: list[tuple[bool, str]] = []
    for kind, i1, i2, j1, j2 in steps.get_opcodes():
        line = low + j1 + 1
        if kind == "replace":
            text, at = _pair(wanted[i1:i2], window[j1:j2])
            said = f"expects {quote(text)} near line {line + at}; the tree has {quote(window[j1 + at])}"
            sayings.append((_tells(text), said))
        elif kind == "delete":
            text = max(wanted[i1:i2], key=_weight)
            sayings.append((_tells(text), f"expects {quote(text)} near line {line}; the tree does not have that line"))
        elif kind == "insert" and 0 < i1 < len(wanted):
            text = max(window[j1:j2], key=_weight)
            said = f"expects {quote(wanted[i1])} right after {quote(wanted[i1 - 1])}"
            sayings.append((_tells(text), f"{said}; the tree has {quote(text)} in between, at line {line}"))
        elif kind == "equal":
            for text, other, at in zip(wanted[i1:i2], window[j1:j2], range(line, line + i2 - i1), strict=True):
                if text != other:
                    sayings.append((False, _blanks(text, other, at)))
                    break
    telling = [said for tells, said in sayings if tells] or [said for _, said in sayings]
    return telling[0] if telling else ""


def _blanks(text: str, other: str, line: int) -> str:
    """Say how two lines differ that have the same words."""
    if text.rstrip("\r") == other.rstrip("\r"):
        which = "the tree" if other.endswith("\r") else "the patch"
        return f"differs in line ends only, from line {line} on: {which} has carriage returns"
    return f"differs in white space only, at line {line}: {quote(text)}"


def _pair(wanted: Sequence[str], have: Sequence[str]) -> tuple[str, int]:
    """Return the first telling line that is expected, and which line of the tree is most like it, from 0."""
    text = next((line for line in wanted if _tells(line)), wanted[0])
    alike = [SequenceMatcher(None, text.strip(), line.strip()).ratio() for line in have[:_COMMON]]
    return text, alike.index(max(alike))


def _tells(line: str) -> bool:
    return _weight(line) >= 4


def _weight(line: str) -> int:
    return sum(character.isalnum() for character in line)


def folded(line: str) -> str:
    """Return a line with its white space made even."""
    return _SPACE.sub(" ", line).strip()


def quote(line: str) -> str:
    """Return a line as it can stand in a sentence."""
    text = folded(line)
    text = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
    return f"`{text}`" if text else "an empty line"
