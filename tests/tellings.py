"""What the checks would have told about the invented sources: findings, cells, and the diffs they stand in."""

from __future__ import annotations

import difflib
from typing import Any

from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.reports.facts import Cell, Life, State, Told
from tests.sources import AFTER, BEFORE, MMU, PGALLOC


def diff_of(patch: int) -> str:
    """Return the diff of patch 1..3 of the invented series."""
    text = ""
    for path, states in ((MMU, AFTER), (PGALLOC, {})):
        before, after = states.get(patch - 1, BEFORE.get(path, "")), states.get(patch, "")
        if not after or before == after:
            continue
        lines = difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}", n=4
        )
        text += f"diff --git a/{path} b/{path}\nindex 1f2e3d4c5b6a..6a5b4c3d2e1f 100644\n" + "".join(lines)
    return text


def line_of(text: str, needle: str) -> int:
    """Return the number of the first line that holds a string, from 1."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if needle in line)


def place(text: str, needle: str, function: str, path: str = MMU) -> Location:
    """Return the location of a source line of the invented files."""
    number = line_of(text, needle)
    return Location(path, number, function, text.splitlines()[number - 1])


def excerpt(text: str, number: int, around: int = 3) -> tuple[tuple[int, str], ...]:
    """Return the numbered lines around a line."""
    lines = text.splitlines()
    first = max(1, number - around)
    return tuple((at, lines[at - 1]) for at in range(first, min(len(lines), number + around) + 1))


def ignored_result(state: int = 2) -> Finding:
    """Return the finding that stays through both versions."""
    text = AFTER[state]
    at = place(text, "pagetable_pte_ctor(ptdesc);", "late_pgtable_alloc")
    return Finding(
        rule="C01",
        severity=Severity.ERROR,
        location=at,
        message="late_pgtable_alloc() ignores the result of pagetable_pte_ctor(), which fails when the split "
        "page-table lock cannot be allocated; the caller then gets a table without a lock.",
        evidence=(
            Evidence(MMU, line_of(text, "pagetable_alloc(GFP"), "the table is allocated here"),
            Evidence(MMU, at.line, "the result of the constructor is dropped"),
            Evidence(MMU, line_of(text, "return __pa"), "and the table is returned on the failed path too"),
        ),
        assumption="",
        condition="ALLOC_SPLIT_PTLOCKS",
    )


def missing_dtor() -> Finding:
    """Return the finding that version 2 brings."""
    text = AFTER[3]
    at = place(text, "pagetable_free(ptdesc);", "late_pgtable_free")
    return Finding(
        rule="C06",
        severity=Severity.ERROR,
        location=at,
        message="late_pgtable_free() frees a table that late_pgtable_alloc() constructed, without "
        "pagetable_pte_dtor(): its lock leaks and NR_PAGETABLE stays too high.",
        evidence=(
            Evidence(MMU, line_of(text, "pagetable_pte_ctor(ptdesc);"), "constructed here"),
            Evidence(MMU, at.line, "freed here; no destructor on the way"),
        ),
    )


def unused_variable() -> Finding:
    """Return the compiler's warning that patch 2 brings and patch 3 takes away."""
    at = place(AFTER[2], "int order", "late_pgtable_alloc")
    return Finding("gcc.-Wunused-variable", Severity.WARNING, at, "unused variable 'order'")


def old_free() -> Finding:
    """Return a finding of the base in a function that the series touches."""
    at = place(BEFORE[MMU], "free_pages((unsigned long)page_address(page), 0);", "free_hotplug_page")
    return Finding(
        "C06",
        Severity.WARNING,
        at,
        "free_hotplug_page() frees page tables without a destructor.",
        (Evidence(MMU, at.line, "freed here"),),
    )


def told(finding: Finding, life: Life = Life.NEW, **fields: Any) -> Told:
    """Return a finding as the report tells it."""
    text = AFTER[3] if life is not Life.PRE_EXISTING else BEFORE[MMU]
    values: dict[str, Any] = {"patch": 2, "check": "pgtable", "since": 2, **fields}
    values.setdefault("code", excerpt(text, finding.location.line))
    return Told(finding=finding, life=life, **values)


def cells(patches: int = 3) -> tuple[Cell, ...]:
    """Return the matrix of the invented series, base first."""
    rows: list[Cell] = []
    for number in range(patches + 1):
        new = {2: 1, 3: 1}.get(number, 0)
        state = State.FAILED if new else State.PASSED
        summary = f"{new} new finding" if new else "nothing new" if number else "1 finding, pre-existing"
        rows.append(Cell(number, "pgtable", "", State.PASSED if not number else state, summary, new, 0, 0.41))
        rows.append(Cell(number, "characters", "", State.PASSED, "nothing found", 0, 0, 0.02))
        warned = number == 2
        rows.append(
            Cell(
                number,
                "build",
                "defconfig",
                State.WARNED if warned else State.PASSED,
                "1 new warning" if warned else "built 2 objects",
                int(warned),
                0,
                7.3,
            )
        )
        rows.append(Cell(number, "build", "defconfig-16k", State.SKIPPED, "switched off by the operator"))
    return tuple(rows)
