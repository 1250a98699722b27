"""C20: the constructor does the accounting."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step, Table
from reviewbot.findings import Finding, Severity

_BY_HAND = re.compile(r"\bNR_PAGETABLE\b|\b__folio_set_pgtable\s*\(|\b__SetPageTable\s*\(")


def check(scene: Scene) -> Iterator[Finding]:
    """Report accounting by hand in a function that also runs a constructor."""
    ctor = next((step for step in scene.of("ctor") if step.name in scene.facts.hooks), None)
    if ctor is None:
        return
    for match in _BY_HAND.finditer(scene.piece.body):
        line = scene.piece.body_line + scene.piece.body.count("\n", 0, match.start())
        step = Step("account", line, "", "", "", Table(), (*ctor.history, scene.reached(line, "accounts")))
        yield scene.finding(
            "C20",
            Severity.WARNING,
            step,
            f"The page is accounted as a page table by hand, but {ctor.name}() at line {ctor.line} does that already.",
        )


RULE = Rule(
    "C20",
    "double-accounting",
    Severity.WARNING,
    "The constructor marks the page as a page table and counts it in NR_PAGETABLE. Doing so again by hand counts it "
    "twice. mm_inc_nr_ptes() and its kin are the mm's own bookkeeping and something else.",
    "from E2 (pte: all)",
    "pagetable_pte_ctor() in include/linux/mm.h",
    "pagetable_pte_ctor(mm, pt);\ninc_lruvec_page_state(page, NR_PAGETABLE);",
    "pagetable_pte_ctor(mm, pt);",
    check,
)
