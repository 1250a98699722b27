"""C06: a constructed table is destroyed before it is freed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.pairing import (
    decided_apart,
    for_kernel,
    frees_by_role,
    kind_given,
    never_constructed,
    siblings,
)
from reviewbot.checks.pgtable.program import allocator
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Evidence, Finding, Location, Severity

#: the kernel's hooks that free a table which vmalloc installed through p?d_alloc()
_HUGE_VMAP = re.compile(r"(?:pud_free_pmd|p4d_free_pud|pmd_free_pte)_page")
#: what belongs to an mm of user space: its tables come from the allocators of each level
_OF_MM = re.compile(r"\bstruct (?:mm_struct|mmu_gather|vm_area_struct|vm_fault)\b")
#: tables that are never constructed: another kernel's, a guest's, a device's, or scratch
_FOR_OTHERS = re.compile(
    r"kexec|hibernat|kasan|kvm|stage2|iommu|trans_pgd|temp|early|vmemmap|hotplug|kernel|efi|pti|espfix"
)


def check(scene: Scene) -> Iterator[Finding]:
    """Report a free of a table that is constructed, on this path or by the allocator that this function belongs to."""
    yield from _never_destroyed(scene)
    done: set[int] = set()
    for step in scene.of("free", "queue"):
        if step.line in done or _reserved(step) or (step.kind == "queue" and not _of_table(scene, step)):
            continue
        reason = (
            _constructed_here(scene, step)
            or _constructed_by_allocator(scene, step)
            or _destroyed_on_other_paths(scene, step)
            or _taken_from_mm(scene, step)
            or _destroyed_by_siblings(scene, step)
        )
        if reason:
            done.add(step.line)
            upper = scene.named_level in ("pud", "p4d", "pgd") and not scene.role[0] and not step.before.ctor
            yield scene.finding("C06", Severity.WARNING if upper else Severity.ERROR, step, reason)


def _never_destroyed(scene: Scene) -> Iterator[Finding]:
    """A free of tables from a pool that never destroys, though the allocator constructs the page that they lie in."""
    made = next((step for step in scene.of("ctor") if step.before.origin == "call"), None)
    if scene.role[1] != "alloc" or made is None:
        return
    for piece in scene.source.pieces:
        if piece.name != f"{scene.role[0]}_free":
            continue
        if any(
            step.kind in ("dtor", "free", "queue") for report in scene.program.reports(piece) for step in report.steps
        ):
            continue
        place = Location(piece.path, piece.line, piece.written, scene.text(piece.line))
        yield Finding(
            "C06",
            Severity.ERROR,
            place,
            f"{piece.name}() never runs a destructor, but {scene.piece.name}() runs {made.name}() at line {made.line}: "
            f"{scene.care(scene.role[0]).lost}.",
            (*made.history, Evidence(place.file, place.line, f"never destroys: {place.text}")),
            piece.condition,
        )


def _of_table(scene: Scene, step: Step) -> bool:
    """Whether what goes to the mmu_gather is a table that was reached by its entries, and nothing will destroy it."""
    walked = re.match(r"load:p(?:md|ud|4d)_(?:offset|pgtable|page_vaddr)\(", step.table) is not None
    return walked and step.name not in scene.facts.queues and step.name in words.CORE_QUEUES


def _reserved(step: Step) -> bool:
    primitive = step.detail.removeprefix("by ") if step.detail.startswith("by ") else step.name
    freer = words.FREERS.get(primitive)
    return freer is not None and not {"pages", "ptdesc"} & set(freer.families)


def _constructed_here(scene: Scene, step: Step) -> str:
    table = step.before
    if not table.live or table.result == "pending" or table.freed or scene.tested_wrong(step):
        return ""
    ctor, made = scene.constructor_of(step), scene.allocation_of(step.table)
    event = ctor or made
    by = f"constructed by {event.name}() at line {event.line}" if event else "constructed by its allocator"
    lost = scene.care(table.ctor, table.mm).lost
    return f"{step.name}() frees a {table.ctor} table that was {by} and not destroyed: {lost}{_remedy(scene, made)}."


def _remedy(scene: Scene, made: Step | None) -> str:
    """Name the free that belongs to the allocator of a table, where there is one that destroys."""
    found = re.fullmatch(r"(p(?:te|md|ud|4d)_)alloc_one(|_kernel)|(pgd_)alloc", made.name) if made else None
    free = f"{found.group(1) or found.group(3)}free{found.group(2) or ''}" if found else ""
    return f"; {free}() destroys and frees it" if free and scene.program.destroys(free, scene.piece.path) else ""


def _constructed_by_allocator(scene: Scene, step: Step) -> str:
    """A table of unknown past: the role of the function says which allocator made it."""
    table = step.before
    if table.ctor or table.destroyed or table.freed or table.family:
        return ""
    for level, maker in _makers(scene, step):
        if not maker.endswith("kernel") or scene.facts.must_construct("pte", scene.architecture, kernel=True):
            lost = scene.care(level, "&init_mm" if maker.endswith("kernel") else "").lost
            return (
                f"{scene.piece.name}() frees the {level} table with {step.name}() without its destructor, "
                f"but {maker}() constructs it: {lost}."
            )
    return _by_file(scene, step)


def _makers(scene: Scene, step: Step) -> Iterator[tuple[str, str]]:
    """The allocators, as (level, name), that made the table if this function does what its name says."""
    path, origin = scene.piece.path, step.before.origin
    if scene.piece.name == "pte_free_kernel" and origin == "param" and _always(scene, "pte_alloc_one_kernel"):
        yield "pte", "pte_alloc_one_kernel"
    if origin == "param" and (scene.role[0] or not any(True for _ in scene.of("dtor"))):
        for level, action in sorted(scene.roles):
            if action in ("free", "tlb") and scene.program.constructs(level, path) is True:
                yield level, allocator(level)
    if origin == "param" and not scene.roles and _destroys_by_name(scene):
        yield scene.named_level, allocator(scene.named_level)
    if step.table.startswith("load:pgtable_trans_huge_withdraw(") and scene.program.constructs("pte", path) is True:
        yield "pte", allocator("pte")
    if _HUGE_VMAP.fullmatch(scene.piece.name) and origin == "load":
        level = step.before.level
        if level == "pte" and _always(scene, "pte_alloc_one_kernel"):
            yield "pte", "pte_alloc_one_kernel"
        elif level != "pte" and scene.program.constructs(level, path) is True:
            yield level, allocator(level)


def _destroys_by_name(scene: Scene) -> bool:
    """``pmd_frag_destroy()``: the end of user tables of one level that are otherwise always constructed."""
    name, level = scene.piece.name, scene.named_level
    if not re.search("destroy|release", name) or re.search("kernel|kasan|kvm|stage2|iommu|vmemmap|early", name):
        return False
    return bool(level) and not any(scene.of("dtor")) and scene.program.constructs(level, scene.piece.path) is True


def _always(scene: Scene, maker: str) -> bool:
    tables = scene.program.made(maker, scene.piece.path)
    return bool(tables) and all(table.ctor for table in tables)


def _destroyed_on_other_paths(scene: Scene, step: Step) -> str:
    """The function destroys such a table before it frees it, but not on this path."""
    table = step.before
    if table.ctor or table.destroyed or table.freed or table.null == "yes":
        return ""
    if table.origin == "alloc" or scene.piece.kind == "macro":
        return ""
    others = [dtor for dtor in scene.of("dtor") if dtor.table == step.table and not dtor.before.freed]
    made = scene.pairing.flagged(scene.piece.path, kernel=True) if table.origin == "param" else None
    if made is not None and made[1] and for_kernel(step) and others:
        lost = scene.care(others[0].level or table.level or scene.named_level).lost
        return (
            f"{scene.piece.name}() frees the kernel's table with {step.name}() without a destructor, but {made[0]}() "
            f"constructs it like any other: {lost}."
        )
    if for_kernel(step) is False and others and all(for_kernel(other) for other in others):
        return (
            f"{scene.piece.name}() frees the table of user space with {step.name}() without a destructor, and runs "
            f"{others[0].name}() at line {others[0].line} on the kernel's instead: the test is the wrong way round."
        )
    if never_constructed(step) is False and others and all(never_constructed(other) for other in others):
        return (
            f"{scene.piece.name}() frees the table with {step.name}() without a destructor, and runs "
            f"{others[0].name}() at line {others[0].line} on those instead that are never constructed: the test is the "
            "wrong way round."
        )
    if kind_given(scene.piece) or not others or any(decided_apart(step, other) for other in others):
        return ""
    lost = scene.care(others[0].level or table.level or scene.named_level).lost
    return (
        f"{scene.piece.name}() frees the table with {step.name}() without the destructor {others[0].name}() that it "
        f"runs on other paths, at line {others[0].line}: {lost}."
    )


def _taken_from_mm(scene: Scene, step: Step) -> str:
    """A table that was taken out of the page tables of an mm, or was to be put there, and is freed as a mere page."""
    table = step.before
    if table.ctor or table.destroyed or table.freed or table.family or kind_given(scene.piece):
        return ""
    if {step.name, step.detail.removeprefix("by ")} & words.REFERENCE:
        return ""  # of a page that an entry maps, and not of a table
    types = " ".join(parameter.type for parameter in scene.piece.parameters)
    if _FOR_OTHERS.search(f"{scene.piece.path} {scene.piece.name}") or not _OF_MM.search(types):
        return ""
    level = _level_of_place(scene, step)
    if level in ("", scene.role[0]) or scene.program.constructs(level, scene.piece.path) is not True:
        return ""
    return (
        f"{scene.piece.name}() frees the {level} table with {step.name}() without its destructor, "
        f"but {allocator(level)}() constructs it: {scene.care(level).lost}."
    )


def _destroyed_by_siblings(scene: Scene, step: Step) -> str:
    """Where all kernel tables are constructed: the same function for another level destroys, and this one does not."""
    table, level = step.before, scene.named_level
    if scene.facts.number != 6 or level not in scene.facts.ctor_levels() or scene.role[0] or any(scene.of("dtor")):
        return ""
    if table.ctor or table.destroyed or table.freed or table.family or table.origin == "alloc":
        return ""
    if not re.search("free|destroy|release|remove", scene.piece.name) or kind_given(scene.piece):
        return ""
    for sibling in siblings(scene.piece, scene.source):
        steps = (other for report in scene.program.reports(sibling) for other in report.steps)
        if frees_by_role(sibling) or any(one.kind == "dtor" and one.before.origin != "alloc" for one in steps):
            return (
                f"{scene.piece.name}() frees the {level} table with {step.name}() without its destructor, which "
                f"{sibling.name}() has run on its tables (line {sibling.line}): {scene.care(level).lost}."
            )
    return ""


def _level_of_place(scene: Scene, step: Step) -> str:
    """The level of a table that an entry pointed to, or that a structure keeps for later (``prealloc_pte``)."""
    if step.before.origin == "load" or (step.before.origin == "param" and not scene.roles):
        return step.before.level
    if element := re.match(r"place:(\w+)\[", step.table):
        return words.level_of_type(scene.type_of(element.group(1)))
    kept = re.match(r"place:\w+(?:->|\.)\w*?(pte|pmd|pud)$|call:(?=(pmd|pud|p4d)_alloc\()", step.table)
    return kept.group(1) or kept.group(2) if kept else ""


def _by_file(scene: Scene, step: Step) -> str:
    """A free for tables that only this file allocates, and always constructs."""
    pairs, name = scene.pairing.file(scene.piece.path), scene.piece.name
    level = step.before.level or scene.named_level
    if not re.search("free|destroy|release", name) or "kernel" in name + step.name or pairs.plain & {level, ""}:
        return ""
    if _HUGE_VMAP.fullmatch(name) or any(True for _ in scene.of("dtor")):
        return ""
    if step.before.origin not in ("param", "load", "place") or (step.before.origin == "place" and not level):
        return ""
    known = level in pairs.constructed if level else bool(pairs.constructed) and "pgtable" in name
    if not known:
        return ""
    which = f"{level} tables" if level else "page tables"
    return (
        f"{name}() frees the table with {step.name}() without its destructor, but this file constructs the {which} "
        f"that it allocates: {scene.care(level).lost}."
    )


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
