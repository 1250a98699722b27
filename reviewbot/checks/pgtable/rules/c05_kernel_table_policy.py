"""C05: whether the kernel's own tables are constructed depends on the tree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.pairing import is_page
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Finding, Severity

#: what is built while booting, or for another kernel, is never freed as a page table
_BOOT = re.compile(r"\b__(?:init|meminit|ref|head)\b")
_FOR_OTHERS = re.compile(r"kasan|kexec|hibernat|resume|early|boot|crash|kvm|trans_pgd|fixmap|vmemmap|spare")
#: the epoch in which kernel tables of every level are constructed
_CONSTRUCTED = 6


def check(scene: Scene) -> Iterator[Finding]:
    """Report a table that is installed for init_mm against the policy of the tree."""
    if _BOOT.search(scene.piece.result) or _FOR_OTHERS.search(f"{scene.piece.path} {scene.piece.name}"):
        return
    done: set[int] = set()
    for step in scene.of("install"):
        if not step.arguments or step.arguments[0] != "&init_mm" or not is_page(step.before):
            continue
        made = scene.allocation_of(step.table)
        if made is None or made.line in done or _may_be_boot_memory(scene, made):
            continue
        reason = _missing(scene, step) if scene.facts.number == _CONSTRUCTED else _needless(scene, step)
        if reason:
            done.add(made.line)
            installed = scene.reached(step.line, "installs")
            yield scene.finding("C05", Severity.WARNING, step, reason, line=made.line, evidence=(installed,))


def _may_be_boot_memory(scene: Scene, made: Step) -> bool:
    """Whether the allocator also hands out memory that cannot be constructed: it serves tables that stay."""
    families = {table.family for table in scene.program.made(made.name, scene.piece.path)}
    return bool(families - set(words.PAGE_FAMILIES))


def _missing(scene: Scene, step: Step) -> str:
    table, level = step.before, step.before.level or step.level
    if table.ctor or table.destroyed or level not in scene.facts.ctor_levels():
        return ""
    return (
        f"The {level} table allocated here is installed for init_mm by {step.name}() without its constructor, "
        "but this tree constructs and accounts kernel tables of every level."
    )


def _needless(scene: Scene, step: Step) -> str:
    """Before E6 ``pte_free_kernel()`` runs no destructor, so that a constructed kernel pte table leaks its lock."""
    if scene.facts.number > _CONSTRUCTED or not step.before.live or step.before.ctor != "pte":
        return ""
    path = scene.piece.path
    paired = {"pte", ""} & scene.pairing.file(path).destroyed or scene.program.destroys("pte_free_kernel", path)
    if paired:
        return ""
    return (
        f"The pte table allocated here is constructed and installed for init_mm by {step.name}(), but this tree frees "
        "kernel pte tables without a destructor: its split lock is leaked then."
    )


RULE = Rule(
    "C05",
    "kernel-table-policy",
    Severity.WARNING,
    "Tables of init_mm need no split lock. Up to E5 constructing them is not required, and pte_free_kernel() does not "
    "destroy them; in E6 every kernel table is constructed, with &init_mm as its mm, and destroyed when it is freed; "
    "E7 gives that up again. Tables that are built while booting and never freed are left alone.",
    "E0 … E5: pte tables of init_mm are not constructed; E6: tables of init_mm are constructed at every level",
    "Yu Zhao <20190312005749.30166-2-yuzhao@google.com>; Kevin Brodsky "
    "<20250408095222.860601-2-kevin.brodsky@arm.com>, <20260714-remove_pgtable_cdtor-v1-13-44be8a7685d7@arm.com>",
    "/* in E6 */\npt = pagetable_alloc(GFP_KERNEL, 0);\nif (!pt)\n\treturn -ENOMEM;\n"
    "pmd_populate_kernel(&init_mm, pmd, ptdesc_address(pt));",
    "pte = pte_alloc_one_kernel(&init_mm);\nif (!pte)\n\treturn -ENOMEM;\npmd_populate_kernel(&init_mm, pmd, pte);",
    check,
)
