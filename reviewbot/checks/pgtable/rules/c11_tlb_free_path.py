"""C11: a table that is freed through the mmu_gather is destroyed by exactly one side."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.facts import TLB_H
from reviewbot.checks.pgtable.pairing import named_role
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.findings import Finding, Severity

#: the functions of asm-generic/tlb.h behind every tlb_remove function
_BATCH = ("__tlb_remove_table", "tlb_remove_table")
#: what an architecture puts before them
_HELPER = re.compile(r"\w+_tlb_remove_(?:table|ptdesc)")


def check(scene: Scene) -> Iterator[Finding]:
    """Report a ``__p??_free_tlb`` that passes on a constructed table which nobody will destroy."""
    yield from _batch(scene)
    yield from _helper(scene)
    level, action = scene.role
    if action != "tlb":
        return
    if scene.program.constructs(level, scene.piece.path) is not True or _destroyed_later(scene):
        return
    for step in scene.of("queue"):
        table = step.before
        if table.origin != "param" or table.destroyed or step.name in scene.facts.queues or table.family:
            continue
        yield scene.finding(
            "C11",
            Severity.ERROR,
            step,
            f"{scene.piece.name}() hands the {level} table to {step.name}() without its destructor, and in this tree "
            f"the mmu_gather does not run it: {scene.care(level).lost}.",
        )


def _batch(scene: Scene) -> Iterator[Finding]:
    """From E5 the functions that take a table off the mmu_gather destroy it."""
    if scene.piece.name == "__tlb_remove_table" and scene.facts.number < 5 and scene.architecture:
        yield from _last_chance(scene)
    if scene.facts.number < 5 or scene.piece.name not in _BATCH:
        return
    if scene.piece.path != TLB_H:
        yield from _own_batch(scene)
        return
    for step in scene.of("free", "queue"):
        if step.before.origin == "param" and not step.before.destroyed:
            yield scene.finding(
                "C11",
                Severity.ERROR,
                step,
                f"{scene.piece.name}() gives back the tables of every architecture without their destructor, and no "
                "__p??_free_tlb() runs it in this tree: locks and accounting of all page tables are leaked.",
            )


def _last_chance(scene: Scene) -> Iterator[Finding]:
    """Up to E4: the end of the batch, where a __p??_free_tlb() has queued its tables without their destructor."""
    frees = [step for step in scene.of("free") if step.before.origin == "param" and not step.before.destroyed]
    step = next((step for step in frees if step.name in ("__free_page", "free_page")), next(iter(frees), None))
    if step is None or any(True for _ in scene.of("dtor")):
        return
    for piece in scene.pairing.role_pieces(scene.architecture):
        level, action = named_role(piece.name)
        if action != "tlb" or scene.program.constructs(level, piece.path) is not True:
            continue
        for report in scene.program.reports(piece):
            for queued in report.steps:
                before = queued.before
                if queued.kind == "queue" and before.origin == "param" and not (before.destroyed or before.family):
                    yield scene.finding(
                        "C11",
                        Severity.ERROR,
                        step,
                        f"{scene.piece.name}() gives back tables with {step.name}() without their destructor, but "
                        f"{piece.name}() queues the {level} table without it, too: {scene.care(level).lost}.",
                        evidence=queued.history,
                    )
                    return


def _own_batch(scene: Scene) -> Iterator[Finding]:
    """The same for the function of an architecture that has its own."""
    if any(True for _ in scene.of("dtor")):
        return
    for step in scene.of("free"):
        if step.before.origin == "param" and step.name in words.FREERS and not step.before.destroyed:
            yield scene.finding(
                "C11",
                Severity.ERROR,
                step,
                f"{scene.piece.name}() gives back tables with {step.name}() without their destructor, and in this tree "
                "nothing else runs it on the way through the mmu_gather: locks and accounting are leaked.",
            )


def _helper(scene: Scene) -> Iterator[Finding]:
    """From E5 what an architecture puts before the mmu_gather destroys, where the generic function does not."""
    callers = [piece for piece in scene.pairing.role_pieces(scene.architecture) if scene.piece.name in piece.called]
    named = _HELPER.fullmatch(scene.piece.name) is not None
    if scene.facts.number < 5 or scene.role[0] or not scene.architecture or not (callers or named):
        return
    reports = (report for piece in callers for report in scene.program.reports(piece))
    if any(step.kind == "dtor" and step.name in scene.facts.hooks for report in reports for step in report.steps):
        return
    for step in scene.of("queue"):
        if step.before.origin == "param" and not step.before.destroyed and step.name not in scene.facts.queues:
            yield scene.finding(
                "C11",
                Severity.ERROR,
                step,
                f"{scene.piece.name}() hands the table to {step.name}() without its destructor, and in this tree the "
                "mmu_gather does not run it for that: the table is freed while its lock and its accounting stay.",
            )


def _destroyed_later(scene: Scene) -> bool:
    """Whether the architecture's own __tlb_remove_table() destroys such tables, and no free above pte does before."""
    if scene.role[0] != "pte" and any(
        step.kind == "dtor"
        for piece in scene.pairing.role_pieces(scene.architecture)
        if named_role(piece.name)[1] == "tlb" and named_role(piece.name)[0] not in ("pte", scene.role[0])
        for report in scene.program.reports(piece)
        for step in report.steps
    ):
        return False
    hooks = scene.facts.hooks.values()
    names = [hook.name for hook in hooks if not hook.constructs and hook.level in ("", scene.role[0])]
    return scene.pairing.ends_batch(scene.architecture, names)


RULE = Rule(
    "C11",
    "tlb-free-path",
    Severity.ERROR,
    "Up to E4 the architecture's __p??_free_tlb() runs the destructor before it queues the table; from E5 the generic "
    "code does when the batch is freed, for those tlb_remove functions that say so.",
    "E0 … E4 for all; later for the tlb_remove functions that do not destroy",
    "include/asm-generic/tlb.h; Qi Zheng <cover.1736317725.git.zhengqi.arch@bytedance.com>",
    "#define __pte_free_tlb(tlb, pte, addr)\ttlb_remove_page((tlb), (pte))",
    "#define __pte_free_tlb(tlb, pte, addr)\t\\\ndo {\t\\\n\tpgtable_pte_page_dtor(pte);\t\\\n"
    "\ttlb_remove_page((tlb), (pte));\t\\\n} while (0)",
    check,
)
