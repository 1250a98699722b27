"""C15: the flags of an allocation fit what the table is for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.checks.pgtable.vocabulary import PAGE_FAMILIES
from reviewbot.findings import Finding, Severity

_FLAGS = re.compile(r"\b_{0,2}GFP_\w+")
#: flags that bring memory of the caller's cgroup, zeroed memory, and memory that may have no address
_ACCOUNTED = {"__GFP_ACCOUNT", "GFP_PGTABLE_USER", "GFP_KERNEL_ACCOUNT"}
_ZEROED = {"__GFP_ZERO", "GFP_PGTABLE_USER", "GFP_PGTABLE_KERNEL"}
_HIGH = {"__GFP_HIGHMEM", "GFP_HIGHUSER", "GFP_HIGHUSER_MOVABLE"}
_KNOWN = {*_ACCOUNTED, *_ZEROED, *_HIGH, "GFP_KERNEL", "GFP_ATOMIC", "GFP_NOWAIT", "__GFP_NOWARN", "__GFP_COMP",
          "__GFP_RETRY_MAYFAIL", "__GFP_NORETRY", "__GFP_NOFAIL"}  # fmt: skip
_FILLS = re.compile(r"\b\w*(?:clear|memset|memcpy|copy|init|zero|fill)\w*\s*\(")
_TO_ADDRESS = re.compile(r"\b(?:lowmem_)?(?:page|ptdesc|folio)_address\s*\(|\bptdesc_to_virt\s*\(")


def check(scene: Scene) -> Iterator[Finding]:
    """Report flags of a table's allocation that are written out and do not fit its purpose."""
    if "GFP_PGTABLE_USER" not in scene.facts.declared:
        return
    kernel = scene.piece.name.strip("_").startswith("pte_alloc_one_kernel")
    user = any(action == "alloc" for _, action in scene.roles) and not kernel
    done: set[int] = set()
    for step in scene.of("alloc"):
        flags = set(_FLAGS.findall(step.detail))
        allocator = words.ALLOCATORS.get(step.name)
        if not flags or flags - _KNOWN or _masked(scene, step) or _chosen_before(step.detail, flags):
            continue
        if allocator is None or allocator.family not in PAGE_FAMILIES or step.line in done:
            continue
        reason = _reason(scene, step, flags, user=user, kernel=kernel)
        if reason:
            done.add(step.line)
            yield scene.finding("C15", Severity.WARNING, step, reason)


def _masked(scene: Scene, step: Step) -> bool:
    """Whether the call takes flags away: ``GFP_KERNEL & ~__GFP_HIGHMEM``."""
    start = step.line - scene.piece.body_line
    statement = "\n".join(scene.piece.body.split("\n")[start:]).partition(";")[0]
    return "~" in statement


def _chosen_before(detail: str, flags: set[str]) -> bool:
    """Whether a variable takes part in the flags, so that the call does not show them all."""
    part = next((part for part in detail.split(", ") if _FLAGS.search(part)), "")
    return bool(set(re.findall(r"[A-Za-z_]\w*", part)) - flags)


def _reason(scene: Scene, step: Step, flags: set[str], *, user: bool, kernel: bool) -> str:
    said = " | ".join(sorted(flags))
    if flags & _HIGH and _TO_ADDRESS.search(scene.piece.body):
        return f"{step.name}() may return highmem ({said}), which has no address, but its address is taken here."
    if user and not flags & _ACCOUNTED and not _asks_for_init_mm(scene):
        return f"{step.name}() with {said} does not charge the user table to its cgroup; GFP_PGTABLE_USER does."
    if kernel and flags & _ACCOUNTED:
        return f"{step.name}() with {said} charges a kernel table to the current cgroup; GFP_PGTABLE_KERNEL does not."
    zeroing = flags & _ZEROED or step.name == "get_zeroed_page"
    if (user or kernel) and not zeroing and not _FILLS.search(scene.piece.body):
        return f"{step.name}() with {said} leaves old content in the table, and nothing clears it here."
    return ""


def _asks_for_init_mm(scene: Scene) -> bool:
    return "init_mm" in scene.piece.body


RULE = Rule(
    "C15",
    "gfp-mismatch",
    Severity.WARNING,
    "User tables are charged to the cgroup of their process (GFP_PGTABLE_USER), tables of the kernel are not "
    "(GFP_PGTABLE_KERNEL), a table whose address is taken cannot be in highmem, and an entry that was never cleared "
    "points anywhere. Architectures differ in existing code, so that only what a series changes is reported.",
    "where include/asm-generic/pgalloc.h defines GFP_PGTABLE_USER (E1 and later); in changed lines only",
    "GFP_PGTABLE_USER and GFP_PGTABLE_KERNEL in include/asm-generic/pgalloc.h",
    "pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)\n"
    "{\n"
    "\tstruct ptdesc *ptdesc = pagetable_alloc(GFP_PGTABLE_KERNEL, 0);\n"
    "\n"
    "\tif (!ptdesc)\n"
    "\t\treturn NULL;\n"
    "\tif (!pagetable_pmd_ctor(ptdesc)) {\n"
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
    "\tif (!pagetable_pmd_ctor(ptdesc)) {\n"
    "\t\tpagetable_free(ptdesc);\n"
    "\t\treturn NULL;\n"
    "\t}\n"
    "\treturn ptdesc_address(ptdesc);\n"
    "}",
    check,
    changed_only=True,
)
