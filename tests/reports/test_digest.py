"""The weekly digest of a list."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from reviewbot.reports.digest import MOST, Item, Week, subject, write
from tests.reports import samples
from tests.reports.golden import same_as_golden

URL = "https://review.example.org/project/linux-mm/series/1@example.org/"
WEEK = Week(
    "linux-mm",
    datetime(2026, 3, 2, tzinfo=UTC),
    datetime(2026, 3, 9, tzinfo=UTC),
    214,
    198,
    (Item("[PATCH v2 0/3] arm64: mm: split blocks of the linear map", "1 error and 2 warnings", URL),),
    (Item("[PATCH v3 0/2] mm: free late page tables through one helper", "C01 and C06 gone", URL),),
    (Item("[PATCH] mm: x", "C06: the lock is never split here, as the only caller runs before any other CPU.", URL),),
)


def test_it_reads_as_the_golden_file() -> None:
    same_as_golden("digest.txt", f"Subject: {subject(WEEK)}\n\n{write(WEEK, samples.SITE)}")


def test_a_quiet_week_says_so() -> None:
    assert "Nothing was found, fixed or marked as wrong." in write(
        Week("linux-mm", WEEK.since, WEEK.until, 0, 0), samples.SITE
    )


def test_a_loud_week_stays_short_and_no_subject_breaks_a_line() -> None:
    loud = replace(WEEK, found=(Item("a\n\x1b[1mb\n" * 500, "1 error", URL),) * (MOST + 3))
    text = write(loud, samples.SITE)
    assert "- and 3 more\n" in text
    assert len(text) < 80_000
    assert "\x1b" not in text
