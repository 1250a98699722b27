"""The way to a finding: what is one step, what is none, and what stands in the middle of many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.reports.evidence import path, steps

FREE = "free_range(page, PAGE_SIZE);"
FINDING = Finding("C06", Severity.ERROR, Location("a.c", 9, "drop", f"\t{FREE}"), "It is freed without its destructor.")


def way(*evidence: tuple[int, str]) -> list[str]:
    """Return the steps of a path through a.c as they are told."""
    found = replace(FINDING, evidence=tuple(Evidence("a.c", line, text) for line, text in evidence))
    return list(path(steps(found), "a.c"))


def test_what_one_line_does_is_one_step() -> None:
    made = "return (void *)get_page();"
    assert way((3, f"allocates: {made}"), (3, f"returns: {made}"), (9, f"frees: {FREE}")) == [
        f"  line 3  allocates and returns: {made}",
        f"  line 9  frees: {FREE}",
    ]


def test_to_come_back_from_a_call_is_no_step() -> None:
    assert way((9, f"calls: {FREE}"), (5, "frees: free_pages(page);"), (9, f"frees: {FREE}")) == [
        f"  line 9  calls: {FREE}",
        "  line 5  frees: free_pages(page);",
    ]


def test_what_is_done_twice_stays_twice() -> None:
    assert way((9, f"frees: {FREE}"), (9, f"frees: {FREE}")) == [f"  line 9  frees: {FREE}"] * 2


@pytest.mark.parametrize("text", [f"frees: {FREE}", FREE])
def test_the_line_itself_is_not_shown_again(text: str) -> None:
    assert way((9, text)) == []


def test_what_says_more_than_the_line_stays() -> None:
    assert way((9, "free_range(page<U+200B>, PAGE_SIZE);")) == ["  line 9  free_range(page<U+200B>, PAGE_SIZE);"]


def test_another_file_is_named_and_what_has_no_line_stands_alone() -> None:
    told = [Evidence("b.h", 4, "declared here"), Evidence("a.c", 0, "and 2 more that follow from it")]
    assert list(path(told, "a.c")) == ["  b.h:4  declared here", "  and 2 more that follow from it"]


def test_the_middle_of_a_long_way_is_left_out() -> None:
    told = way(*((line, f"step {line}") for line in range(10, 22)))
    assert [*told[:3], *told[-4:]] == [f"  line {line}  step {line}" for line in (10, 11, 12, 18, 19, 20, 21)]
    assert told[3] == "  [...]"
