"""The line of a patch that a finding belongs to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.mail.diff import parse_diff
from reviewbot.reports.facts import Life, Told
from reviewbot.reports.placing import cause_of, place_of

_DIFF = parse_diff(
    """\
--- a/mm/tables.c
+++ b/mm/tables.c
@@ -10,9 +10,10 @@ static void first(void)
 \ttable_free(t);
 }

 static void second(void)
 {
-\ttable_put(t);
+\tif (t)
+\t\ttable_free(t);
 \ttable_free(t);
 \treturn;
 }
"""
)


def _told(text: str, line: int, function: str = "second", life: Life = Life.NEW) -> Told:
    place = Location("mm/tables.c", line, function, text)
    return Told(Finding("C06", Severity.ERROR, place, "Leaked."), patch=1, life=life, check="pgtable", since=1)


def _line(told: Told) -> tuple[str, int, int] | None:
    place = place_of(told, _DIFF)
    return place and (place.line.kind, place.line.old, place.line.new)


def test_of_equal_lines_the_function_decides_and_then_the_change() -> None:
    assert _line(_told("table_free(t);", 17)) == ("+", 0, 16)
    assert _line(_told("table_free(t);", 16, "first")) == (" ", 10, 10)


def test_the_same_text_in_another_function_is_another_place() -> None:
    assert _line(_told("table_free(t);", 16, "third")) is None


def test_later_patches_may_have_moved_the_line() -> None:
    assert _line(_told("return;", 90)) == (" ", 17, 18)


def test_what_a_patch_repairs_stands_on_the_side_that_it_takes_away() -> None:
    assert _line(_told("table_put(t);", 15, life=Life.FIXED)) == ("-", 15, 0)
    assert _line(_told("table_put(t);", 15)) is None


def test_a_finding_without_text_has_no_line() -> None:
    assert _line(_told("", 15)) is None


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ((16, "frees: table_free(t);"), 16),
        ((90, "frees: table_free(t);"), 16),
        ((15, "tests: if (t)"), 15),
        ((90, "returns: return;"), None),
        ((17, "frees: table_put(t);"), None),
        ((16, "frees"), None),
    ],
    ids=["there", "moved by a later patch", "at its number", "a line as there are many", "taken away", "no code"],
)
def test_what_a_finding_elsewhere_comes_of_is_an_added_line_on_the_way_to_it(
    step: tuple[int, str], line: int | None
) -> None:
    told = _told("pmd_free(NULL, pmd);", 195, "stage2_pmd_free")
    way = (Evidence("mm/tables.c", 195, "calls: pmd_free(NULL, pmd);"), Evidence("mm/tables.c", *step))
    place = cause_of(replace(told, finding=replace(told.finding, evidence=way)), _DIFF)
    assert (place and (place.line.new, place.own)) == (line and (line, False))
