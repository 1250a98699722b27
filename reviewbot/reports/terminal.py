"""What a text for a terminal is made of: harmless characters, columns, and colour that never says anything alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reviewbot.mail.compose import wrap
from reviewbot.reports.facts import Told

TAB = 8
#: what is shown of one paragraph and of one source line, in characters; others decide how long they are
MAX_PROSE, MAX_CODE = 2000, 400

_PLAIN = re.compile(r"[\t\x20-\x7e]*")
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_WIDE = frozenset("WF")


def visible(text: str) -> str:
    r"""Spell out every character that a terminal would obey or hide: ``\x1b``, ``<U+202E>``.

    What is left is printed as it is seen: no escape sequence, no reordering
    (Unicode Technical Report 36, section 3), no line break. Tabs stay.
    """
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_spelled(character) for character in text)


def _spelled(character: str) -> str:
    if character == "\t" or unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"<U+{code:04X}>"


def shortened(text: str, most: int = MAX_PROSE) -> str:
    """Return a text, cut and marked with an ellipsis where it has more characters than that."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def code(text: str) -> str:
    """Return a source line as a terminal shows it, with tabs as blanks; the end of an endless one is cut."""
    return visible(shortened(text.rstrip("\r\n"), MAX_CODE)).expandtabs(TAB)


def excerpt(told: Told) -> list[str]:
    """Return the source lines around a finding, numbered, its own marked by ``>``."""
    here = told.finding.location.line
    return [f"{'>' if number == here else ' '} {number:>5} | {code(text)}".rstrip() for number, text in told.code]


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes; combining marks take none, wide characters two."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in _WIDE)
        for character in text
    )


def fit(text: str, width: int) -> str:
    """Return a text in exactly so many columns: filled with blanks, or cut and marked with an ellipsis."""
    if columns(text) <= width:
        return text + " " * (width - columns(text))
    kept = text[: 4 * width]
    while kept and columns(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept}…" + " " * (width - columns(kept) - 1)


def indented(lines: Iterable[str], by: int) -> list[str]:
    """Indent lines by so many blanks; empty ones stay empty."""
    return [f"{' ' * by}{line}" if line else "" for line in lines]


def paragraph(text: str, width: int, indent: int = 0) -> list[str]:
    """Return prose on lines of at most ``width`` columns, harmless and indented."""
    return indented(wrap(visible(shortened(" ".join(text.split()))), max(20, width - indent)), indent)


def labelled(label: str, texts: Sequence[str], width: int, column: int = 11) -> list[str]:
    """Return paragraphs beside a label; nothing when there are none."""
    lines = [line for text in texts for line in paragraph(text, width, column)]
    if lines:
        lines[0] = fit(label, column - 1) + " " + lines[0][column:]
    return lines


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours a word, or leaves it when there is no colour. Sequences are those of ECMA-48, 8.3.117."""

    on: bool

    def bold(self, text: str) -> str:
        """Return a heading."""
        return self._in("1", text)

    def dim(self, text: str) -> str:
        """Return what stands beside the matter."""
        return self._in("2", text)

    def bad(self, text: str) -> str:
        """Return an error."""
        return self._in("1;31", text)

    def doubtful(self, text: str) -> str:
        """Return a warning."""
        return self._in("1;33", text)

    def good(self, text: str) -> str:
        """Return what is right."""
        return self._in("32", text)

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text
