"""C02: a table that user space may get has to be constructed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene, guarded_level, is_page
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Finding, Severity

_NOT_USER = re.compile(r"&?(?:init_mm|efi_mm|tboot_mm|text_poke_mm|poking_mm|ioremap_mm)\b.*|NULL|0")


def check(scene: Scene) -> Iterator[Finding]:
    """Report a page that an allocator returns, or that is installed, without its constructor."""
    done: set[int] = set()
    for step in scene.of("return", "install"):
        level = _returned(scene, step) if step.kind == "return" else _installed(scene, step)
        allocation = scene.allocation_of(step.table)
        if not level or allocation is None or allocation.line in done:
            continue
        done.add(allocation.line)
        severity = Severity.ERROR if level == "pte" or _paired(scene, level, step) else Severity.WARNING
        how = "is returned" if step.kind == "return" else "is installed"
        yield scene.finding(
            "C02",
            severity,
            step,
            f"The {level} table allocated here {how} without running its constructor"
            f"{_constructor(scene, level)}: it is not accounted"
            + (" and has no lock." if level in ("pte", "pmd") else "."),
            line=allocation.line,
            evidence=(scene.reached(step.line, "returns" if step.kind == "return" else "installs"),),
        )


def _paired(scene: Scene, level: str, step: Step) -> bool:
    """Say whether the architecture otherwise constructs, or at least destroys, tables of this level."""
    if step.kind == "return":
        return scene.program.destroys(level, scene.piece.path)
    return scene.program.constructs(level, scene.piece.path) is not False


def _constructor(scene: Scene, level: str) -> str:
    names = [hook.name for hook in scene.facts.hooks.values() if hook.constructs and hook.level == level]
    return f" {names[0]}()" if names else ""


def _returned(scene: Scene, step: Step) -> str:
    level, action = scene.role
    table = step.before
    if action != "alloc" or step.detail != "returned" or table.ctor or not is_page(table):
        return ""
    if not scene.facts.must_construct(level, scene.architecture):
        return ""
    if level in ("pte", "pmd"):
        return level
    return level if scene.program.destroys(level, scene.piece.path) else ""


def _installed(scene: Scene, step: Step) -> str:
    table = step.before
    if table.ctor or table.destroyed or not is_page(table) or "kernel" in step.name:
        return ""
    mm = step.arguments[0] if step.arguments else ""
    if _NOT_USER.fullmatch(mm) or "kernel" in scene.piece.name:
        return ""
    level = table.level or guarded_level(step) or step.level
    return level if scene.facts.must_construct(level, scene.architecture) else ""


RULE = Rule(
    "C02",
    "ctor-missing",
    Severity.ERROR,
    "The constructor accounts the page as a page table and, for pte and pmd tables, initialises the split lock that "
    "pte_offset_map_lock() and pmd_lock() take. A table that reaches a user mm without it is locked by garbage, "
    "and its destructor makes the accounting negative.",
    "pte in all; pmd from E2 (E0, E1: where the architecture splits the pmd lock); pud from E4; p4d and pgd from E5",
    "Mike Rapoport <1556810922-20248-10-git-send-email-rppt@linux.ibm.com>; "
    "Alexander Gordeev <20250123160349.200154-1-agordeev@linux.ibm.com>",
    "table = crst_table_alloc(mm);\npgd_populate(mm, pgd, table);",
    "table = crst_table_alloc(mm);\npagetable_p4d_ctor(virt_to_ptdesc(table));\npgd_populate(mm, pgd, table);",
    check,
)
