"""C12: where each level has its own destructor, it is the one of the table's level."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable.pairing import chosen_at_run_time, excluded_levels, guarded_level
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Finding, Severity


def check(scene: Scene) -> Iterator[Finding]:
    """Report a destructor of another level than the table's."""
    for step in scene.of("dtor"):
        hook = scene.facts.hooks.get(step.name)
        if hook is None or not hook.level or step.before.destroyed:
            continue
        if hook.level in excluded_levels(step) and not guarded_level(step):
            yield scene.finding(
                "C12",
                Severity.ERROR,
                step,
                f"{step.name}() is the destructor of {hook.level} tables, but it runs where the table is none.",
            )
            continue
        actual = _level(scene, step)
        if actual and actual != hook.level:
            yield scene.finding(
                "C12",
                Severity.ERROR,
                step,
                f"{step.name}() is the destructor of {hook.level} tables, but the table is a {actual}.",
            )


def _level(scene: Scene, step: Step) -> str:
    table = step.before
    if table.ctor in ("pte", "pmd", "pud", "p4d", "pgd"):
        return table.ctor
    if level := guarded_level(step):
        return level
    if chosen_at_run_time(step):
        return ""
    level, action = scene.role
    if action in ("free", "tlb") and table.origin == "param":
        return level
    if table.origin in ("load", "param") and table.level not in ("", "pgd"):
        return table.level
    inherited = {level for level, does in scene.roles if does in ("free", "tlb")}
    if len(inherited) == 1 and len(scene.roles) <= 2:
        return inherited.pop()
    return scene.named_level if re.search("free|destroy", scene.piece.name) else ""


RULE = Rule(
    "C12",
    "dtor-wrong-level",
    Severity.ERROR,
    "The destructors of E0 … E4 differ: that of the pmd also checks pmd_huge_pte, that of the pud has no lock to free.",
    "E0 … E4; later one destructor serves all levels",
    'Heiko Carstens <20250124092917.19507-A-hca@linux.ibm.com> on the accepted exception: "ctor and dtor functions '
    'might be called for different levels for the same page table. As of now this is ok"',
    "static inline void pmd_free(struct mm_struct *mm, pmd_t *pmd)\n"
    "{\n"
    "\tstruct ptdesc *ptdesc = virt_to_ptdesc(pmd);\n"
    "\n"
    "\tpagetable_pte_dtor(ptdesc);\n"
    "\tpagetable_free(ptdesc);\n"
    "}",
    "static inline void pmd_free(struct mm_struct *mm, pmd_t *pmd)\n"
    "{\n"
    "\tstruct ptdesc *ptdesc = virt_to_ptdesc(pmd);\n"
    "\n"
    "\tpagetable_pmd_dtor(ptdesc);\n"
    "\tpagetable_free(ptdesc);\n"
    "}",
    check,
)
