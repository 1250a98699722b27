"""Reports about the series in tests/corpus/minikernel.mbox, as the service gathers them; pure, without rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.mail.diff import parse_diff
from reviewbot.mail.mbox import split_mbox
from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message
from reviewbot.reports.facts import (
    BaseFacts,
    Cell,
    Life,
    PatchFacts,
    Reject,
    Remark,
    Reproduce,
    Said,
    SeriesReport,
    State,
    Told,
    Verdict,
    VersionFacts,
)

MBOX = Path(__file__).parents[1] / "corpus" / "minikernel.mbox"
PAGEATTR = "arch/arm64/mm/pageattr.c"
MAKE = "make O=../build ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-"
SITE = "https://review.example.org"
NAME = "arm64: mm: split blocks of the linear map"
SUBJECTS = (
    "arm64: mm: give late page tables an allocator",
    "arm64: mm: split PMD blocks of the linear map",
    "arm64: mm: split PUD blocks of the linear map",
)
V1, V2 = "20260302090000.7001-{}-mara@example.org", "20260309090000.7002-{}-mara@example.org"
DATES = {1: datetime(2026, 3, 2, 9, 0, tzinfo=UTC), 2: datetime(2026, 3, 9, 9, 0, tzinfo=UTC)}


def mails() -> dict[str, Message]:
    """Return every mail of the discussion by its Message-ID."""
    with MBOX.open("rb") as stream:
        parsed = [parse_message(raw) for raw in split_mbox(stream)]
    return {mail.message_id: mail for mail in parsed}


def ignored_result(line: int = 31) -> Finding:
    """Return what is wrong with patch 2 of v1; the reviewer has said so."""
    return Finding(
        "C01",
        Severity.ERROR,
        Location(PAGEATTR, line, "split_pmd", "\tpagetable_pte_ctor(first);"),
        "split_pmd() ignores the result of pagetable_pte_ctor(), which fails when the split page-table lock "
        "cannot be allocated; the table is then used without a lock.",
        (
            Evidence(PAGEATTR, 27, "the table is allocated"),
            Evidence(PAGEATTR, 31, "the result of the constructor is dropped"),
            Evidence(PAGEATTR, 52, "and the table is installed whether it failed or not"),
        ),
    )


def missing_dtor(line: int = 83) -> Finding:
    """Return what is wrong with patch 3 of both versions; nobody has said so."""
    return Finding(
        "C06",
        Severity.ERROR,
        Location(PAGEATTR, line, "split_pud", "\t\tpagetable_free(ptdesc);"),
        "split_pud() frees a table that was constructed without running pagetable_pmd_dtor(): its lock is "
        "leaked and the page stays counted as a page table.",
        (
            Evidence(PAGEATTR, line - 12, "the table is allocated"),
            Evidence(PAGEATTR, line - 8, "constructed for the PMD level"),
            Evidence(PAGEATTR, line - 2, "another task has split the block meanwhile"),
            Evidence(PAGEATTR, line, "and the table is freed"),
        ),
    )


def unused_variable(line: int = 67) -> Finding:
    """Return the compiler's warning about patch 3 of v1."""
    return Finding(
        "gcc.-Wunused-variable",
        Severity.WARNING,
        Location(PAGEATTR, line, "split_pud", "\tpmd_t *pmdp, *last;"),
        "unused variable 'last'",
    )


def old_mistake() -> Finding:
    """Return the mistake of the base in a function that patch 1 touches."""
    return Finding(
        "C01",
        Severity.ERROR,
        Location("arch/arm64/mm/mmu.c", 49, "firmware_table_alloc", "\tpagetable_pte_ctor(ptdesc);"),
        "firmware_table_alloc() ignores the result of pagetable_pte_ctor().",
    )


def raised() -> tuple[Said, ...]:
    """Return what the thread of v1 says about the ignored result."""
    return (
        Said(
            Remark.RAISED,
            "Oke Brandt",
            datetime(2026, 3, 2, 10, 40, tzinfo=UTC),
            "reply-2@oke.example.org",
            "The constructor can fail. Its result must be looked at.",
        ),
        Said(
            Remark.PROMISED,
            "Mara Lindqvist",
            datetime(2026, 3, 2, 11, 0, tzinfo=UTC),
            "reply-3@mara.example.org",
            "You are right. Will fix in v2.",
        ),
    )


def told(finding: Finding, patch: int, version: int = 1, **fields: Any) -> Told:
    """Return a finding as the report tells it, with the lines around it where the patch shows them."""
    values: dict[str, Any] = {"life": Life.NEW, "check": "pgtable", "since": 1, **fields}
    values.setdefault("code", around(finding, patch, version))
    return Told(finding=finding, patch=patch, **values)


def around(finding: Finding, patch: int, version: int) -> tuple[tuple[int, str], ...]:
    """Return the numbered lines of a file around a finding, as a patch of the discussion leaves them."""
    stem = V1 if version == 1 else V2
    for file in parse_diff(mails()[stem.format(patch + 1)].body).files if patch else ():
        for hunk in file.hunks:
            lines = {line.new: line.text for line in hunk.lines if line.kind != "-"}
            if file.path == finding.location.file and lines.get(finding.location.line) == finding.location.text:
                near = range(finding.location.line - 3, finding.location.line + 4)
                return tuple((number, lines[number]) for number in near if number in lines)
    return ()


