"""C19: the constructor is told the mm that the table is for."""

from __future__ import annotations

from collections.abc import Iterator

from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Finding, Severity

_SWAPPED = ", which is the table: the arguments are swapped"


def check(scene: Scene) -> Iterator[Finding]:
    """Report &init_mm for a user table, NULL where an mm is at hand, and swapped arguments."""
    mm = next((p.name for p in scene.piece.parameters if "mm_struct" in p.type), "")
    for step in scene.of("ctor"):
        hook = scene.facts.hooks.get(step.name)
        if hook is None or hook.mm < 0 or hook.mm >= len(step.arguments):
            continue
        given = step.arguments[hook.mm]
        severity, reason = _reason(scene, step, given, mm)
        if not reason and _is_mm(scene, step, hook.table):
            severity, reason = Severity.ERROR, _SWAPPED
        if reason:
            yield scene.finding("C19", severity, step, f"{step.name}() is given {given} as its mm{reason}.")


def _is_mm(scene: Scene, step: Step, table: int) -> bool:
    """Whether what stands where the table should is an mm, or the NULL that stands for none."""
    given = step.arguments[table] if table < len(step.arguments) else ""
    return given in ("&init_mm", "NULL") or "mm_struct" in scene.type_of(given)


def _reason(scene: Scene, step: Step, given: str, mm: str) -> tuple[Severity, str]:
    kind = scene.type_of(given)
    if words.form_of_type(kind) in ("page", "desc", "folio") or given.startswith(("virt_to_", "page_ptdesc(")):
        return Severity.ERROR, _SWAPPED
    if not mm or "kernel" in scene.piece.name or step.detail == "kernel":
        return Severity.NOTE, ""
    if given == "&init_mm" and mm:
        return Severity.ERROR, f" instead of {mm}: the split lock of a user table is then never initialised"
    if given in ("NULL", "0"):
        return Severity.WARNING, f" although {mm} is at hand: NULL is for tables that belong to no mm"
    return Severity.NOTE, ""


RULE = Rule(
    "C19",
    "mm-argument",
    Severity.ERROR,
    "From E6 the constructor initialises the split lock unless the table is for init_mm. With &init_mm a user table is "
    "left without a lock; NULL stands for a table that is associated to no mm.",
    "E6 and later",
    "Kevin Brodsky <20250408095222.860601-2-kevin.brodsky@arm.com>",
    "pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)\n"
    "{\n"
    "\tstruct ptdesc *ptdesc = pagetable_alloc(GFP_PGTABLE_USER, 0);\n"
    "\n"
    "\tif (!ptdesc)\n"
    "\t\treturn NULL;\n"
    "\tif (!pagetable_pmd_ctor(&init_mm, ptdesc)) {\n"
    "\t\tpagetable_free(ptdesc);\n"
    "\t\treturn NULL;\n"
    "\t}\n"
    "\treturn ptdesc_address(ptdesc);\n"
    "}",
    "pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)\n"
    "{\n"
    "\tstruct ptdesc *ptdesc = pagetable_alloc(GFP_PGTABLE_USER, 0);\n"
    "\n"
    "\tif (!ptdesc)\n"
    "\t\treturn NULL;\n"
    "\tif (!pagetable_pmd_ctor(mm, ptdesc)) {\n"
    "\t\tpagetable_free(ptdesc);\n"
    "\t\treturn NULL;\n"
    "\t}\n"
    "\treturn ptdesc_address(ptdesc);\n"
    "}",
    check,
)
