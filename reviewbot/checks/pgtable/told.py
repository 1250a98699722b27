"""What of a check's findings is told: each mistake once, where it is made, with one condition."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace

from reviewbot.findings import Finding


def merged(findings: list[Finding]) -> list[Finding]:
    """Make one finding of those that differ in their condition alone, and sort by line."""
    groups: dict[tuple[str, int], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.rule, finding.location.line].append(finding)
    one_each = [
        replace(group[0], condition=either(finding.condition for finding in group)) for group in groups.values()
    ]
    return sorted(one_each, key=lambda finding: (finding.location.line, finding.rule))


def where_made(findings: list[Finding], macros: Collection[tuple[str, str]] = ()) -> list[Finding]:
    """Tell a mistake in a function once, and not of those who call it, too: they are findings by its line alone.

    :param macros: (file, name) of macros that are no function of their own: one that a single function uses is part
        of it, and the mistake is told there.
    """
    places: defaultdict[tuple[str, str, int], list[Finding]] = defaultdict(list)
    for finding in findings:
        places[finding.rule, finding.location.file, finding.location.line].append(finding)
    callers: defaultdict[int, list[Finding]] = defaultdict(list)  # id of a finding -> those that come of it
    for finding in findings:
        for step in finding.evidence:
            for cause in places.get((finding.rule, step.file, step.line), ()):
                if _comes_of(finding, cause) and finding not in callers[id(cause)]:
                    callers[id(cause)].append(finding)
    dropped: set[int] = set()
    for cause in findings:
        users = callers[id(cause)]
        inlined = _function(cause) in macros and len({_function(user) for user in users}) == 1
        dropped |= {id(cause)} if inlined else {id(user) for user in users}
    return [finding for finding in findings if id(finding) not in dropped]


def _comes_of(finding: Finding, cause: Finding) -> bool:
    """Whether a finding is that of a caller: it names the line of another function's, no less grave, and not back."""
    own = finding.location.file, finding.location.line
    return (
        _function(cause) != _function(finding)
        and cause.severity.rank <= finding.severity.rank
        and all((step.file, step.line) != own for step in cause.evidence)
    )


def _function(finding: Finding) -> tuple[str, str]:
    return finding.location.file, finding.location.function


def either(conditions: Iterable[str]) -> str:
    """Join preprocessor conditions by "or", as briefly as is plain: of ``A && B`` and ``A && !B`` that is ``A``."""
    texts = list(dict.fromkeys(conditions))
    if len(texts) == 1 or "" in texts:
        return texts[0] if len(texts) == 1 else ""
    if any("(" in text.replace("defined(", "") or "||" in text for text in texts):
        return " || ".join(texts)
    kept = [frozenset(text.split(" && ")) for text in texts]
    while (shorter := _shorter(kept)) != kept:
        kept = shorter
    order = {part: number for number, part in enumerate(part for text in texts for part in text.split(" && "))}
    return " || ".join(" && ".join(sorted(parts, key=lambda part: order[part])) for parts in kept)


def _shorter(kept: list[frozenset[str]]) -> list[frozenset[str]]:
    """Make one of two that differ in one part which the one denies; drop what says more than another one."""
    for one, other in itertools.combinations(kept, 2):
        left, right = one - other, other - one
        if not left or not right:
            return [parts for parts in kept if parts != (one if left else other)]
        if len(left) == len(right) == 1 and _denies(*left, *right):
            return [one & other if parts == one else parts for parts in kept if parts != other]
    return kept


def _denies(part: str, other: str) -> bool:
    return part == f"!{other}" or other == f"!{part}"
