"""Pictures of numbers as inline SVG: bars, each with its number, and a text alternative for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: sizes in the units of the picture: width and gap of a bar, height of the tallest one, room for the words
WIDTH, GAP, HEIGHT, WORDS = 34, 8, 80, 18


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: how many of what."""

    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A rectangle of the picture."""

    kind: str
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its words; ``says`` is its text alternative."""

    label: str
    total: int
    says: str
    middle: int
    top: float
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """A picture of bars.

    :ivar says: everything that it shows, as a sentence.
    :ivar kinds: what the colours mean; empty when there is one.
    """

    title: str
    says: str
    bars: tuple[Bar, ...]
    kinds: tuple[str, ...] = ()
    bar: int = WIDTH
    base: int = HEIGHT + WORDS
    foot: int = HEIGHT + 2 * WORDS - 4
    height: int = HEIGHT + 2 * WORDS

    @property
    def width(self) -> int:
        """Width of the whole picture."""
        return len(self.bars) * (WIDTH + GAP) + GAP


def bars(title: str, columns: Sequence[tuple[str, Sequence[Part]]]) -> Bars | None:
    """Draw bars from left to right; None when every number is 0.

    :param columns: the label of each bar, and its pieces from below.
    """
    tallest = max((sum(part.number for part in parts) for _, parts in columns), default=0)
    if not tallest:
        return None
    drawn = tuple(_bar(at, label, parts, HEIGHT / tallest) for at, (label, parts) in enumerate(columns))
    kinds = tuple(dict.fromkeys(part.kind for _, parts in columns for part in parts if part.number))
    return Bars(title, "; ".join(one.says for one in drawn), drawn, kinds if len(kinds) > 1 else ())


def _bar(at: int, label: str, parts: Sequence[Part], scale: float) -> Bar:
    left, floor = GAP + at * (WIDTH + GAP), float(HEIGHT + WORDS)
    pieces = []
    for part in parts:
        floor -= part.number * scale
        pieces.append(Piece(part.kind, left, round(floor, 1), round(part.number * scale, 1)))
    told = ", ".join(f"{part.number} {part.kind}".strip() for part in parts if part.number) or "0"
    total = sum(part.number for part in parts)
    return Bar(label, total, f"{label}: {told}", left + WIDTH // 2, round(floor - 4, 1), tuple(pieces))
