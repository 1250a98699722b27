"""The rules as pages and answers show them; they stand in the code of the checks, not in rows."""

from __future__ import annotations

import re
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


#: a diagnostic of the build: the tool, and what it calls the diagnostic
_TOOL = re.compile(r"[a-z][a-z0-9]{1,20}\.[-+=.\w]{1,80}")
_CHARACTERS = (
    RulePage(
        "bidirectional",
        "bidirectional control character",
        "error",
        "A control character reorders the line on the screen, so that a reviewer reads other code than the compiler.",
        "all",
        "Nicholas Boucher and Ross Anderson, Trojan Source (2021), CVE-2021-42574",
    ),
    RulePage(
        "invisible",
        "invisible character",
        "warning",
        "A character without width makes two different names or strings look the same.",
        "all",
        "Unicode Technical Report 36, section 2.10",
    ),
)


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
    ] + list(_CHARACTERS)


def find_rule(name: str) -> RulePage | None:
    """Return a rule by name; what a compiler reports has a page too (no query)."""
    for rule in all_rules():
        if rule.code == name:
            return rule
    if not _TOOL.fullmatch(name):
        return None
    tool, _, option = name.partition(".")
    return RulePage(
        name,
        f"reported by {tool}",
        "error" if option == "error" else "warning",
        f"The words are those of {tool}; its manual explains {option}. "
        "Only what the base does not report already is told about a series.",
    )


def series_with(name: str) -> list[Series]:
    """Return the newest version of the works in which a rule found something (1 query)."""
    lives = FindingLife.objects.filter(rule=name).order_by("-pk").values("topic")[: EXAMPLES * 10]
    rows = Series.objects.filter(topic__in=lives).select_related("author").order_by("-date")[: EXAMPLES * 3]
    newest: dict[int, Series] = {}
    for row in rows:
        newest.setdefault(row.topic_id, row)
    return list(newest.values())[:EXAMPLES]
