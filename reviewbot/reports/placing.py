"""Where in a patch a finding belongs: the same line on the page of the patch and in the reply to it."""

from __future__ import annotations

import re
from typing import NamedTuple

from reviewbot.findings import normalise
from reviewbot.mail.diff import Diff, DiffLine, FileDiff, Hunk
from reviewbot.reports.facts import Life, Told

_DEFINITION = re.compile(r"(?:#\s*define\s+)?[A-Za-z_][\w\s*]*\([^;]*$")


class Place(NamedTuple):
    """A line of a diff."""

    file: FileDiff
    hunk: Hunk
    line: DiffLine


def place_of(told: Told, diff: Diff) -> Place | None:
    """Find the line of a patch that a finding is about; None when the patch does not show it.

    The finding knows the line of the last state of the series that has it, so
    the text decides; between equals the function, then a changed line before a
    context line, then the number. The same text in another function is another
    place. What the patch repairs stands on its old side.
    """
    location = told.finding.location
    text = normalise(location.text)
    repaired = told.life is Life.FIXED

    def number(line: DiffLine) -> int:
        return line.old if repaired else line.new

    def elsewhere(place: Place) -> bool:
        before = _definition_before(place, "+" if repaired else "-")
        return bool(_DEFINITION.match(before)) and location.function not in before

    def distance(place: Place) -> tuple[bool, bool, int]:
        unknown = location.function not in _definition_before(place, "+" if repaired else "-")
        return unknown, place.line.kind == " ", abs(number(place.line) - location.line)

    candidates = (
        Place(file, hunk, line)
        for file in diff.files
        if file.path == location.file
        for hunk in file.hunks
        for line in hunk.lines
        if text and number(line) and normalise(line.text) == text
    )
    return min((place for place in candidates if not elsewhere(place)), key=distance, default=None)


def _definition_before(place: Place, hidden: str) -> str:
    """Return the nearest line before a place that begins a function or macro, as far as its hunk shows one.

    :param hidden: ``+`` or ``-``, the lines that are not on the side of the place.
    """
    lines = place.hunk.lines[: place.hunk.lines.index(place.line) + 1]
    begins = (line.text for line in reversed(lines) if line.kind != hidden and _DEFINITION.match(line.text))
    return next(begins, place.hunk.section)
