"""What an author is told of a range of commits, before it is posted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reviewbot.checks.commits import Range
from reviewbot.checks.plain import counted, text
from reviewbot.checks.protocol import Check, Coverage
from reviewbot.checks.sarif import sarif
from reviewbot.checks.series import SeriesFindings, check_series
from reviewbot.checks.waivers import Waiver
from reviewbot.findings import Finding, Severity, Traced

#: what becomes of a finding in a series, worst first
LIVES = ("new", "transient", "pre-existing", "fixed")
_BASELINE = {"new": "new", "transient": "new", "pre-existing": "unchanged", "fixed": "absent"}


@dataclass(frozen=True, slots=True)
class Checked:
    """One check over a range."""

    check: Check
    result: SeriesFindings

    def lives(self, life: str) -> tuple[Traced, ...]:
        """The findings with a life of :data:`LIVES`."""
        found = self.result
        return {
            "new": found.new, "transient": found.transient, "pre-existing": found.preexisting, "fixed": found.fixed,
        }[life]  # fmt: skip

    @property
    def coverage(self) -> Coverage:
        """What was looked at in the last state."""
        return self.result.coverage[-1]


def check_range(checks: Sequence[Check], commits: Range, waivers: Sequence[Waiver] = ()) -> list[Checked]:
    """Run checks over the base and every commit of a range.

    :raises reviewbot.errors.ReviewError: when a check cannot run.
    """
    states, touched = commits.states(), commits.touched()
    return [Checked(check, check_series(check, states, touched, waivers=waivers)) for check in checks]


def told(checked: Sequence[Checked]) -> list[Finding]:
    """The findings that the range makes, also those that a later commit of it mends."""
    return [life.finding for one in checked for name in LIVES[:2] for life in one.lives(name)]


def as_text(checked: Sequence[Checked], commits: Range) -> str:
    """The range in words: each finding under the commit that makes it, then what it mends and leaves."""
    blocks = []
    for life in LIVES:
        for one in checked:
            blocks += [f"{_headline(traced, life, commits)}\n{text(traced.finding)}" for traced in one.lives(life)]
    return "\n".join(blocks)


def _headline(traced: Traced, life: str, commits: Range) -> str:
    if life == "pre-existing":
        return "There before, in a function that these patches touch:"
    if life == "fixed":
        return f"Fixed by {_name(traced.gone, commits)}:"
    if life == "transient":
        return (
            f"Made by {_name(traced.born, commits)} and mended by {_name(traced.gone, commits)}, "
            "so that a bisection may stop between them:"
        )
    return f"New in {_name(traced.born, commits)}:"


def _name(number: int, commits: Range) -> str:
    patch = commits.patches[number - 1]
    return f"patch {number}/{len(commits.patches)} ({patch.commit[:12]} {patch.subject})"


def as_json(checked: Sequence[Checked], commits: Range) -> str:
    """The range as one JSON object; its findings have the fields of a finding and their life."""
    findings = [
        {**traced.finding.as_dict(), **_properties(traced, life, commits), "check": one.check.name}
        for life in LIVES
        for one in checked
        for traced in one.lives(life)
    ]
    patches = [{"commit": patch.commit, "subject": patch.subject} for patch in commits.patches]
    return json.dumps({"base": commits.base, "patches": patches, "findings": findings}, indent=1)


def as_sarif(checked: Sequence[Checked], commits: Range, rules: dict[str, tuple[str, str]]) -> str:
    """The range as SARIF; ``baselineState`` compares with the base."""
    stated = [(traced, life) for life in LIVES for one in checked for traced in one.lives(life)]
    log = sarif([traced.finding for traced, _ in stated], tool="reviewbot.checks", rules=rules)
    for result, (traced, life) in zip(log["runs"][0]["results"], stated, strict=True):
        result["baselineState"] = _BASELINE[life]
        result.setdefault("properties", {}).update(_properties(traced, life, commits))
    return json.dumps(log, indent=1)


def _properties(traced: Traced, life: str, commits: Range) -> dict[str, Any]:
    known: dict[str, Any] = {"life": life, "patch": traced.born, "goneByPatch": traced.gone}
    if traced.born:
        known["commit"] = commits.patches[traced.born - 1].commit
    return known


def worst(findings: Sequence[Finding]) -> Severity | None:
    """The worst severity, None when there is no finding."""
    return min((finding.severity for finding in findings), key=lambda severity: severity.rank, default=None)


def summary(checked: Sequence[Checked], commits: Range) -> str:
    """One line: how much was found, and what was looked at."""
    found = told(checked)
    looked = ", ".join(f"{one.check.name} {counted(len(one.coverage.files), 'file')}" for one in checked)
    what = f"{counted(len(found), 'new finding')}" if found else "nothing new found"
    return f"{what} in {counted(len(commits.patches), 'patch', 'patches')} (looked at: {looked})"
