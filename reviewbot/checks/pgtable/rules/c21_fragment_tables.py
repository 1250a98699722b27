"""C21: where several tables share a page, the first user constructs it and the last one destroys it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable.pairing import is_page
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Finding, Severity

#: counting the tables that live in a page
_COUNTS = re.compile(
    r"\b(?:page_ref_(?:inc|dec|add|sub)_(?:return|and_test)|atomic_(?:inc|dec|add|sub)_(?:return|and_test)|"
    r"atomic_xor_bits|put_page_testzero)\s*\("
)


def check(scene: Scene) -> Iterator[Finding]:
    """Report a constructor or destructor that does not count, where its counterpart in the same file does."""
    if counted := _COUNTS.search(scene.piece.body):
        yield from _before_count(scene, scene.piece.body_line + scene.piece.body.count("\n", 0, counted.start()))
        return
    yield from _before_last(scene)
    if _counted_by_caller(scene):
        return
    for step in scene.of("ctor", "dtor"):
        hook = scene.facts.hooks.get(step.name)
        fresh = is_page(step.before) or (step.kind == "ctor" and step.before.origin == "param")
        if hook is None or fresh or step.before.ctor or step.before.destroyed:
            continue
        partner = _counting_partner(scene, not hook.constructs, hook.level)
        if partner:
            which = "the first table of a page" if hook.constructs else "the last table of a page"
            yield scene.finding(
                "C21",
                Severity.ERROR,
                step,
                f"{step.name}() runs for every table, but {partner}() counts the tables that share a page: it has to "
                f"run for {which} only.",
            )


def _before_count(scene: Scene, counted: int) -> Iterator[Finding]:
    """A destructor that runs before it is known whether the table was the last one of its page."""
    for step in scene.of("dtor"):
        if step.line < counted and not is_page(step.before) and not step.before.destroyed:
            yield scene.finding(
                "C21",
                Severity.ERROR,
                step,
                f"{step.name}() runs before the tables that share the page are counted at line {counted}: it has to "
                "run for the last table of a page only.",
            )


def shares_page(scene: Scene, step: Step) -> bool:
    """Whether the page is counted, or found by the address of one table in it: there may be others."""
    if _COUNTS.search(scene.piece.body):
        return True
    return step.before.origin == "param" and re.search(r"&\s*PAGE_MASK\b", scene.piece.body) is not None


def _before_last(scene: Scene) -> Iterator[Finding]:
    """A destructor on a path that keeps the page, since other tables in it are in use."""
    done: set[int] = set()
    for step in scene.of("dtor"):
        if step.line in done or step.name not in scene.facts.hooks or not shares_page(scene, step):
            continue
        if (end := scene.kept_after(step)) is not None:
            done.add(step.line)
            yield scene.finding(
                "C21",
                Severity.ERROR,
                step,
                f"{step.name}() runs for every table, but the page is kept for the other tables in it when "
                f"{scene.piece.written}() returns at line {end.line}: it has to run for the last table of a page only.",
                evidence=(scene.reached(end.line, "returns"),),
            )


def _counted_by_caller(scene: Scene) -> bool:
    """Whether this is a part of a function that counts."""
    name = scene.piece.name
    return any(name in piece.called and _COUNTS.search(piece.body) for piece in scene.source.pieces)


def _counting_partner(scene: Scene, constructs: bool, level: str) -> str:
    for piece in scene.source.pieces:
        for name in re.findall(r"\b(\w+)\s*\(", piece.body) if _COUNTS.search(piece.body) else ():
            hook = scene.facts.hooks.get(name)
            if hook and hook.constructs == constructs and (hook.level == level or not hook.level or not level):
                return piece.written
    return ""


RULE = Rule(
    "C21",
    "fragment-tables",
    Severity.ERROR,
    "A page that holds several tables has one lock and is accounted once. It is constructed for the first table and "
    "destroyed after the last; the count of tables is kept in the page's reference count.",
    "all; sparc32, powerpc, m68k, and s390 before 6.x",
    "Will Deacon <20200526173302.377-4-will@kernel.org>",
    "if (!pgtable_pte_page_ctor(page))\n\treturn NULL;",
    "if (page_ref_inc_return(page) == 2 && !pgtable_pte_page_ctor(page)) {\n\tpage_ref_dec(page);\n\tptep = NULL;\n}",
    check,
)
