"""C22: construct, install, destroy, free: in this order, and nothing after."""

from __future__ import annotations

from collections.abc import Iterator

from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.rules.c21_fragment_tables import shares_page
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Finding, Severity

_VERBS = {
    "ctor": "constructed",
    "dtor": "destroyed",
    "free": "freed",
    "queue": "queued for freeing",
    "install": "installed",
}


def check(scene: Scene) -> Iterator[Finding]:
    """Report what happens to a table after it was freed, and an installation that comes too early."""
    done: set[tuple[int, str]] = set()
    for step in scene.of("ctor", "dtor", "free", "queue", "install", "return"):
        reason = _after_free(step) or _too_early(scene, step)
        if reason and (step.line, step.kind) not in done:
            done.add((step.line, step.kind))
            yield scene.finding(
                "C22", Severity.ERROR, step, reason, evidence=(scene.reached(step.line, step.name or "returns"),)
            )
    yield from _kept(scene)


def _kept(scene: Scene) -> Iterator[Finding]:
    """A destructor that runs before it is known whether the table can go."""
    done: set[int] = set()
    for step in scene.of("dtor"):
        ours = step.before.origin in ("load", "param") and step.name in scene.facts.hooks
        if not ours or step.line in done or step.before.freed or shares_page(scene, step):
            continue
        if (end := scene.kept_after(step)) is not None:
            done.add(step.line)
            yield scene.finding(
                "C22",
                Severity.ERROR,
                step,
                f"{step.name}() destroys the table, but {scene.piece.written}() may still leave it where it is and "
                f"return at line {end.line}: its users take a lock that is gone.",
                evidence=(scene.reached(end.line, "returns"),),
            )


def _after_free(step: Step) -> str:
    table = step.before
    if not table.freed or table.freed in words.REFERENCE:
        return ""
    if step.kind == "return":
        return f"The table is returned after {table.freed}() freed it." if step.detail == "returned" else ""
    if step.kind in ("free", "queue") and step.name == table.freed and table.queued:
        return ""
    return f"The table is {_VERBS[step.kind]} by {step.name}() after {table.freed}() freed it."


def _too_early(scene: Scene, step: Step) -> str:
    table = step.before
    if table.freed:
        return ""
    if step.kind == "ctor" and table.installed and table.origin == "alloc":
        return f"{step.name}() constructs the table after it was installed: a walker may take its lock before."
    if step.kind == "install" and table.result == "failed" and step.table.startswith("alloc:"):
        ctor = scene.constructor_of(step)
        return f"The table is installed by {step.name}() although {ctor.name if ctor else 'its constructor'}() failed."
    return ""


RULE = Rule(
    "C22",
    "ordering",
    Severity.ERROR,
    "A table is constructed before others can reach it and destroyed when nobody can any more. After it was freed its "
    "page belongs to somebody else.",
    "all",
    "arch/unicore32/include/asm/pgalloc.h in 5.0, where pte_alloc_one() returns the page that it freed",
    "if (!pgtable_page_ctor(pte))\n\t__free_page(pte);\nreturn pte;",
    "if (!pgtable_page_ctor(pte)) {\n\t__free_page(pte);\n\treturn NULL;\n}\nreturn pte;",
    check,
)
