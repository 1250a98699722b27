"""What a series changes: which patch makes a finding, which one mends it, and what was there before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from reviewbot.checks.c.source import Source
from reviewbot.checks.protocol import Check, Coverage
from reviewbot.checks.waivers import Waiver, run, tree_waivers
from reviewbot.findings import Finding, Traced, follow, normalise
from reviewbot.tree.files import Files


@runtime_checkable
class Dependents(Protocol):
    """A check that knows which other files a change may concern."""

    def dependents(self, files: Files, paths: Sequence[str]) -> list[str]:
        """Return the files whose findings may change when these paths do."""


@runtime_checkable
class Comparing(Protocol):
    """A check that has more to say when there is a base to compare with."""

    def for_changes(self) -> tuple[Check, Callable[[str], bool]]:
        """Return the check with all its rules, and whether a rule speaks of changed lines only."""


@dataclass(frozen=True, slots=True)
class SeriesFindings:
    """What a series does to the findings of a tree; state 0 is the base, state k is after patch k.

    :ivar states: everything that was found in each state.
    :ivar traced: the same, each finding followed through the states.
    :ivar functions: the functions that any patch changes, as ``(file, function)``.
    :ivar coverage: what was looked at in each state.
    """

    states: tuple[tuple[Finding, ...], ...]
    traced: tuple[Traced, ...]
    functions: frozenset[tuple[str, str]] = frozenset()
    coverage: tuple[Coverage, ...] = field(default=(), compare=False)

    @property
    def new(self) -> tuple[Traced, ...]:
        """Made by the series and there at its end."""
        return tuple(one for one in self.traced if one.born and not one.gone)

    @property
    def transient(self) -> tuple[Traced, ...]:
        """Made by one patch and ended by a later one: a hazard for bisection."""
        return tuple(one for one in self.traced if one.born and one.gone)

    @property
    def fixed(self) -> tuple[Traced, ...]:
        """There before the series and ended by it."""
        return tuple(one for one in self.traced if not one.born and one.gone)

    @property
    def preexisting(self) -> tuple[Traced, ...]:
        """There before and after, in functions that the series touches."""
        return tuple(
            one
            for one in self.traced
            if not one.born
            and not one.gone
            and (one.finding.location.file, one.finding.location.function) in self.functions
        )


def check_series(
    check: Check,
    states: Sequence[Files],
    touched: Sequence[Sequence[str]],
    *,
    waivers: Sequence[Waiver] = (),
    progress: Callable[[int], None] = lambda number: None,
) -> SeriesFindings:
    """Check the base and the state after each patch, and say what became of each finding.

    A patch to a header changes what other files mean: files that depend on the
    touched ones are looked at too, where the check knows them (:class:`Dependents`).

    :param states: the base, then the tree after patch 1, 2, …
    :param touched: the paths that each patch touches; one shorter than ``states``.
    :param waivers: those of the project; those of the base's own file and comments count too.
    :param progress: told the number of each state before it is looked at.
    :raises ValueError: when the lengths do not fit together.
    :raises reviewbot.errors.ReviewError: when the check cannot run.
    """
    if len(states) != len(touched) + 1:
        raise ValueError("check_series() needs the base and one state for each patch")
    check, changed_only = check.for_changes() if isinstance(check, Comparing) else (check, lambda rule: False)
    paths = _paths(check, states, touched)
    standing = (*waivers, *tree_waivers(states[0]))
    coverages = tuple(Coverage() for _ in states)
    found = []
    for number, (files, coverage) in enumerate(zip(states, coverages, strict=True)):
        progress(number)
        present = _present(files, paths)  # no path at all would mean the whole tree
        found.append(tuple(run(check, files, present, coverage, standing, states[0])) if present else ())
    found = _without_old(found, changed_only)
    return SeriesFindings(
        states=tuple(found),
        traced=follow(found),
        functions=frozenset(_touched_functions(states, touched)),
        coverage=coverages,
    )


def _without_old(states: list[tuple[Finding, ...]], changed_only: Callable[[str], bool]) -> list[tuple[Finding, ...]]:
    """Drop what rules about changed lines say of lines that the base has, or of the same thing in other lines."""
    old = [finding for finding in states[0] if changed_only(finding.rule)]
    lines = {_line(finding) for finding in old}
    return [tuple(_added(state, old, lines)) for state in states]


def _added(state: Sequence[Finding], old: Sequence[Finding], lines: set[tuple[str, str]]) -> Iterator[Finding]:
    """The findings that are not old: their line is another one, and more often said than in the base."""
    rewritten = Counter(map(_said, old)) - Counter(_said(finding) for finding in state if _line(finding) in lines)
    for finding in state:
        if _line(finding) in lines:
            continue
        if rewritten[_said(finding)] > 0:
            rewritten[_said(finding)] -= 1
        else:
            yield finding


def _line(finding: Finding) -> tuple[str, str]:
    return finding.rule, normalise(finding.location.text)


def _said(finding: Finding) -> tuple[str, ...]:
    return finding.rule, finding.location.file, finding.location.function, finding.message


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
    """The functions whose text any patch changes, as (file, function)."""
    found: set[tuple[str, str]] = set()
    for before, after, paths in zip(states, states[1:], touched, strict=False):
        for path in paths:
            texts = [_bodies(files, path) for files in (before, after)]
            found |= {
                (path, name) for name in texts[0].keys() | texts[1].keys() if texts[0].get(name) != texts[1].get(name)
            }
    return found


def _bodies(files: Files, path: str) -> dict[str, str]:
    """The text of each function as written: a patch that only comments on a function touches it too."""
    data = files.read(path) if path.endswith((".c", ".h")) else None
    lines = (data or b"").decode("utf-8", "replace").split("\n")
    bodies: dict[str, str] = {}
    for piece in Source(path, data or b"").pieces:
        text = normalise("\n".join(lines[piece.line - 1 : piece.last_line]))
        bodies[piece.written] = bodies.get(piece.written, "") + text
    return bodies
