"""C06: a constructed table is destroyed before it is freed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Finding, Severity

#: the kernel's hooks that free a table which vmalloc installed through p?d_alloc()
_HUGE_VMAP = re.compile(r"(?:pud_free_pmd|p4d_free_pud|pmd_free_pte)_page")


def check(scene: Scene) -> Iterator[Finding]:
    """Report a free of a table that is constructed, on this path or by the allocator that this function belongs to."""
    done: set[int] = set()
    for step in scene.of("free"):
        if step.line in done or _reserved(step):
            continue
        reason = _constructed_here(scene, step) or _constructed_by_allocator(scene, step)
        if reason:
            done.add(step.line)
            yield scene.finding("C06", Severity.ERROR, step, reason)


def _reserved(step: Step) -> bool:
    primitive = step.detail.rpartition(">")[2] if step.detail.startswith(">") else step.name
    freer = words.FREERS.get(primitive)
    return freer is not None and not {"pages", "ptdesc"} & set(freer.families)


def _constructed_here(scene: Scene, step: Step) -> str:
    table = step.before
    if not table.live or table.result == "pending" or table.freed:
        return ""
    ctor = scene.constructor_of(step.table)
    by = f"constructed by {ctor.name}() at line {ctor.line}" if ctor else "constructed by its allocator"
    return f"{step.name}() frees a {table.ctor} table that was {by} and not destroyed: {_lost(table.ctor)}."


def _lost(level: str) -> str:
    lock = "its split lock is leaked and " if level in ("pte", "pmd") else ""
    return f"{lock}it stays accounted as a page table"


def _constructed_by_allocator(scene: Scene, step: Step) -> str:
    """A table of unknown past: the role of the function says which allocator made it."""
    table = step.before
    if table.ctor or table.destroyed or table.freed or table.family:
        return ""
    level = _expected_level(scene, step)
    if not level or not scene.facts.must_construct(level, scene.architecture):
        return ""
    if scene.program.constructs(level, scene.piece.path) is not True:
        return ""
    maker = "pgd_alloc" if level == "pgd" else f"{level}_alloc_one"
    return (
        f"{scene.piece.name}() frees the {level} table with {step.name}() without its destructor, "
        f"but {maker}() constructs it: {_lost(level)}."
    )


def _expected_level(scene: Scene, step: Step) -> str:
    level, action = scene.role
    if action in ("free", "tlb") and step.before.origin == "param":
        return level
    if _HUGE_VMAP.fullmatch(scene.piece.name) and step.before.origin == "load":
        return step.before.level if step.before.level != "pte" else ""
    return ""


RULE = Rule(
    "C06",
    "dtor-missing",
    Severity.ERROR,
    "The destructor frees the split lock, takes the page out of the accounting and clears its page-table mark. A "
    "constructed table that is freed without it leaks the lock and leaves NR_PAGETABLE too high, and nothing says so "
    "at run time.",
    "all; kernel pte tables only in E6",
    "Dan Williams <160697689204.605323.17629854984697045602.stgit@dwillia2-desk3.amr.corp.intel.com> (d1c5246e08eb); "
    "Alistair Popple <20260521032730.2104017-1-apopple@nvidia.com>",
    "pmd_clear_all(pmd);\nfree_page((unsigned long)pmd);",
    "pagetable_pmd_dtor(virt_to_ptdesc(pmd));\nfree_page((unsigned long)pmd);",
    check,
)
