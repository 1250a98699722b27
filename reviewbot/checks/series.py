"""What a series changes: which patch makes a finding, which one mends it, and what was there before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from reviewbot.checks.c.source import Source
from reviewbot.checks.protocol import Check, Coverage
from reviewbot.findings import Finding, compare, normalise, sort_key
from reviewbot.tree.files import Files


@runtime_checkable
class Dependents(Protocol):
    """A check that knows which other files a change may concern."""

    def dependents(self, files: Files, paths: Sequence[str]) -> list[str]:
        """Return the files whose findings may change when these paths do."""


@dataclass(frozen=True, slots=True)
class SeriesFinding:
    """One finding in the life of a series.

    :ivar finding: as it was last seen.
    :ivar introduced: the patch that made it, from 1; 0 when it was there before the series.
    :ivar fixed: the patch that ended it, from 1; 0 when it is there after the whole series.
    """

    finding: Finding
    introduced: int
    fixed: int = 0

    @property
    def transient(self) -> bool:
        """There after one patch and gone after a later one: a hazard for bisection."""
        return self.introduced > 0 and self.fixed > 0


@dataclass(frozen=True, slots=True)
class SeriesFindings:
    """What a series does to the findings of a tree.

    :ivar new: made by the series and there at its end.
    :ivar transient: made by one patch and ended by a later one.
    :ivar fixed: there before and ended by the series.
    :ivar preexisting: there before and after, in functions that the series touches.
    :ivar coverage: what was looked at, per state: the base first.
    """

    new: tuple[SeriesFinding, ...] = ()
    transient: tuple[SeriesFinding, ...] = ()
    fixed: tuple[SeriesFinding, ...] = ()
    preexisting: tuple[Finding, ...] = ()
    coverage: tuple[Coverage, ...] = field(default=(), compare=False)


def check_series(check: Check, states: Sequence[Files], touched: Sequence[Sequence[str]]) -> SeriesFindings:
    """Check the base and the state after each patch, and say what became of each finding.

    A patch to a header changes what other files mean: files that depend on the
    touched ones are looked at too, where the check knows them (:class:`Dependents`).

    :param states: the base, then the tree after patch 1, 2, …
    :param touched: the paths that each patch touches; one shorter than ``states``.
    :raises ValueError: when the lengths do not fit together.
    :raises reviewbot.errors.ReviewError: when the check cannot run.
    """
    if len(states) != len(touched) + 1:
        raise ValueError("check_series() needs the base and one state for each patch")
    paths = _paths(check, states, touched)
    coverages = [Coverage() for _ in states]
    found = [
        [] if not paths else list(check.check(files, _present(files, paths), coverage))
        for files, coverage in zip(states, coverages, strict=True)
    ]
    living = [SeriesFinding(finding, 0) for finding in found[0]]
    ended: list[SeriesFinding] = []
    for number, after in enumerate(found[1:], 1):
        by_before = {id(life.finding): life for life in living}
        comparison = compare([life.finding for life in living], after)
        ended += [SeriesFinding(old, by_before[id(old)].introduced, number) for old in comparison.fixed]
        kept = [
            SeriesFinding(pair.after, by_before[id(pair.before)].introduced)
            for pair in (*comparison.still, *comparison.moved)
        ]
        living = [*kept, *(SeriesFinding(finding, number) for finding in comparison.new)]
    functions = _touched_functions(states, touched)
    return SeriesFindings(
        new=_sorted(life for life in living if life.introduced),
        transient=_sorted(life for life in ended if life.introduced),
        fixed=_sorted(life for life in ended if not life.introduced),
        preexisting=tuple(
            sorted(
                (life.finding for life in living if not life.introduced and _in(life.finding, functions)), key=sort_key
            )
        ),
        coverage=tuple(coverages),
    )


def _sorted(lives: Iterable[SeriesFinding]) -> tuple[SeriesFinding, ...]:
    return tuple(sorted(lives, key=lambda life: sort_key(life.finding)))


def _paths(check: Check, states: Sequence[Files], touched: Sequence[Sequence[str]]) -> list[str]:
    """The files to look at: those that are touched, and those that mean something else because of it."""
    paths = {path for patch in touched for path in patch}
    if isinstance(check, Dependents):
        for files in (states[0], states[-1]):
            paths |= set(check.dependents(files, sorted(paths)))
    return sorted(paths)


def _present(files: Files, paths: Sequence[str]) -> list[str]:
    return [path for path in paths if files.blob(path) is not None]


def _touched_functions(states: Sequence[Files], touched: Sequence[Sequence[str]]) -> set[tuple[str, str]]:
    """The functions whose text any patch changes, as (file, function); ("", "") is never one."""
    found: set[tuple[str, str]] = set()
    for before, after, paths in zip(states, states[1:], touched, strict=False):
        for path in paths:
            texts = [_bodies(files, path) for files in (before, after)]
            found |= {
                (path, name) for name in texts[0].keys() | texts[1].keys() if texts[0].get(name) != texts[1].get(name)
            }
    return found


def _bodies(files: Files, path: str) -> dict[str, str]:
    data = files.read(path) if path.endswith((".c", ".h")) else None
    bodies: dict[str, str] = {"": ""}
    for piece in Source(path, data or b"").pieces:
        bodies[piece.name] = bodies.get(piece.name, "") + normalise(piece.body)
    return bodies


def _in(finding: Finding, functions: set[tuple[str, str]]) -> bool:
    return (finding.location.file, finding.location.function) in functions
