"""A finding as plain text."""

from __future__ import annotations

from reviewbot.checks.protocol import Coverage
from reviewbot.findings import Finding


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: 1 file, 2 files."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def text(finding: Finding) -> str:
    """A finding with its place, its steps, its condition and its assumption, several lines."""
    place = finding.location
    lines = [f"{place.file}:{place.line}: {finding.severity.value}: {finding.message} [{finding.rule}]"]
    if place.function:
        lines.append(f"    in {place.function}():  {place.text}")
    lines += [f"    {step.file}:{step.line}: {step.text}" for step in finding.evidence]
    if finding.condition:
        lines.append(f"    when {finding.condition}")
    if finding.assumption:
        lines.append(f"    assuming {finding.assumption}")
    return "\n".join(lines) + "\n"


def summary(found: int, coverage: Coverage) -> str:
    """What was looked at, in one line, so that "nothing found" says where."""
    parts = [f"{counted(found, 'finding') if found else 'nothing found'} in {counted(len(coverage.files), 'file')}"]
    if coverage.functions:
        parts.append(counted(coverage.functions, "function"))
    if coverage.unread:
        parts.append(f"{len(coverage.unread)} not fully read")
    return "; ".join([", ".join(parts), *coverage.facts[:1]])
