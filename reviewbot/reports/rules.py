"""What the rules are called and where they come from, for the faces that name them."""

from __future__ import annotations

from collections.abc import Iterable

from reviewbot.checks.pgtable.rules import RULES


def full_name(rule: str) -> str:
    """Return a rule with its name, ``C06 dtor-missing``; what has no name of its own stays as it is."""
    known = RULES.get(rule)
    return f"{rule} {known.name}" if known else rule


def source(rule: str) -> str:
    """Return the mails and documents that a rule is taken from, "" when none are known."""
    known = RULES.get(rule)
    return known.source if known else ""


def described(used: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return name and rationale of the rules that have them."""
    return {rule: (RULES[rule].name, RULES[rule].rationale) for rule in dict.fromkeys(used) if rule in RULES}
