"""A diff with what was said about its lines, ready to be shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from reviewbot.mail.diff import Diff, DiffLine, FileDiff, Hunk
from reviewbot.reports.facts import Life, Told

#: lines of one patch that a page shows; the rest is in the raw file
MAX_SHOWN = 6000


class Line(NamedTuple):
    """One line of a hunk and its anchor."""

    kind: str
    text: str
    old: int
    new: int
    anchor: str


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody answered below a quoted line."""

    who: str
    date: datetime
    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Segment:
    """Some lines, and what stands beneath the last of them."""

    lines: tuple[Line, ...]
    findings: tuple[tuple[str, Told], ...] = ()
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownHunk:
    """A hunk in segments."""

    header: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class ShownFile:
    """One file of the diff.

    :ivar outside: findings in this file at lines that the diff does not show.
    """

    number: int
    file: FileDiff
    hunks: tuple[ShownHunk, ...]
    added: int
    removed: int
    outside: tuple[tuple[str, Told], ...] = ()
    cut: bool = False


#: the side of a diff and a line there: ("+", 12) is line 12 of the new file
Place = tuple[str, int]
Findings = Mapping[Place, list[tuple[str, Told]]]
Comments = Mapping[Place, list[Comment]]


def show(
    diff: Diff,
    findings: Iterable[tuple[str, Told]],
    comments: Iterable[tuple[str, Place, Comment]] = (),
) -> tuple[ShownFile, ...]:
    """Put findings and comments beneath the lines they are about.

    :param findings: with their ids; those of the state before the patch (fixed
        ones) are placed on the old side.
    :param comments: ``(path, place, comment)``.
    """
    by_file: dict[str, dict[Place, list[tuple[str, Told]]]] = defaultdict(lambda: defaultdict(list))
    for name, told in findings:
        side = "-" if told.life is Life.FIXED else "+"
        by_file[told.finding.location.file][side, told.finding.location.line].append((name, told))
    said: dict[str, dict[Place, list[Comment]]] = defaultdict(lambda: defaultdict(list))
    for path, place, comment in comments:
        said[path][place].append(comment)
    budget = MAX_SHOWN
    shown = []
    for number, file in enumerate(diff.files, 1):
        shown.append(_file(number, file, by_file[file.path], said[file.path], budget))
        budget -= sum(len(hunk.lines) for hunk in file.hunks)
    return tuple(shown)


def _file(number: int, file: FileDiff, findings: Findings, comments: Comments, budget: int) -> ShownFile:
    hunks: list[ShownHunk] = []
    for hunk in file.hunks:
        if len(hunk.lines) > budget:
            break
        budget -= len(hunk.lines)
        hunks.append(ShownHunk(hunk.header, _segments(number, hunk, findings, comments)))
    placed = {name for hunk in hunks for segment in hunk.segments for name, _ in segment.findings}
    rest = [pair for pairs in findings.values() for pair in pairs if pair[0] not in placed]
    return ShownFile(
        number=number,
        file=file,
        hunks=tuple(hunks),
        added=file.count("+"),
        removed=file.count("-"),
        outside=tuple(rest),
        cut=len(hunks) < len(file.hunks),
    )


def _segments(number: int, hunk: Hunk, findings: Findings, comments: Comments) -> tuple[Segment, ...]:
    segments: list[Segment] = []
    lines: list[Line] = []
    for line in hunk.lines:
        lines.append(_line(number, line))
        places = _places(line)
        here = [pair for place in places for pair in findings.get(place, ())]
        said = [comment for place in places for comment in comments.get(place, ())]
        if here or said:
            segments.append(Segment(tuple(lines), tuple(here), tuple(said)))
            lines = []
    if lines:
        segments.append(Segment(tuple(lines)))
    return tuple(segments)


def _places(line: DiffLine) -> list[Place]:
    return [place for place in (("+", line.new), ("-", line.old)) if place[1]]


def _line(number: int, line: DiffLine) -> Line:
    anchor = f"d{number}n{line.new}" if line.new else f"d{number}o{line.old}"
    return Line(line.kind, line.text, line.old, line.new, anchor)
