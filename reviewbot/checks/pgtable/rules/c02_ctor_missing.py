"""C02: a table that user space may get has to be constructed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.pairing import decided_apart, for_kernel, guarded_level, is_page, named_role, siblings
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Evidence, Finding, Location, Severity

_NOT_USER = re.compile(r"&?(?:init_mm|efi_mm|tboot_mm|text_poke_mm|poking_mm|ioremap_mm)\b.*|NULL|0")


#: tables that are never constructed: another kernel's, a guest's, a device's, or scratch
_FOR_OTHERS = re.compile(r"kexec|hibernat|kasan|kvm|stage2|iommu|trans_pgd|temp|early")


def check(scene: Scene) -> Iterator[Finding]:
    """Report a page that an allocator returns, or that is installed, without its constructor."""
    if _FOR_OTHERS.search(scene.piece.name):
        return
    yield from _never_constructed(scene)
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
            f"{_constructor(scene, level)}: {scene.care(level).missing}.",
            line=allocation.line,
            evidence=(scene.reached(step.line, "returns" if step.kind == "return" else "installs"),),
        )


def _never_constructed(scene: Scene) -> Iterator[Finding]:
    """An allocator of tables from a pool that never constructs, though the free in the same file destroys."""
    level, action = scene.role
    if action != "alloc" or any(step.kind == "ctor" or is_page(step.before) for step in scene.steps):
        return
    if not scene.facts.must_construct(level, scene.architecture) or _leads_to_constructor(scene):
        return
    for piece in scene.source.pieces:
        steps = [step for report in scene.program.reports(piece) for step in report.steps]
        dtor = next((step for step in steps if step.kind == "dtor" and step.name in scene.facts.hooks), None)
        if piece.name == f"{level}_free" and dtor is not None:
            place = Location(scene.piece.path, scene.piece.line, scene.piece.written, scene.text(scene.piece.line))
            yield Finding(
                "C02",
                Severity.ERROR,
                place,
                f"{scene.piece.name}() never runs a constructor{_constructor(scene, level)}, but {piece.name}() runs "
                f"{dtor.name}() at line {dtor.line}: {scene.care(level).unpaired}.",
                (Evidence(place.file, place.line, f"never constructs: {place.text}"), *dtor.history),
                scene.piece.condition,
            )


def _leads_to_constructor(scene: Scene) -> bool:
    """Whether a function calls, itself or through functions that can be seen, a constructor or what cannot be seen."""
    constructors = {hook.name for hook in scene.facts.hooks.values() if hook.constructs}
    waiting, seen = [scene.piece], {scene.piece}
    while waiting:
        piece = waiting.pop()
        if piece.called & constructors:
            return True
        for name in piece.called - words.CONVERSIONS.keys() - words.ALLOCATORS.keys():
            found = scene.program.candidates(name, piece.path)
            if not found and "alloc" in name:
                return True
            found = [other for other in found if other.static] or found  # another one is for another configuration
            waiting += (other for other in found if other not in seen)
            seen.update(found)
    return False


def _paired(scene: Scene, level: str, step: Step) -> bool:
    """Say whether the architecture otherwise constructs, or at least destroys, tables of this level."""
    if step.kind == "return":
        pairs = scene.pairing.file(scene.piece.path)
        return level in pairs.destroyed or scene.program.level_destroyed(level, scene.piece.path)
    return scene.program.constructs(level, scene.piece.path) is not False


def _constructor(scene: Scene, level: str) -> str:
    names = [hook.name for hook in scene.facts.hooks.values() if hook.constructs and hook.level == level]
    return f" {names[0]}()" if names else ""


def _returned(scene: Scene, step: Step) -> str:
    table = step.before
    if table.ctor or not is_page(table) or table.freed or table.null == "yes":
        return ""
    if step.detail == "returned":
        return (
            _by_flag(scene, step)
            or _by_role(scene, step)
            or _kernel(scene, step)
            or _by_choice(scene, step)
            or _by_file(scene)
            or _by_installer(scene)
            or _by_siblings(scene)
        )
    return _by_file(scene) or _by_siblings(scene) if table.escaped and not table.installed else ""


def _forwards(scene: Scene, step: Step) -> bool:
    """Whether the table comes from a function with the same role, where the finding is made."""
    made = scene.allocation_of(step.table)
    return made is not None and any(
        {named_role(piece.name)} == scene.roles or scene.pairing.inherited(piece) == scene.roles
        for piece in scene.program.candidates(made.name, scene.piece.path)
    )


def _by_role(scene: Scene, step: Step) -> str:
    """``pmd_alloc_one()`` itself, or what it forwards to when that never constructs."""
    if _forwards(scene, step):
        return ""
    if not scene.role[0] and any(
        other.before.ctor and decided_apart(step, other) for other in scene.of("return") if other.detail == "returned"
    ):
        return ""
    for level in (level for level, action in sorted(scene.roles) if action == "alloc"):
        if len(scene.roles) > 1 and not scene.role[0]:
            continue
        if scene.facts.must_construct(level, scene.architecture) and (
            level in ("pte", "pmd") or scene.program.level_destroyed(level, scene.piece.path)
        ):
            return level
    return ""


def _by_flag(scene: Scene, step: Step) -> str:
    """The path for user tables, where the one for the kernel's constructs."""
    if for_kernel(step) is not False:
        return ""
    return next((ctor.level for ctor in scene.of("ctor") if for_kernel(ctor)), "")


