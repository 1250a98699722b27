"""The shape of a rule."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reviewbot.checks.pgtable.scene import Scene
from reviewbot.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it says, why, since when, who said so, and how to look for it.

    :ivar code: stable name, ``C01`` … ``C25``.
    :ivar severity: that of most of its findings.
    :ivar rationale: why breaking it is a mistake, in a few sentences.
    :ivar epochs: where it holds.
    :ivar source: Message-IDs and documents it is taken from.
    :ivar check: yields the findings of one function.
    :ivar changed_only: whether it speaks of what a series changes, and never of the code that was there.
    """

    code: str
    name: str
    severity: Severity
    rationale: str
    epochs: str
    source: str
    bad: str
    good: str
    check: Callable[[Scene], Iterator[Finding]]
    changed_only: bool = False

    def page(self) -> str:
        """The rule as a page of plain text, 80 columns wide but for code."""
        parts = [
            f"{self.code} {self.name} ({self.severity.value})",
            textwrap.fill(self.rationale, 80),
            textwrap.fill(f"Holds in: {self.epochs}", 80),
            "Wrong:\n" + _indent(self.bad),
            "Right:\n" + _indent(self.good),
            textwrap.fill(f"Source: {self.source}", 80, break_long_words=False, break_on_hyphens=False),
        ]
        return "\n\n".join(parts) + "\n"


def _indent(text: str) -> str:
    return "\n".join("    " + line for line in text.strip("\n").split("\n"))
