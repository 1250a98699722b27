"""C08: a table is constructed once."""

from __future__ import annotations

from collections.abc import Iterator

from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.findings import Finding, Severity


def check(scene: Scene) -> Iterator[Finding]:
    """Report a constructor on a table that is constructed already, in this function or by what it calls."""
    for step in scene.of("ctor"):
        table = step.before
        if table.ctor and table.result != "failed" and not table.destroyed and not table.freed:
            yield scene.finding(
                "C08",
                Severity.ERROR,
                step,
                f"{step.name}() constructs a table whose {table.ctor} constructor has run before on this path: "
                f"{(scene.care(table.ctor, table.mm) & scene.care(step.level)).twice}.",
            )


RULE = Rule(
    "C08",
    "ctor-twice",
    Severity.ERROR,
    "A second constructor initialises a lock that may be held, leaks a lock that was allocated, and accounts the page "
    "twice. It happens where the allocator that is called constructs already, and where a switch falls through.",
    "all",
    "ptlock_init() in include/linux/mm.h: VM_BUG_ON_PAGE() on a page whose lock is in use",
    "switch (level) {\n"
    "case PGTABLE_LEVEL_PTE:\n"
    "\tBUG_ON(!pagetable_pte_ctor(mm, pt));\n"
    "case PGTABLE_LEVEL_PMD:\n"
    "\tBUG_ON(!pagetable_pmd_ctor(mm, pt));\n"
    "\tbreak;\n"
    "}",
    "switch (level) {\n"
    "case PGTABLE_LEVEL_PTE:\n"
    "\tBUG_ON(!pagetable_pte_ctor(mm, pt));\n"
    "\tbreak;\n"
    "case PGTABLE_LEVEL_PMD:\n"
    "\tBUG_ON(!pagetable_pmd_ctor(mm, pt));\n"
    "\tbreak;\n"
    "}",
    check,
)
