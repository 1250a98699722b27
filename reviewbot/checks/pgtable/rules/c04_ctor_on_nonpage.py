"""C04: only whole pages can be constructed."""

from __future__ import annotations

from collections.abc import Iterator

from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.findings import Finding, Severity

_NAMES = {
    "slab": "a slab cache",
    "vmalloc": "vmalloc()",
    "boot": "the boot-time allocator",
    "percpu": "the per-CPU allocator",
    "pool": "a pool",
}


def check(scene: Scene) -> Iterator[Finding]:
    """Report a constructor or destructor that runs on memory that is not the table's own page."""
    for step in scene.of("ctor", "dtor"):
        family, where = step.before.family, "on this path"
        if (
            not family
            and step.name in scene.facts.hooks
            and scene.role[1] in ("free", "tlb")
            and step.before.origin == "param"
        ):
            family, where = _allocated(scene), f"by {scene.role[0]}_alloc_one()"
        if family in _NAMES:
            what = "the constructor" if step.kind == "ctor" else "the destructor"
            yield scene.finding(
                "C04",
                Severity.ERROR,
                step,
                f"{step.name}() runs {what} on memory that was allocated {where} from {_NAMES[family]}: its struct "
                f"page is not the table's own, so {scene.care(step.level).overwritten}.",
            )


def _allocated(scene: Scene) -> str:
    families = scene.program.families(scene.role[0], scene.piece.path)
    return families.pop() if len(families) == 1 else ""


RULE = Rule(
    "C04",
    "ctor-on-nonpage",
    Severity.ERROR,
    "\"You can't put a spinlock in the struct page if the page is allocated through slab. Slab uses basically all of "
    'struct page for its own purposes." The same holds for the destructor.',
    "all; an architecture may allocate small tables from a slab cache, but then without constructor",
    "Matthew Wilcox <20190220122418.GE12668@bombadil.infradead.org>; "
    "Peter Zijlstra <20191204133454.GW2844@hirez.programming.kicks-ass.net>",
    "pmd = kmem_cache_alloc(pmd_cachep, GFP_KERNEL);\n"
    "if (pmd && !pgtable_pmd_page_ctor(virt_to_page(pmd))) {\n"
    "\tkmem_cache_free(pmd_cachep, pmd);\n"
    "\treturn NULL;\n"
    "}\n"
    "return pmd;",
    "page = alloc_page(GFP_PGTABLE_USER);\n"
    "if (page && !pgtable_pmd_page_ctor(page)) {\n"
    "\t__free_page(page);\n"
    "\treturn NULL;\n"
    "}\n"
    "return page ? page_address(page) : NULL;",
    check,
)
