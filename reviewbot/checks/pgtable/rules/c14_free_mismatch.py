"""C14: a table goes back to the allocator it came from, at the size it was."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.c.source import Piece
from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.program import allocator
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Finding, Severity

#: whose memory a destructor may have run on
_PAGES = {"pages", "ptdesc", "boot"}
_ONE_PAGE = ("__free_page", "free_page")


def check(scene: Scene) -> Iterator[Finding]:
    """Report a free by another family than the allocation, or of another order."""
    for step in scene.of("free"):
        freer = words.FREERS.get(step.name)
        if freer is None or step.before.freed:
            continue
        reason = ""
        families = {step.before.family} if step.before.family else _families(scene, step)
        if families and families.isdisjoint(freer.families):
            reason = f"{step.name}() frees memory that was allocated from another allocator ({', '.join(families)})"
        elif step.before.destroyed and not _PAGES & set(freer.families) and (not families or _PAGES & families):
            reason = f"{step.name}() frees a table that {step.before.destroyed}() destroyed, and so is a page"
        elif pool := _from_pool(scene, step):
            reason = f"{step.name}() gives the table to the page allocator, but it was taken from elsewhere: {pool}"
        elif order := _order_differs(scene, step):
            reason = f"{step.name}() frees one page of an allocation of order {order}"
        if reason:
            yield scene.finding("C14", Severity.ERROR, step, reason + ".")


def _boot(name: str) -> bool:
    freer = words.FREERS.get(name)
    return freer is not None and "boot" in freer.families


def _families(scene: Scene, step: Step) -> set[str]:
    """The allocators that the function's role stands against; empty where one of them is not known."""
    if step.before.origin != "param" or {action for _, action in scene.roles} - {"free", "tlb"}:
        return set()
    primitives = {other.name for other in scene.of("free") if not _boot(other.name)}
    if _boot(step.name) or len(primitives) > 1:
        return set()
    found = [scene.program.families(level, scene.piece.path) for level, _ in scene.roles]
    families = set().union(*found)
    return families if all(found) and "" not in families else set()


def _from_pool(scene: Scene, step: Step) -> str:
    """A table of an allocator whose own free gives no page back, as where tables come from a pool of boot memory."""
    found = re.match(r"call:(p(?:te|md|ud|4d)_alloc_one(?:_kernel)?)\(", step.table)
    free = found.group(1).replace("alloc_one", "free") if found else ""
    pieces = scene.program.candidates(free, scene.piece.path) if free else []
    if found is None or all(_gives_back(scene, piece) for piece in pieces):
        return ""
    return f"{free}() is the counterpart of {found.group(1)}()"


def _gives_back(scene: Scene, piece: Piece) -> bool:
    """Whether a free function gives its argument back to an allocator that is known, on any path."""
    ends = (end for report in scene.program.reports(piece) for end in report.outcomes)
    return any(effect.freed for end in ends for _, effect in end.effects)


def _order_differs(scene: Scene, step: Step) -> str:
    """The order of the allocation, when it is known to be more than 0 and a single page is freed."""
    level, action = scene.role
    orders = {step.before.order} if step.before.family == "pages" else set()
    if action == "free" and step.before.origin == "param":
        makers = (allocator(level), f"__{level}_alloc") if scene.piece.name.startswith("__") else (allocator(level),)
        orders = {table.order for maker in makers for table in scene.program.made(maker, scene.piece.path)}
    if step.name not in _ONE_PAGE or len(orders) != 1:
        return ""
    order = orders.pop()
    if scene.piece.name == f"__{level}_free" and _chosen_by_caller(scene, level, order):
        return f"{order}, which the caller of __{level}_alloc() chooses"
    if called := re.fullmatch(r"(\w+)\(\)", order):
        pieces = scene.program.candidates(called.group(1), scene.piece.path)
        return order if any(re.search(r"\breturn [1-9]\d*;", piece.body) for piece in pieces) else ""
    values = {order, *scene.program.values(order, scene.piece.path)}
    return order if any(re.fullmatch(r"[1-9]\d*", value) for value in values) else ""


def _chosen_by_caller(scene: Scene, level: str, order: str) -> bool:
    makers = scene.program.candidates(f"__{level}_alloc", scene.piece.path)
    return any(parameter.name == order for maker in makers for parameter in maker.parameters)


RULE = Rule(
    "C14",
    "free-mismatch",
    Severity.ERROR,
    "Memory from a pool, from the boot allocator or of a higher order must go back the same way: to the buddy "
    "allocator as a single page it is lost, or corrupts the free lists.",
    "all; pagetable_free() takes any order",
    "Will Deacon <20200526173302.377-2-will@kernel.org>; <20220310113116.2068859-1-yaliang.wang@windriver.com>",
    "pgd_t *pgd = (pgd_t *)__get_free_pages(GFP_KERNEL, 1);\n"
    "\n"
    "if (pgd && pgd_prepare(pgd)) {\n"
    "\tfree_page((unsigned long)pgd);\n"
    "\treturn NULL;\n"
    "}\n"
    "return pgd;",
    "pgd_t *pgd = (pgd_t *)__get_free_pages(GFP_KERNEL, 1);\n"
    "\n"
    "if (pgd && pgd_prepare(pgd)) {\n"
    "\tfree_pages((unsigned long)pgd, 1);\n"
    "\treturn NULL;\n"
    "}\n"
    "return pgd;",
    check,
)
