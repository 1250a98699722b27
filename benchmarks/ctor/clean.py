"""What the checker says about unchanged kernels, held against a table in which each finding was read by a person.

``clean.json`` holds a row for each finding that remains: its fingerprint, where
it is, and a verdict with a reason. Verdicts are ``issue`` (the kernel is wrong
there), ``policy`` (right to mention, and a warning), ``waiver`` (right by
design of that architecture) and ``false`` (the checker is wrong).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.ctor.judge import Bench, one_line
from reviewbot.findings import Finding, occurrences

TABLE = Path(__file__).with_name("clean.json")
VERDICTS = ("issue", "policy", "waiver", "false")


class Row(NamedTuple):
    """One read finding."""

    kernel: str
    rule: str
    file: str
    function: str
    fingerprint: str
    occurrence: int
    verdict: str
    reason: str


@dataclass(frozen=True)
class Clean:
    """The findings of one unchanged kernel, sorted by what a person thought of them."""

    kernel: str
    functions: int
    unread: int
    verdicts: Counter[str]
    unlisted: tuple[Finding, ...]
    gone: tuple[Row, ...]


def load(path: Path = TABLE) -> list[Row]:
    """Read the table.

    :raises ValueError: when a row has a verdict that there is not, or no reason.
    """
    rows = [Row(**row) for row in json.loads(path.read_text())] if path.exists() else []
    for row in rows:
        if row.verdict not in VERDICTS or not row.reason:
            raise ValueError(f"{row.kernel} {row.rule} {row.file}: no such verdict or no reason")
    return rows


def compare(bench: Bench, rows: Sequence[Row]) -> Clean:
    """Check a whole unchanged tree and look each finding up in the table."""
    findings, coverage = bench.coverage()
    known = {(row.fingerprint, row.occurrence): row for row in rows if row.kernel == bench.name}
    verdicts: Counter[str] = Counter()
    unlisted = []
    for finding, number in occurrences(findings):
        row = known.pop((finding.fingerprint, number), None)
        if row is None:
            unlisted.append(finding)
        else:
            verdicts[row.verdict] += 1
    return Clean(bench.name, coverage.functions, len(coverage.unread), verdicts, tuple(unlisted), tuple(known.values()))


def report(clean: Clean) -> str:
    """The result for one kernel as text."""
    told = ", ".join(f"{clean.verdicts[verdict]} {verdict}" for verdict in VERDICTS if clean.verdicts[verdict])
    lines = [
        f"{clean.kernel}: {clean.functions} functions, {clean.unread} not readable; findings: {told or 'none'}"
        + (f", {len(clean.unlisted)} not yet read by anyone" if clean.unlisted else "")
        + (f"; {len(clean.gone)} of the table no longer reported" if clean.gone else "")
    ]
    lines += [f"  unread: {one_line(finding)}" for finding in clean.unlisted]
    return "\n".join(lines)