def _by_installer(scene: Scene) -> str:
    """A function that is handed on as an allocator: for any mm, or where the kernel's tables are constructed, too."""
    name, path = scene.piece.name, scene.piece.path
    levels = scene.program.callback_levels(name, path) & scene.facts.ctor_levels()
    if not levels or _leads_to_constructor(scene):
        return ""
    handed = {step.line for step in scene.program.callback_evidence(name, path) if step.text.startswith("hands on")}
    for_any = any(
        piece.line <= line <= piece.last_line and any("mm_struct" in parameter.type for parameter in piece.parameters)
        for piece in scene.source.pieces
        for line in handed
    )
    if scene.facts.number != 6 and not (for_any and "pte" in levels):
        return ""
    return min(levels, key=words.LEVELS.index)


def _kernel(scene: Scene, step: Step) -> str:
    """``pte_alloc_one_kernel()``, in a tree that constructs kernel tables or whose pte_free_kernel() destroys."""
    if scene.piece.name.lstrip("_") != "pte_alloc_one_kernel":
        return ""
    made = scene.allocation_of(step.table)
    if made is not None and made.name == "__pte_alloc_one_kernel":
        return ""
    wanted = scene.facts.must_construct("pte", scene.architecture, kernel=True)
    return "pte" if wanted or scene.program.destroys("pte_free_kernel", scene.piece.path) else ""


def _by_choice(scene: Scene, step: Step) -> str:
    """One arm of a choice between levels, where other arms construct."""
    level = guarded_level(step)
    for_kernel = any(truth and text.endswith(" == &init_mm") for text, truth in step.known) or any(
        parameter.name == "kernel" for parameter in scene.piece.parameters
    )
    if for_kernel and scene.facts.number == 6 and any(True for _ in scene.of("ctor")):
        return "kernel"
    if not level:
        return _other_level(scene, step)
    others = any(guarded_level(other) not in ("", level) for other in scene.of("ctor"))
    return level if level and others and scene.facts.must_construct(level, scene.architecture) else ""


def _other_level(scene: Scene, step: Step) -> str:
    """The path for none of the levels that are named: the one that is left of those that the function serves."""
    served = {level for level, action in scene.roles if action == "alloc"}
    named = {words.level_of_constant(text.partition(" == ")[2]) for text, truth in step.known if not truth}
    left = served - named
    if len(left) != 1 or not named & served or not any(guarded_level(other) for other in scene.of("ctor")):
        return ""
    level = left.pop()
    wanted = scene.facts.must_construct(level, scene.architecture)
    return level if wanted and scene.program.level_destroyed(level, scene.piece.path) else ""


def _by_file(scene: Scene) -> str:
    """An allocator that is named after a level, whose tables are destroyed by another function of the file."""
    level, pairs = scene.named_level, scene.pairing.file(scene.piece.path)
    if not level or "kernel" in scene.piece.name or not scene.facts.must_construct(level, scene.architecture):
        return ""
    if any(True for _ in scene.of("ctor")):
        return ""
    if level in pairs.destroyed and level not in pairs.constructed:
        return level
    siblings = scene.facts.number == 6 and pairs.constructed - {level} and level not in pairs.constructed
    return level if siblings and pairs.destroyed and "late" in scene.piece.name else ""


def _by_siblings(scene: Scene) -> str:
    """Where all kernel tables are constructed: the same function for another level makes such, this one does not."""
    level = scene.named_level
    if scene.facts.number != 6 or level not in scene.facts.ctor_levels() or "alloc" not in scene.piece.name:
        return ""
    for sibling in siblings(scene.piece, scene.source):
        steps = (step for report in scene.program.reports(sibling) for step in report.steps)
        if any((step.kind == "alloc" and step.before.live) or step.kind == "ctor" for step in steps):
            return level
    return ""


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
