"""Where in a patch a finding belongs: the same line on the page of the patch and in the reply to it."""

from __future__ import annotations

import re
from typing import NamedTuple

from reviewbot.findings import normalise
from reviewbot.mail.diff import Diff, DiffLine, FileDiff, Hunk
from reviewbot.reports.facts import Life, Told

_DEFINITION = re.compile(r"(?:#\s*define\s+)?[A-Za-z_][\w\s*]*\([^;]*$")


class Place(NamedTuple):
    """A line of a diff.

    :ivar own: false for a line that a finding elsewhere comes of.
    """

    file: FileDiff
    hunk: Hunk
    line: DiffLine
    own: bool = True


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


def cause_of(told: Told, diff: Diff) -> Place | None:
    """Find the added line that a finding comes of which the patch does not show: the last one on the way to it."""
    added = [
        Place(file, hunk, line, own=False)
        for file in diff.files
        for hunk in file.hunks
        for line in hunk.lines
        if line.kind == "+"
    ]
    for step in reversed(told.finding.evidence):
        text = normalise(step.text.partition(": ")[2])
        alike = [one for one in added if one.file.path == step.file and normalise(one.line.text) == text]
        exact = next((one for one in alike if one.line.new == step.line), None)
        if exact or (len(alike) == 1 and "(" in text):  # later patches may have moved the line
            return exact or alike[0]
    return None


def _definition_before(place: Place, hidden: str) -> str:
    """Return the nearest line before a place that begins a function or macro, as far as its hunk shows one.

    :param hidden: ``+`` or ``-``, the lines that are not on the side of the place.
    """
    lines = place.hunk.lines[: place.hunk.lines.index(place.line) + 1]
    begins = (line.text for line in reversed(lines) if line.kind != hidden and _DEFINITION.match(line.text))
    return next(begins, place.hunk.section)
