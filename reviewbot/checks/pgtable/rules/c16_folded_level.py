"""C16: a level that may be folded at run time is not freed when it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.c.source import Piece
from reviewbot.checks.pgtable.pairing import named_role
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.findings import Finding, Severity

_TESTS = {
    "pmd": re.compile(r"\bmm_pmd_folded\b"),
    "pud": re.compile(r"\bmm_pud_folded\b|\bpgtable_l4_enabled\b"),
    "p4d": re.compile(r"\bmm_p4d_folded\b|\bpgtable_l5_enabled\b"),
}
_CALLS = re.compile(r"\b(\w+)\s*\(")


def check(scene: Scene) -> Iterator[Finding]:
    """Report a free that does not ask whether the level exists, where its siblings ask."""
    level, action = scene.role
    test = _TESTS.get(level)
    if test is None or action not in ("free", "tlb") or not scene.architecture:
        return
    if scene.piece.written.startswith("___") or _asks(scene, scene.piece, test):
        return
    asking = list(_siblings(scene))
    if any(re.search(rf"\b{scene.piece.written}\s*\(", piece.body) for piece in asking):
        return
    sibling = next(iter(asking), None)
    step = next((step for step in scene.of("dtor", "free", "queue") if step.before.origin == "param"), None)
    if sibling is None or step is None:
        return
    yield scene.finding(
        "C16",
        Severity.ERROR,
        step,
        f"{scene.piece.written}() frees the {level} table without asking whether it is folded, as "
        f"{sibling.written}() does ({sibling.path}:{sibling.line}): a folded level shares the table above it.",
    )


def _siblings(scene: Scene) -> Iterator[Piece]:
    """The functions that ask: the plain free of this level, or the same action for another level.

    The other level says something of this one where it asks mm_p??_folded(), or where the file asks for both levels.
    """
    level, action = scene.role
    here = _TESTS[level].search(scene.source.text) is not None
    for piece in scene.pairing.role_pieces(scene.architecture):
        other, does = named_role(piece.name)
        if piece == scene.piece or other not in _TESTS:
            continue
        same = other == level and does == "free" and _TESTS[level].search(piece.body)
        asks = f"mm_{other}_folded" in piece.body or (here and _TESTS[other].search(piece.body) is not None)
        if same or (other != level and does == action and asks):
            yield piece


def _asks(scene: Scene, piece: Piece, test: re.Pattern[str], depth: int = 0) -> bool:
    if test.search(piece.body):
        return True
    callees = (
        callee for name in set(_CALLS.findall(piece.body)) for callee in scene.program.candidates(name, piece.path)
    )
    return depth < 2 and any(_asks(scene, callee, test, depth + 1) for callee in callees)


RULE = Rule(
    "C16",
    "folded-level",
    Severity.ERROR,
    "Where the number of levels is chosen at run time, a folded level has no table of its own: its pointer is that of "
    "the table above. Freeing or destroying it does so to that table.",
    "all; folding at compile time needs nothing",
    "Martin Schwidefsky, s390 <20191210213221.11921-89-sashal@kernel.org>; "
    "Mark Rutland <20190226151230.GA20230@lakrids.cambridge.arm.com>",
    "static inline void p4d_free(struct mm_struct *mm, p4d_t *p4d)\n{\n\tcrst_table_free(mm, (unsigned long *)p4d);\n}",
    "static inline void p4d_free(struct mm_struct *mm, p4d_t *p4d)\n{\n\tif (!mm_p4d_folded(mm))\n"
    "\t\tcrst_table_free(mm, (unsigned long *)p4d);\n}",
    check,
)
