"""Findings for a measurement: one at every call of a function, as a check that knows nothing would state it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from reviewbot.findings import Finding, Location, Severity

_CALL = re.compile(r"\b(?!if\b|for\b|while\b|switch\b|return\b|sizeof\b|defined\b)[a-z_]\w{2,}\(")
#: where git sees a function begin: a line at the left margin that begins with a letter
_HEAD = re.compile(r"[A-Za-z_$]")
_NAME = re.compile(r"(\w+)\s*\(")


class Line(NamedTuple):
    """A line of a state, with what it is known by beyond that state."""

    key: int
    text: str


def calls(file: str, lines: Iterable[tuple[int, int, str, str]]) -> Iterator[tuple[int, Finding]]:
    """Yield a finding for each line with a call, with the key of the line.

    :param lines: key, number, enclosing function and text of each.
    """
    for key, number, function, text in lines:
        match = _CALL.search(text)
        if match and not _HEAD.match(text) and not text.lstrip().startswith(("*", "/*", "//", "#")):
            place = Location(file, number, function, text)
            yield key, Finding("CALL", Severity.WARNING, place, f"The result of {match[0][:-1]}() is ignored.")


def in_functions(lines: Iterable[Line]) -> Iterator[tuple[int, int, str, str]]:
    """Number the lines of a file and say in which function each stands."""
    function = ""
    for number, line in enumerate(lines, 1):
        if _HEAD.match(line.text):
            function = function_of(line.text) or function
        yield line.key, number, function, line.text


def function_of(heading: str) -> str:
    """Return the name in the heading of a function, "" when there is none."""
    match = _NAME.search(heading)
    return match[1] if match else ""
