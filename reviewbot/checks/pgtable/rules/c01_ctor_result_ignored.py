"""C01: the result of a constructor that can fail must decide whether the table is used."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.callbacks import calls_in
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene, led_to
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Finding, Severity

#: a comment in the function that says why the constructor cannot fail there
_CANNOT_FAIL = re.compile(r"SPLIT_P(?:TE|MD)_PTLOCKS|SPLIT_PTLOCK|can(?:not|'t| not) fail|never fails?", re.IGNORECASE)

_NOT_RUN = (
    "{}() is called in an assertion that is left out without CONFIG_DEBUG_VM: the constructor does not even run then."
)


def check(scene: Scene) -> Iterator[Finding]:
    """Report a result that is dropped, never tested, or tested the wrong way round."""
    done = set(_debug_only(scene))
    for line in sorted(done):
        step = next(step for step in scene.of("ctor") if step.line == line)
        yield scene.finding("C01", Severity.ERROR, step, _NOT_RUN.format(step.name))
    for end in scene.of("return"):
        ctor = scene.constructor_of(end)
        if ctor is None or ctor.line in done:
            continue
        message = _dropped(scene, end, ctor) or _misused(scene, end, ctor)
        if message and not _CANNOT_FAIL.search(_comments(scene)):
            done.add(ctor.line)
            last = scene.reached(end.line, "goes on to")
            yield scene.finding("C01", Severity.ERROR, end, message, line=ctor.line, evidence=(last,))


def _debug_only(scene: Scene) -> Iterator[int]:
    """The lines of constructors that stand in an assertion which most kernels leave out."""
    if scene.piece.called.isdisjoint(words.DEBUG_ONLY):
        return
    lines = {step.line for step in scene.of("ctor")}
    nodes = (node for report in scene.reports if report.graph for node in report.graph.nodes)
    for assertion in (call for node in nodes for call in calls_in(node.expr) if call.callee in words.DEBUG_ONLY):
        for call in calls_in(assertion):
            if call.line in lines and scene.program.constructor(call.callee, scene.piece.path):
                yield call.line


def _comments(scene: Scene) -> str:
    return " ".join(re.findall(r"/\*.*?\*/|//[^\n]*", scene.comments, re.DOTALL))


def _dropped(scene: Scene, end: Step, ctor: Step) -> str:
    table = end.before
    used = table.result == "failed" and not table.freed and end.detail == "returned"
    if (table.result != "pending" or table.delegated) and not (used and _stands_alone(scene, ctor)):
        return ""
    return (
        f"The result of {ctor.name}() is ignored. It fails when the split page-table lock cannot be allocated; "
        "the table is then used without a lock."
    )


def _stands_alone(scene: Scene, ctor: Step) -> bool:
    """Whether the call of a constructor, or of a function around one, is a statement: its result goes nowhere."""
    nodes = (node for report in scene.reports if report.graph for node in report.graph.nodes)
    statements = (node.expr.bare() for node in nodes if node.kind == "eval" and node.expr is not None)
    return any(call.kind == "call" and call.callee == ctor.name and call.line == ctor.line for call in statements)


def _misused(scene: Scene, end: Step, ctor: Step) -> str:
    """The table is handed on although its constructor failed."""
    table = end.before
    if table.result != "failed" or table.freed or end.detail != "returned":
        return ""
    succeeded = [other for other in scene.ends(end.table) if other.before.result == "ok" and led_to(ctor, other)]
    if succeeded and all(other.detail != "returned" for other in succeeded):
        return (
            f"The test of {ctor.name}() is the wrong way round: the table is given up when the constructor succeeds "
            "and used when it fails."
        )
    if not succeeded:
        return (
            f"The test of {ctor.name}() is the wrong way round: nothing returns when the constructor succeeds, and the "
            "table is used when it fails."
        )
    return (
        f"The table is returned although {ctor.name}() failed: its failure is noticed but not handled, "
        "and the caller gets a table without a lock."
    )


RULE = Rule(
    "C01",
    "ctor-result-ignored",
    Severity.ERROR,
    "The pte and pmd constructors return false when the split page-table lock cannot be allocated. The caller has to "
    "free the table and fail (or stop the machine); otherwise the table is used without a lock.",
    "all; pud, p4d and pgd constructors return nothing, and with &init_mm (E6) none can fail",
    "Documentation/mm/split_page_table_lock.rst; Joshua Kinard <370c2578-5032-08d6-9f48-c2f284a9b62d@gentoo.org>",
    "pagetable_pte_ctor(mm, ptdesc);\nreturn ptdesc;",
    "if (!pagetable_pte_ctor(mm, ptdesc)) {\n\tpagetable_free(ptdesc);\n\treturn NULL;\n}\nreturn ptdesc;",
    check,
)