def cells(news: dict[tuple[int, str], int]) -> tuple[Cell, ...]:
    """Return the matrix of three patches, with so many new findings in some of its squares."""
    made = []
    for check, configuration in (("pgtable", ""), ("characters", ""), ("build", "defconfig")):
        for number in range(4):
            new = news.get((number, check), 0)
            bad = State.WARNED if check == "build" else State.FAILED
            made.append(Cell(number, check, configuration, bad if new else State.PASSED, "", new, seconds=0.4))
    return tuple(made)


def report(version: int = 1, **fields: Any) -> SeriesReport:
    """Return a report about a version in which everything passed; every field can be given."""
    stem = V1 if version == 1 else V2
    apply = f"b4 shazam {stem.format(1)}"
    prefix = "PATCH" if version == 1 else f"PATCH v{version}"
    values: dict[str, Any] = {
        "message_id": stem.format(1),
        "subject": f"[{prefix} 0/3] {NAME}",
        "name": NAME,
        "version": version,
        "expected": 3,
        "author": "Mara Lindqvist",
        "author_email": "mara@example.org",
        "date": DATES[version],
        "lists": ("linux-mm",),
        "lore": "https://lore.kernel.org/r/",
        "state": State.PASSED,
        "verdict": Verdict.CLEAN,
        "reason": "",
        "patches": tuple(
            PatchFacts(number, stem.format(number + 1), subject, (PAGEATTR,), f"{number}" * 40, "clean")
            for number, subject in enumerate(SUBJECTS, 1)
        ),
        "missing": (),
        "base": BaseFacts(
            "linux-source-6.12",
            "adc218676eef25575469234709c2d87185ca223a",
            "linux-source-6.12 (6.12.0)",
            "first tree of the list",
            ("The cover names no base-commit.", "All 2 files that the patches start from are those of this tree."),
        ),
        "failure": None,
        "cells": cells({}),
        "findings": (),
        "fixed": (),
        "preexisting": (),
        "gone": (),
        "versions": (VersionFacts(1, V1.format(1), f"[PATCH 0/3] {NAME}", DATES[1], Verdict.CLEAN, 0),),
        "replies": 0,
        "people": (),
        "looked_at": (
            "Bidirectional and invisible characters: 2 files, before and after each patch.",
            "Page-table constructors and destructors: 2 files, 14 functions, before and after each patch; "
            "epoch E5 (from Linux 6.12).",
            "Built 2 objects for arm64 defconfig with aarch64-linux-gnu-gcc 12.2.0: every patch touches them.",
        ),
        "not_looked_at": ("Not built: arch/arm64/mm/ptdump.c (CONFIG_PTDUMP_CORE is off).",),
        "reproduce": (
            Reproduce("check", f"{apply} && python -m reviewbot.checks --tree . --range HEAD~3.."),
            Reproduce("build defconfig", f"{apply} && {MAKE} defconfig && {MAKE} arch/arm64/mm/pageattr.o"),
        ),
        **fields,
    }
    return SeriesReport(**values)


def first_version(**fields: Any) -> SeriesReport:
    """Return the report about v1: two errors, one of them known to the thread, and a warning."""
    values: dict[str, Any] = {
        "state": State.FAILED,
        "verdict": Verdict.FINDINGS,
        "cells": cells({(2, "pgtable"): 1, (3, "pgtable"): 1, (3, "build"): 1}),
        "findings": (
            told(ignored_result(), 2, said=raised()),
            told(missing_dtor(), 3),
            told(unused_variable(), 3, check="build"),
        ),
        "preexisting": (told(old_mistake(), 0, life=Life.PRE_EXISTING),),
        "replies": 3,
        "people": ("Oke Brandt", "Mara Lindqvist"),
        **fields,
    }
    kept = report(**values)
    reviewed = replace(kept.patches[0], trailers=("Reviewed-by: Oke Brandt <oke@example.org>",), replies=1)
    return replace(kept, patches=(reviewed, *kept.patches[1:]))


def second_version(**fields: Any) -> SeriesReport:
    """Return the report about v2: one error remains, two findings are gone."""
    values: dict[str, Any] = {
        "state": State.FAILED,
        "verdict": Verdict.FINDINGS,
        "cells": cells({(3, "pgtable"): 1}),
        "findings": (told(missing_dtor(86), 3, 2),),
        "gone": (told(ignored_result(), 2, said=raised()), told(unused_variable(), 3, check="build")),
        "versions": (
            VersionFacts(1, V1.format(1), f"[PATCH 0/3] {NAME}", DATES[1], Verdict.FINDINGS, 3),
            VersionFacts(2, V2.format(1), f"[PATCH v2 0/3] {NAME}", DATES[2], Verdict.FINDINGS, 1, "subject+author"),
        ),
        "replies": 1,
        "people": ("Oke Brandt",),
        **fields,
    }
    return report(2, **values)


def does_not_apply() -> SeriesReport:
    """Return the report about a series whose second patch meets another tree."""
    return report(
        state=State.FAILED,
        verdict=Verdict.DOES_NOT_APPLY,
        reason="Patch 2 does not apply to linux-source-6.12: arch/arm64/mm/pageattr.c has other lines at 5.",
        cells=(),
        looked_at=(),
        not_looked_at=(),
        failure=Reject(
            2,
            V1.format(3),
            PAGEATTR,
            "@@ -2,21 +2,58 @@",
            " #include <linux/mm.h>\n #include <asm/pgtable.h>\n #include <asm/set_memory.h>\n",
            "#include <linux/mm.h>\n#include <asm/pgtable-prot.h>\n#include <asm/set_memory.h>\n",
            5,
            "arch/arm64/mm/pageattr.c has other lines at 5.",
        ),
    )
