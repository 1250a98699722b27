"""C10: a table whose constructor failed is freed."""

from __future__ import annotations

from collections.abc import Iterator

from reviewbot.checks.pgtable.pairing import is_page
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.findings import Finding, Severity

_LEFT = {"return": "returns", "lost": "allocates another one"}


def check(scene: Scene) -> Iterator[Finding]:
    """Report a path that gives up after a failed constructor and keeps the page."""
    done: set[int] = set()
    for end in scene.of("return", "lost"):
        table = end.before
        if (
            table.result != "failed"
            or table.null == "yes"
            or table.freed
            or table.escaped
            or end.detail
            or not is_page(table)
        ):
            continue
        ctor = scene.constructor_of(end)
        if ctor is None or ctor.line in done or _inverted(scene, end.table):
            continue
        done.add(ctor.line)
        yield scene.finding(
            "C10",
            Severity.ERROR,
            end,
            f"When {ctor.name}() fails the function {_LEFT[end.kind]} without freeing the table: the page is leaked.",
            line=ctor.line,
            evidence=(scene.reached(end.line, "returns"),) if end.kind == "return" else (),
        )


def _inverted(scene: Scene, table: str) -> bool:
    """The test is the wrong way round, which is rule C01."""
    ends = scene.ends(table)
    return any(end.before.result == "failed" and end.detail for end in ends)


RULE = Rule(
    "C10",
    "leak-on-ctor-failure",
    Severity.ERROR,
    "The constructor does not free the page when it fails; the caller has to, through the family it allocated from.",
    "all; not where failure stops the machine, and not for pools and boot memory",
    "Documentation/mm/split_page_table_lock.rst",
    "if (!pagetable_pte_ctor(mm, ptdesc))\n\treturn NULL;",
    "if (!pagetable_pte_ctor(mm, ptdesc)) {\n\tpagetable_free(ptdesc);\n\treturn NULL;\n}",
    check,
)
