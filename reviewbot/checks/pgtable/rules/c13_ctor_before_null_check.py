"""C13: the allocation is tested before the constructor gets it."""

from __future__ import annotations

from collections.abc import Iterator

from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.findings import Finding, Severity


def check(scene: Scene) -> Iterator[Finding]:
    """Report a constructor that may be given NULL."""
    for step in scene.of("ctor"):
        if step.before.origin == "alloc" and step.before.null in ("maybe", "yes"):
            allocation = scene.allocation_of(step.table)
            made = f"{allocation.name}() at line {allocation.line}" if allocation else "its allocator"
            yield scene.finding(
                "C13",
                Severity.ERROR,
                step,
                f"{step.name}() is called before the result of {made} is tested: without memory it is given NULL."
                if step.before.null == "maybe"
                else f"{step.name}() is also called when {made} returned NULL.",
            )


RULE = Rule(
    "C13",
    "ctor-before-null-check",
    Severity.ERROR,
    "The constructor writes to the descriptor of the table. When the allocation failed there is none.",
    "all",
    "pagetable_pte_ctor() in include/linux/mm.h",
    "ptdesc = pagetable_alloc(gfp, 0);\n"
    "if (!pagetable_pte_ctor(mm, ptdesc)) {\n"
    "\tpagetable_free(ptdesc);\n"
    "\treturn NULL;\n"
    "}",
    "ptdesc = pagetable_alloc(gfp, 0);\n"
    "if (!ptdesc)\n"
    "\treturn NULL;\n"
    "if (!pagetable_pte_ctor(mm, ptdesc)) {\n"
    "\tpagetable_free(ptdesc);\n"
    "\treturn NULL;\n"
    "}",
    check,
)
