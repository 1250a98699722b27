"""Variables that are cleaned up when their scope is left: ``__free(name)`` and ``__cleanup(function)``.

Source: include/linux/cleanup.h, where ``DEFINE_FREE(name, type, free)`` says what ``__free(name)`` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from reviewbot.checks.c.conditionals import spaces

_ATTRIBUTE = re.compile(
    r"\b(?P<variable>\w+)\s+(?P<attribute>__free\s*\(\s*(?P<name>\w+)\s*\)|__cleanup\s*\(\s*(?P<function>\w+)\s*\)"
    r"|__attribute__\s*\(\(\s*(?:__)?cleanup(?:__)?\s*\(\s*(?P<gnu>\w+)\s*\)\s*\)\))"
)
_DEFINITION = re.compile(r"^DEFINE_FREE\s*\(\s*(\w+)\s*,([^,;{}]{1,200}),", re.MULTILINE)
#: what the function that belongs to ``__free(name)`` goes by
PREFIX = "__free_"
#: characters of what a DEFINE_FREE does
_MAX_FREE = 2_000


class Scoped(NamedTuple):
    """A variable with a cleanup: the function that gets it (or its address), and where it is declared."""

    variable: str
    function: str
    by_address: bool
    offset: int


def scoped_variables(text: str) -> tuple[str, list[Scoped]]:
    """Return the text with the attributes blanked, at the same length, and the variables that have one."""
    found = []
    for match in _ATTRIBUTE.finditer(text) if "cleanup" in text or "__free" in text else ():
        by_name = match["name"]
        function = PREFIX + by_name if by_name else match["function"] or match["gnu"]
        found.append(Scoped(match["variable"], function, not by_name, match.start()))
        text = text[: match.start("attribute")] + spaces(match["attribute"]) + text[match.end("attribute") :]
    return text, found


def free_definitions(text: str) -> Iterator[tuple[str, str, str, int, int]]:
    """Yield name, type, body, and the offsets of name and body of each ``DEFINE_FREE``."""
    for match in _DEFINITION.finditer(text) if "DEFINE_FREE" in text else ():
        depth, end = 1, match.end()
        while depth and end < min(len(text), match.end() + _MAX_FREE):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        if not depth:
            yield PREFIX + match[1], match[2].strip(), text[match.end() : end - 1], match.start(1), match.end()
