"""C07: a table is destroyed once."""

from __future__ import annotations

from collections.abc import Iterator

from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.findings import Finding, Severity

#: the core kernel's functions that give back a table which is destroyed
_GIVES_BACK = ("pagetable_free", "pagetable_free_kernel", "__pagetable_free")


def check(scene: Scene) -> Iterator[Finding]:
    """Report a second destructor on one path, also one that the mmu_gather runs."""
    for step in scene.of("dtor", "queue"):
        table = step.before
        if not table.destroyed or table.freed:
            continue
        if step.kind == "dtor":
            message = f"{step.name}() destroys a table that {table.destroyed}() has destroyed before on this path."
        elif step.name in scene.facts.queues:
            message = (
                f"{step.name}() sees to the destructor itself in this tree, but {table.destroyed}() has already "
                "destroyed the table: its lock is freed and its accounting taken back twice."
            )
        elif scene.architecture and scene.pairing.ends_batch(scene.architecture, [table.destroyed]):
            message = (
                f"{step.name}() leads to {scene.architecture}'s __tlb_remove_table(), which runs {table.destroyed}(), "
                "but that has already destroyed the table here: it is destroyed twice."
            )
        else:
            continue
        yield scene.finding("C07", Severity.ERROR, step, message)
    yield from _after_giving_back(scene)


def _after_giving_back(scene: Scene) -> Iterator[Finding]:
    """A destructor in what pagetable_free() does, at once or later: whoever calls it has destroyed the table before."""
    if "pagetable_dtor" not in scene.facts.hooks or not any(piece.name in _GIVES_BACK for piece in scene.source.pieces):
        return
    later = any("work_struct" in parameter.type or "rcu_head" in parameter.type for parameter in scene.piece.parameters)
    if scene.piece.name not in _GIVES_BACK and not later:
        return
    for step in scene.of("dtor"):
        if step.name in scene.facts.hooks and not step.before.ctor and not step.before.destroyed:
            yield scene.finding(
                "C07",
                Severity.ERROR,
                step,
                f"{step.name}() runs where a page table is given back after its destructor, as by "
                "pagetable_dtor_free(): it destroys the table a second time.",
            )


RULE = Rule(
    "C07",
    "dtor-twice",
    Severity.ERROR,
    "A second destructor frees the split lock again and makes NR_PAGETABLE too low. From E5 the generic mmu_gather "
    "code destroys what tlb_remove_ptdesc() and tlb_remove_table() are given, so the architecture must not.",
    "all; which tlb_remove function destroys is read from the tree",
    "Qi Zheng <47f44fff9dc68d9d9e9a0d6c036df275f820598a.1736317725.git.zhengqi.arch@bytedance.com>",
    "pagetable_dtor(ptdesc);\npagetable_dtor_free(ptdesc);",
    "pagetable_dtor_free(ptdesc);",
    check,
)
