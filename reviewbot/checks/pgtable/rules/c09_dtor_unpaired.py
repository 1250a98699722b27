"""C09: only what was constructed is destroyed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable.pairing import chosen_at_run_time, for_kernel, is_page
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.checks.pgtable.vocabulary import PAGE_FAMILIES
from reviewbot.findings import Finding, Severity

#: where the tables of guests are
_STAGE2 = re.compile(r"stage2|/kvm/|\bkvm_")


def check(scene: Scene) -> Iterator[Finding]:
    """Report a destructor on a path where the constructor failed or never ran."""
    for step in scene.of("dtor"):
        table = step.before
        if table.destroyed or table.freed:
            continue
        if table.result == "failed":
            ctor = scene.constructor_of(step)
            why = f"{ctor.name if ctor else 'its constructor'}() failed on this path"
        elif is_page(table) and not table.ctor:
            made = scene.allocation_of(step.table)
            why = "no constructor ran since " + (f"{made.name}() allocated it" if made else "it was allocated")
        elif table.origin == "param" and (maker := _plain_maker(scene)):
            why = f"{maker}() hands out such tables without a constructor"
        elif table.origin != "alloc" and _for_guests(scene, step):
            why = "stage-2 tables are never constructed"
        elif root := _unconstructed_root(scene, step):
            why = root
        elif flagged := _kernel_only(scene, step):
            why = f"{flagged}() does not construct the tables of the kernel"
        else:
            continue
        yield scene.finding(
            "C09",
            Severity.ERROR,
            step,
            f"{step.name}(){_place(scene, step)} destroys a table although {why}: "
            f"{scene.care(step.level or table.level or scene.named_level).unpaired}.",
        )


def _place(scene: Scene, step: Step) -> str:
    """Where the destructor stands, when it is in a function that is called."""
    inside = [evidence for evidence in step.history if evidence.text.startswith("destroys:")][:-1]
    own = scene.piece.path, step.line
    return next((f" ({one.file}:{one.line})" for one in reversed(inside) if (one.file, one.line) != own), "")


def _plain_maker(scene: Scene) -> str:
    """The function of the same file that makes what this one frees, by its name, when it never constructs."""
    maker = scene.piece.name.replace("free", "alloc")
    if scene.roles or maker == scene.piece.name or all(piece.name != maker for piece in scene.source.pieces):
        return ""
    made = scene.program.made(maker, scene.piece.path)
    return maker if made and all(table.family in PAGE_FAMILIES and not table.ctor for table in made) else ""


def _for_guests(scene: Scene, step: Step) -> bool:
    """Whether this is the hypervisor's code, which constructs no tables and does not get them from p??_alloc()."""
    own = step.name in scene.facts.hooks and _STAGE2.search(f"{scene.piece.path} {scene.piece.written}")
    if not own and "stage2" not in scene.piece.written:
        return False
    names = [hook.name for hook in scene.facts.hooks.values() if hook.constructs]
    guests = (source for path, source in scene.program.sources.items() if "kvm" in path or "stage2" in path)
    return not any(name in source.text for source in guests for name in names)


def _unconstructed_root(scene: Scene, step: Step) -> str:
    """The top level of an address space, which is constructed as a lower one only where that is folded into it."""
    hook = scene.facts.hooks.get(step.name)
    if hook is None or hook.level in ("", "pgd") or not re.fullmatch(r"place:(?:\w+\.)*mm\.pgd", step.table):
        return ""
    makers = scene.program.candidates("pgd_alloc", scene.piece.path)
    steps = (made for piece in makers for report in scene.program.reports(piece) for made in report.steps)
    constructed = [made for made in steps if made.kind == "ctor"]
    if not makers or chosen_at_run_time(step) or not all(chosen_at_run_time(made) for made in constructed):
        return ""
    where = " unless the level is folded, which is not asked here" if constructed else ""
    return f"it is the top level, which pgd_alloc() does not construct as a {hook.level}{where}"


def _kernel_only(scene: Scene, step: Step) -> str:
    """The allocator that leaves the kernel's tables plain, where this path destroys those too."""
    if step.before.origin != "param" or all(parameter.name != "kernel" for parameter in scene.piece.parameters):
        return ""
    made = scene.pairing.flagged(scene.piece.path, kernel=True)
    return made[0] if made is not None and not made[1] and for_kernel(step) is not False else ""


RULE = Rule(
    "C09",
    "dtor-unpaired",
    Severity.ERROR,
    "A destructor without its constructor frees a lock that is not there and takes a page out of the accounting that "
    "was never in it. Typical places are the failure path of the constructor, boot tables and tables that never belong "
    "to an mm.",
    "all",
    "Anshuman Khandual <1552397145-10665-1-git-send-email-anshuman.khandual@arm.com>",
    "if (!pagetable_pte_ctor(mm, pt)) {\n\tpagetable_dtor_free(pt);\n\treturn NULL;\n}",
    "if (!pagetable_pte_ctor(mm, pt)) {\n\tpagetable_free(pt);\n\treturn NULL;\n}",
    check,
)
