"""The rules as pages and answers show them; they stand in the code of the checks, not in rows."""

from __future__ import annotations

from dataclasses import dataclass

from reviewbot.checks.pgtable.rules import RULES
from threads.models import FindingLife, Series

#: series of one rule on its page
EXAMPLES = 30


@dataclass(frozen=True, slots=True)
class RulePage:
    """One rule: what it says, why, since when, and who said so."""

    code: str
    title: str
    severity: str
    rationale: str
    epochs: str = ""
    source: str = ""
    bad: str = ""
    good: str = ""


def all_rules() -> list[RulePage]:
    """Return the rules of all checks, by name (no query)."""
    return [
        RulePage(
            rule.code,
            rule.name.replace("-", " "),
            rule.severity.value,
            rule.rationale,
            rule.epochs,
            rule.source,
            rule.bad,
            rule.good,
        )
        for _, rule in sorted(RULES.items())
    ]


def find_rule(name: str) -> RulePage | None:
    """Return a rule by name; what a compiler reports has a page too (no query)."""
    for rule in all_rules():
        if rule.code == name:
            return rule
    compiler, _, option = name.partition(".")
    if compiler not in ("gcc", "clang", "ld", "make") or not option:
        return None
    return RulePage(
        name,
        f"reported by {compiler}",
        "error" if option == "error" else "warning",
        f"The words are the compiler's own; its manual explains {option}. "
        "Only what the base does not report already is told about a series.",
    )


def series_with(name: str) -> list[Series]:
    """Return the newest version of the works in which a rule found something (1 query)."""
    lives = FindingLife.objects.filter(rule=name).values("topic")
    rows = Series.objects.filter(topic__in=lives).select_related("author").order_by("-date")[: EXAMPLES * 3]
    newest: dict[int, Series] = {}
    for row in rows:
        newest.setdefault(row.topic_id, row)
    return list(newest.values())[:EXAMPLES]
