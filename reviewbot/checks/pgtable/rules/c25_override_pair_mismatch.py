"""C25: what an architecture overrides and what it leaves to the generic code belong together."""

from __future__ import annotations

from collections.abc import Iterator

from reviewbot.checks.c.source import Piece
from reviewbot.checks.pgtable.rules import c02_ctor_missing, c06_dtor_missing, c09_dtor_unpaired
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Evidence, Finding, Severity


def check(scene: Scene) -> Iterator[Finding]:
    """Report an override whose generic counterpart does not do its part."""
    if not scene.architecture:
        return
    if scene.piece.name == "pte_alloc_one_kernel":
        found = _alloc(scene, "pte", "pte_free_kernel")
    elif scene.piece.name == "pte_free_kernel":
        found = _free(scene, "pte", "pte_alloc_one_kernel")
    elif scene.role[1] == "alloc":
        found = _alloc(scene, scene.role[0], f"{scene.role[0]}_free")
    elif scene.role[1] == "free" and scene.piece.name == f"{scene.role[0]}_free" and scene.role[0] != "pgd":
        found = _free(scene, scene.role[0], f"{scene.role[0]}_alloc_one")
    else:
        return
    yield from found


def _generic(scene: Scene, name: str) -> Piece | None:
    """The counterpart, when this architecture leaves it to the generic code."""
    pieces = scene.program.candidates(name, scene.piece.path)
    return pieces[0] if pieces and not any(piece.path.startswith("arch/") for piece in pieces) else None


def _alloc(scene: Scene, level: str, counterpart: str) -> Iterator[Finding]:
    other = _generic(scene, counterpart)
    made = scene.program.made(scene.piece.name, scene.piece.path)
    if other is None or not made or any(c02_ctor_missing.check(scene)):
        return
    constructs = {bool(table.ctor) for table in made}
    destroys = scene.program.destroys(counterpart, scene.piece.path)
    step = next(scene.of("ctor"), None) or next(scene.of("alloc"), None)
    if step is None:
        return
    if constructs == {True} and not destroys and _frees(scene, counterpart):
        yield _finding(scene, step, other, f"constructs the {level} table", "frees it without a destructor")


def _free(scene: Scene, level: str, counterpart: str) -> Iterator[Finding]:
    other = _generic(scene, counterpart)
    made = scene.program.made(counterpart, scene.piece.path)
    step = next((step for step in scene.of("dtor") if step.before.origin == "param"), None)
    if other is None or not made or step is None or any(table.ctor for table in made):
        return
    if any(c06_dtor_missing.check(scene)) or any(c09_dtor_unpaired.check(scene)):
        return
    yield _finding(scene, step, other, f"destroys the {level} table", "does not construct it")


def _frees(scene: Scene, name: str) -> bool:
    """Whether it is known what a free function does to its table."""
    ends = scene.program.ends_of(name, scene.piece.path)
    return any(effect.freed for end in ends for _, effect in end.effects)


def _finding(scene: Scene, step: Step, other: Piece, here: str, there: str) -> Finding:
    place = Evidence(other.path, other.line, f"generic: {other.written}()")
    return scene.finding(
        "C25",
        Severity.ERROR,
        step,
        f"{scene.architecture} has its own {scene.piece.name}(), which {here}, but {other.name}() is the generic one "
        f"({other.path}:{other.line}), which {there}.",
        evidence=(place,),
    )


RULE = Rule(
    "C25",
    "override-pair-mismatch",
    Severity.ERROR,
    "An architecture may define __HAVE_ARCH_PMD_ALLOC_ONE and leave pmd_free() to include/asm-generic/pgalloc.h, or "
    "the reverse. When only one of the two runs its hook, every table of that "
    "level leaks its lock or makes the accounting negative. A change of the generic header has to be held against "
    "every architecture. Where the side that lacks its hook is the architecture's, C02 and C06 say so.",
    "all; per level and architecture, read from the tree",
    "Huang Pei <20210611021235.2426442-1-huangpei@loongson.cn>; Mike Rapoport <Zb9t7WtFbZofN5WZ@kernel.org>",
    "/* the generic pte_free_kernel() of this tree runs no destructor */\n"
    "pte_t *pte_alloc_one_kernel(struct mm_struct *mm)\n"
    "{\n"
    "\tstruct ptdesc *ptdesc = pagetable_alloc(GFP_PGTABLE_KERNEL, 0);\n"
    "\n"
    "\tif (!ptdesc)\n"
    "\t\treturn NULL;\n"
    "\tif (!pagetable_pte_ctor(ptdesc)) {\n"
    "\t\tpagetable_free(ptdesc);\n"
    "\t\treturn NULL;\n"
    "\t}\n"
    "\treturn ptdesc_address(ptdesc);\n"
    "}",
    "/* the generic pte_free_kernel() of this tree runs no destructor */\n"
    "pte_t *pte_alloc_one_kernel(struct mm_struct *mm)\n"
    "{\n"
    "\treturn (pte_t *)get_zeroed_page(GFP_KERNEL);\n"
    "}",
    check,
)
