"""What was followed in one state of a tree, for the next: what a patch leaves alone is not followed again.

A walk depends on its own text and on what it asks about the rest of the tree,
and on nothing else. Both are kept with it. In another state the same questions
are asked again, in the same order; the walk holds when all answers are the
same. So a change is followed up to where it makes no difference any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from reviewbot.checks.c.source import Piece, Source
from reviewbot.checks.pgtable.facts import Facts
from reviewbot.checks.pgtable.knowledge import Handed, Knowledge
from reviewbot.checks.pgtable.state import Outcome
from reviewbot.checks.pgtable.walk import Report
from reviewbot.findings import Evidence

#: what was asked: the name of the method, and what it was given
Question = tuple[Any, ...]
#: how many walks are kept; a kernel has some 1,500 that concern tables
MAX_WALKS = 8_000


class Questions:
    """The tree as one function sees it, with each question and its answer taken down; asked once, known for good."""

    def __init__(self, program: Knowledge) -> None:
        self.facts = program.facts
        self.answers: dict[Question, object] = {}
        for name in _METHODS:
            setattr(self, name, self._taking_down(name, getattr(program, name)))

    def _taking_down(self, name: str, ask: Callable[..., object]) -> Callable[..., object]:
        answers = self.answers

        def asked(*given: object) -> object:
            question = (name, *given)
            if question not in answers:
                answers[question] = ask(*given)
            return answers[question]

        return asked

    def as_knowledge(self) -> Knowledge:
        """The same, as a walk wants it."""
        return cast(Knowledge, self)


_METHODS = tuple(name for name in vars(Knowledge) if not name.startswith("_"))


@dataclass(frozen=True, slots=True)
class Followed:
    """The walks through one function, and all that they depended on; ``spent`` is how many states they took."""

    source: Source
    answers: dict[Question, object]
    reports: list[Report]
    spent: int

    def again(self, piece: Piece, source: Source, program: Knowledge) -> Followed | None:
        """Return what following the function again would show, line by line; None when it must be followed."""
        if source is not self.source and _written(piece, source) != _written(piece, self.source):
            return None
        answers: dict[Question, object] = {}
        moved: dict[Evidence, Evidence] = {}
        for question, before in self.answers.items():
            name, *given = question
            now = answers[question] = getattr(program, name)(*given)
            if now is not before and (now != before or not _note_moves(before, now, moved)):
                return None
        if all(old == new for old, new in moved.items()):
            return self
        if len(set(moved.values())) < len(moved):
            return None
        return Followed(source, answers, [_shifted(report, moved) for report in self.reports], self.spent)


def _written(piece: Piece, source: Source) -> list[str]:
    return source.raw_lines[piece.line - 1 : piece.last_line]


def _note_moves(before: object, now: object, moved: dict[Evidence, Evidence]) -> bool:
    """Take down which steps inside a callee stand elsewhere now; False when they are not the same steps."""
    if not isinstance(before, tuple):
        return True
    for one, other in zip(before, cast(tuple[object, ...], now), strict=True):
        if isinstance(one, Outcome) and isinstance(other, Outcome):
            if len(one.trail) != len(other.trail):
                return False
            for old, new in zip(one.trail, other.trail, strict=True):
                if moved.setdefault(old, new) != new:
                    return False
    return True


def _shifted(report: Report, moved: dict[Evidence, Evidence]) -> Report:
    """The same report with its evidence where it stands now."""

    def shift(trail: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
        return tuple(moved.get(step, step) for step in trail)

    steps = [replace(step, history=shift(step.history)) for step in report.steps]
    outcomes = {replace(outcome, trail=shift(outcome.trail)) for outcome in report.outcomes}
    return replace(report, steps=steps, outcomes=outcomes)


class Memory:
    """The walks of one check, from state to state."""

    def __init__(self) -> None:
        self._facts: Facts | None = None
        self._walks: dict[tuple[Piece, Handed], Followed] = {}

    def turn_to(self, facts: Facts) -> None:
        """Go on with a state of these facts; nothing is kept where they are others."""
        if facts != self._facts or len(self._walks) > MAX_WALKS:
            self._walks.clear()
        self._facts = facts

    def followed(self, piece: Piece, handed: Handed) -> Followed | None:
        """What was seen of a function of the same text at the same lines, None when it was not followed."""
        return self._walks.get((piece, handed))

    def keep(self, piece: Piece, handed: Handed, followed: Followed) -> None:
        """Remember a function, with what was handed to it, for the next state."""
        self._walks[piece, handed] = followed
