"""The word that every room speaks: one fact, at one line, with its evidence.

A check yields :class:`Finding` values and decides nothing else: whether a
finding is shown, to whom, and in which words around it, is decided by others.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

_SPACE = re.compile(r"\s+")


class Severity(StrEnum):
    """How bad a finding is: an error is wrong, a warning is against policy, a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst; for sorting."""
        return list(Severity).index(self)


class Location(NamedTuple):
    """A place in a source tree.

    ``file`` is relative to the top of the tree, ``line`` counts from 1 (0: the
    whole file), ``function`` is the enclosing function or macro ("" at file
    scope), and ``text`` is the source text of the place, as written there.
    """

    file: str
    line: int
    function: str = ""
    text: str = ""


class Evidence(NamedTuple):
    """One step of the path that proves a finding; the steps stand in the order of execution."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact that a check or a compiler states about one place.

    :ivar rule: stable name of the rule, e.g. ``C06`` or ``gcc.-Wunused-variable``.
    :ivar severity: see :class:`Severity`.
    :ivar location: the place a reviewer has to look at.
    :ivar message: one or two sentences in plain text, no trailing newline.
    :ivar evidence: the steps that lead there; may be empty for a compiler's word.
    :ivar condition: the preprocessor condition or configuration under which the
        path exists, "" when it always does.
    :ivar assumption: what was guessed, in words; "" when nothing was.
    """

    rule: str
    severity: Severity
    location: Location
    message: str
    evidence: tuple[Evidence, ...] = ()
    condition: str = ""
    assumption: str = ""

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits by which the finding is recognised after a rebase."""
        return fingerprint(self.rule, self.location.file, self.location.function, self.location.text)

    def as_dict(self) -> dict[str, Any]:
        """Return the finding in the shape of the JSON face.

        The fields are ``rule, severity, file, line, function, message, evidence:
        [{file, line, text}], text, fingerprint, condition, assumption``.
        """
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "file": self.location.file,
            "line": self.location.line,
            "function": self.location.function,
            "message": self.message,
            "evidence": [step._asdict() for step in self.evidence],
            "text": self.location.text,
            "fingerprint": self.fingerprint,
            "condition": self.condition,
            "assumption": self.assumption,
        }


def normalise(text: str) -> str:
    """Fold white space, so that re-indenting or re-wrapping does not make a new place."""
    return _SPACE.sub(" ", text).strip()


def fingerprint(rule: str, file: str, function: str, text: str) -> str:
    """Name a place without its line number: rule, file, function and normalised source text."""
    parts = "\0".join((rule, file, function, normalise(text)))
    return hashlib.sha256(parts.encode("utf-8", "surrogateescape")).hexdigest()[:16]


class Pair(NamedTuple):
    """The same finding seen before and after."""

    before: Finding
    after: Finding


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the findings of one state in another.

    :ivar new: only after.
    :ivar still: in both, at the same file and function.
    :ivar moved: in both, in another file or function.
    :ivar fixed: only before.
    """

    new: tuple[Finding, ...]
    still: tuple[Pair, ...]
    moved: tuple[Pair, ...]
    fixed: tuple[Finding, ...]


def compare(
    before: Iterable[Finding],
    after: Iterable[Finding],
    *,
    renames: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare two sets of findings: what is new, still there, moved, and fixed.

    The same fingerprint may occur several times on each side; occurrences are
    matched in order. What is left is then matched by rule and text alone, which
    finds code that moved to another function or file.

    :param renames: old path -> new path, for files that the change renames.
    """
    renames = renames or {}
    waiting: dict[str, list[Finding]] = defaultdict(list)
    before = list(before)
    for old in before:
        place = old.location
        name = fingerprint(old.rule, renames.get(place.file, place.file), place.function, place.text)
        waiting[name].append(old)
    still: list[Pair] = []
    unmatched: list[Finding] = []
    for finding in after:
        candidates = waiting[finding.fingerprint]
        if candidates:
            still.append(Pair(candidates.pop(0), finding))
        else:
            unmatched.append(finding)

    by_text: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for leftovers in waiting.values():
        for old in leftovers:
            by_text[old.rule, normalise(old.location.text)].append(old)
    moved: list[Pair] = []
    new: list[Finding] = []
    for finding in unmatched:
        text = normalise(finding.location.text)
        elsewhere = by_text[finding.rule, text] if text else []
        if elsewhere:
            moved.append(Pair(elsewhere.pop(0), finding))
        else:
            new.append(finding)
    matched = {id(pair.before) for pair in (*still, *moved)}
    return Comparison(
        new=tuple(new),
        still=tuple(still),
        moved=tuple(moved),
        fixed=tuple(old for old in before if id(old) not in matched),
    )


class Traced(NamedTuple):
    """One finding followed through the states of a series: state 0 is the base, state k is after patch k.

    ``born`` is the first state that has it; ``gone`` the first later state that
    no longer has it, 0 when the last state still does. ``finding`` is how the
    last state that has it shows it.
    """

    finding: Finding
    born: int
    gone: int = 0


def follow(
    states: Sequence[Iterable[Finding]], *, renames: Sequence[Mapping[str, str]] | None = None
) -> tuple[Traced, ...]:
    """Follow every finding from the base through each patch.

    :param states: the findings of the base, then after each patch.
    :param renames: for each patch, old path -> new path.
    """
    alive: dict[int, int] = {}  # id of the finding in the latest state -> where it was born
    ended: list[Traced] = []
    latest: list[Finding] = []
    for number, state in enumerate(states):
        current = list(state)
        change = compare(latest, current, renames=renames[number - 1] if renames and number else None)
        ended += [Traced(old, alive[id(old)], number) for old in change.fixed]
        births = {id(finding): number for finding in change.new}
        births |= {id(pair.after): alive[id(pair.before)] for pair in (*change.still, *change.moved)}
        alive, latest = births, current
    return (*ended, *(Traced(finding, alive[id(finding)]) for finding in latest))


def occurrences(findings: Iterable[Finding]) -> list[tuple[Finding, int]]:
    """Number the findings that share a fingerprint, from 0, in the given order."""
    seen: Counter[str] = Counter()
    numbered = []
    for finding in findings:
        name = finding.fingerprint
        numbered.append((finding, seen[name]))
        seen[name] += 1
    return numbered


def sort_key(finding: Finding) -> tuple[int, str, int, str]:
    """Worst first, then by place."""
    place = finding.location
    return finding.severity.rank, place.file, place.line, finding.rule
