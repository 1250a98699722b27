"""C17: whoever loses the race to install a table frees it."""

from __future__ import annotations

from collections.abc import Iterator

from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.findings import Finding, Severity


def check(scene: Scene) -> Iterator[Finding]:
    """Report a path on which a constructed table is neither installed nor freed, while another installs it."""
    installed = {step.table for step in scene.of("install")}
    done: set[str] = set()
    for end in scene.of("return"):
        table = end.before
        if end.table not in installed or end.table in done or not table.live or table.result == "failed":
            continue
        kept = table.installed or table.escaped or table.freed or end.detail
        allocation = scene.allocation_of(end.table)
        if kept or table.null == "yes" or allocation is None:
            continue
        done.add(end.table)
        yield scene.finding(
            "C17",
            Severity.ERROR,
            end,
            f"The {table.ctor} table allocated here is installed on one path, but on another it is neither installed "
            f"nor freed: when somebody else was first it has to go to {table.ctor}_free().",
            line=allocation.line,
            evidence=(scene.reached(end.line, "leaves without it"),),
        )


RULE = Rule(
    "C17",
    "lost-race",
    Severity.ERROR,
    "Tables are allocated before the lock is taken. The loser of the race has to free its own with the level's "
    "p??_free(), which destroys it, and must not leak it.",
    "all",
    "__pmd_alloc() and __pte_alloc() in mm/memory.c",
    "if (!pud_present(*pud))\n\tpud_populate(mm, pud, new);",
    "if (!pud_present(*pud))\n\tpud_populate(mm, pud, new);\nelse\n\tpmd_free(mm, new);",
    check,
)
