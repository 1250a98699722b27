"""A diff with what was said about its lines, ready to be shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from reviewbot.mail.diff import Diff, DiffLine, FileDiff, Hunk
from reviewbot.reports.facts import Told
from reviewbot.reports.placing import place_of

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
    :ivar cut: true when hunks were left out, because the patch is too long for a page.
    """

    number: int
    file: FileDiff
    hunks: tuple[ShownHunk, ...]
    added: int
    removed: int
    outside: tuple[tuple[str, Told], ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A diff as a page shows it; ``elsewhere`` are findings in files that the patch does not touch."""

    files: tuple[ShownFile, ...]
    elsewhere: tuple[tuple[str, Told], ...] = ()


Findings = Mapping[int, Sequence[tuple[str, Told]]]
Comments = Mapping[int, Sequence[Comment]]


def show(diff: Diff, findings: Iterable[tuple[str, Told]], comments: Comments) -> Shown:
    """Put findings and comments beneath the lines they are about.

    :param findings: with their ids.
    :param comments: by the position of the line in the mail, as :class:`reviewbot.mail.diff.DiffLine` counts.
    """
    placed: dict[int, list[tuple[str, Told]]] = defaultdict(list)
    outside: dict[str, list[tuple[str, Told]]] = defaultdict(list)
    for name, told in findings:
        place = place_of(told, diff)
        (placed[place.line.position] if place else outside[told.finding.location.file]).append((name, told))
    files = []
    budget = MAX_SHOWN
    for number, file in enumerate(diff.files, 1):
        hunks = _within(file.hunks, budget)
        budget -= sum(len(hunk.lines) for hunk in hunks)
        files.append(
            ShownFile(
                number=number,
                file=file,
                hunks=tuple(ShownHunk(hunk.header, _segments(number, hunk, placed, comments)) for hunk in hunks),
                added=file.count("+"),
                removed=file.count("-"),
                outside=tuple(outside.pop(file.path, ())),
                cut=len(hunks) < len(file.hunks),
            )
        )
    return Shown(tuple(files), tuple(pair for pairs in outside.values() for pair in pairs))


def _within(hunks: Sequence[Hunk], budget: int) -> list[Hunk]:
    shown = []
    for hunk in hunks:
        budget -= len(hunk.lines)
        if budget < 0:
            break
        shown.append(hunk)
    return shown


def _segments(number: int, hunk: Hunk, findings: Findings, comments: Comments) -> tuple[Segment, ...]:
    segments: list[Segment] = []
    lines: list[Line] = []
    if hunk.position in comments:
        segments.append(Segment((), (), tuple(comments[hunk.position])))
    for line in hunk.lines:
        lines.append(_line(number, line))
        here, said = findings.get(line.position, ()), comments.get(line.position, ())
        if here or said:
            segments.append(Segment(tuple(lines), tuple(here), tuple(said)))
            lines = []
    if lines:
        segments.append(Segment(tuple(lines)))
    return tuple(segments)


def _line(number: int, line: DiffLine) -> Line:
    anchor = f"d{number}n{line.new}" if line.new else f"d{number}o{line.old}"
    return Line(line.kind, line.text, line.old, line.new, anchor)
