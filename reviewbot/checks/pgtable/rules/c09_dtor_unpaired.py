"""C09: only what was constructed is destroyed."""

from __future__ import annotations

from collections.abc import Iterator

from reviewbot.checks.pgtable.pairing import is_page
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.findings import Finding, Severity


def check(scene: Scene) -> Iterator[Finding]:
    """Report a destructor on a path where the constructor failed or never ran."""
    for step in scene.of("dtor"):
        table = step.before
        if table.destroyed or table.freed:
            continue
        if table.result == "failed":
            ctor = scene.constructor_of(step.table)
            why = f"{ctor.name if ctor else 'its constructor'}() failed on this path"
        elif is_page(table) and not table.ctor:
            why = "no constructor ran since it was allocated"
        elif "stage2" in scene.piece.written and table.origin != "alloc" and not _stage2_constructs(scene):
            why = "stage-2 tables are never constructed"
        else:
            continue
        yield scene.finding(
            "C09",
            Severity.ERROR,
            step,
            f"{step.name}() destroys a table although {why}: it frees a lock that was never allocated and makes the "
            "page-table accounting too low.",
        )


def _stage2_constructs(scene: Scene) -> bool:
    """Whether the hypervisor's code constructs its tables after all."""
    names = [hook.name for hook in scene.facts.hooks.values() if hook.constructs]
    guests = (source for path, source in scene.program.sources.items() if "kvm" in path or "stage2" in path)
    return any(name in source.text for source in guests for name in names)


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
