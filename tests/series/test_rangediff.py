"""What became of each patch."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reviewbot.series.assemble import assemble
from reviewbot.series.model import Series
from reviewbot.series.rangediff import Fate, PatchPair, RangeLine, as_text, range_diff
from tests.series.posting import cover, diff, patch

Change = tuple[str, str]  # name and diff
A = ("mm: a", diff("mm/a.c", "first_of_all();"))
B = ("mm: b", diff("mm/b.c", "second_to_none();"))
C = ("mm: c", diff("mm/c.c", "third_in_line();"))


def series(version: int, *changes: Change, text: str = "") -> Series:
    mark = f"PATCH v{version}"
    mails = [cover(f"{mark} 0/{len(changes)}", id=f"{version}-0@x")]
    for number, (name, change) in enumerate(changes, 1):
        bracket = f"{mark} {number}/{len(changes)}"
        mails.append(
            patch(
                bracket, name, change=change, text=text, id=f"{version}-{number}@x", to=f"{version}-0@x", minutes=number
            )
        )
    (found,) = assemble(mails)
    return found


def fates(old: Series, new: Series) -> list[tuple[int, str, int]]:
    return [
        (pair.old.number if pair.old else 0, str(pair.fate), pair.new.number if pair.new else 0)
        for pair in range_diff(old, new).pairs
    ]


def test_equal_versions_are_unchanged() -> None:
    assert fates(series(1, A, B), series(2, A, B)) == [(1, "unchanged", 1), (2, "unchanged", 2)]


def test_added_and_dropped_patches_stand_where_they_belong() -> None:
    assert fates(series(1, A, B), series(2, B, C)) == [(1, "dropped", 0), (2, "unchanged", 1), (0, "added", 2)]


def test_a_changed_line_is_shown_in_its_place() -> None:
    better = ("mm: b", diff("mm/b.c", "second_to_none(page);"))
    (_, pair) = range_diff(series(1, A, B), series(2, A, better)).pairs
    assert pair.fate is Fate.CHANGED
    assert pair.lines[0] == RangeLine("@", "mm/b.c")
    assert [line for line in pair.lines if line.kind in "+-"] == [
        RangeLine("-", "+\tsecond_to_none();"),
        RangeLine("+", "+\tsecond_to_none(page);"),
    ]


def test_a_renamed_patch_is_known_by_its_lines() -> None:
    assert fates(series(1, A, B), series(2, ("mm: alpha", A[1]), B))[0] == (1, "reworded", 1)


def test_a_new_commit_message_is_no_change_of_code() -> None:
    difference = range_diff(series(1, A), series(2, A, text="For a better reason."))
    (pair,) = difference.pairs
    assert pair.fate is Fate.REWORDED
    assert RangeLine("+", "For a better reason.") in pair.lines


def test_a_new_context_alone_is_a_rebase() -> None:
    moved = ("mm: a", diff("mm/a.c", "first_of_all();", context="struct folio *folio;"))
    assert fates(series(1, A), series(2, moved)) == [(1, "rebased", 1)]


def test_new_line_numbers_are_nothing() -> None:
    moved = ("mm: a", A[1].replace("@@ -10,2 +10,3 @@", "@@ -90,2 +90,3 @@"))
    assert fates(series(1, A), series(2, moved)) == [(1, "unchanged", 1)]


def test_patches_that_change_places_are_reordered() -> None:
    pairs = range_diff(series(1, A, B, C), series(2, C, A, B)).pairs
    assert [(pair.subject, pair.reordered) for pair in pairs] == [("mm: c", True), ("mm: a", False), ("mm: b", False)]


def test_a_patch_that_went_into_another_is_squashed() -> None:
    both = ("mm: a", A[1] + B[1])
    pairs = range_diff(series(1, A, B), series(2, both)).pairs
    assert [(pair.fate, pair.into) for pair in pairs] == [(Fate.CHANGED, 0), (Fate.SQUASHED, 1)]


def test_a_patch_that_left_another_is_split_off_it() -> None:
    both = ("mm: a", A[1] + B[1])
    pairs = range_diff(series(1, both), series(2, A, B)).pairs
    assert [(pair.fate, pair.out_of) for pair in pairs] == [(Fate.CHANGED, 0), (Fate.SPLIT, 1)]


def test_a_patch_whose_name_is_gone_goes_on_in_one_of_its_parts() -> None:
    three = ("mm: all of it", A[1] + B[1] + C[1])
    pairs = range_diff(series(1, three), series(2, A, B, C)).pairs
    assert [(str(pair.fate), pair.out_of) for pair in pairs] == [("changed", 0), ("split", 1), ("split", 1)]


def test_a_patch_that_falls_into_many_is_split_into_them() -> None:
    parts = [(f"mm: part {letter}", diff(f"mm/{letter}.c", f"part_{letter}();")) for letter in "abcdefg"]
    pairs = range_diff(series(1, ("mm: all of it", "".join(change for _, change in parts))), series(2, *parts)).pairs
    assert [(str(pair.fate), pair.into, pair.out_of) for pair in pairs] == [
        *(("split", 0, 1) for _ in parts),
        ("split", 1, 0),
    ]


def test_what_did_not_arrive_was_not_dropped() -> None:
    first, second = series(1, A, B), series(2, A, B)
    second = replace(second, patches=second.patches[:1])
    assert fates(first, second)[1] == (2, "not known", 0)
    assert fates(second, first)[1] == (0, "not known", 2)


def test_it_is_told_in_the_manner_of_git() -> None:
    text = as_text(range_diff(series(1, A, B), series(2, C, ("mm: a", A[1] + B[1]))))
    assert [line for line in text.split("\n") if not line.startswith("    ")] == [
        "- > 1  mm: c (added)",
        "1 ! 2  mm: a",
        "2 < -  mm: b (squashed into 2)",
    ]


def test_what_is_too_long_to_compare_is_said() -> None:
    def long(word: str) -> Change:
        lines = "".join(f"+{word} {n}\n" for n in range(1500))
        return "mm: long", f"diff --git a/l b/l\n--- a/l\n+++ b/l\n@@ -0,0 +1,1500 @@\n{lines}"

    (pair,) = range_diff(series(1, long("a")), series(2, long("b"))).pairs
    assert pair.lines == (RangeLine("@", "l: changed, too long to compare by line"),)


CHANGES = st.lists(st.sampled_from([A, B, C, ("mm: a", B[1]), ("mm: d", A[1] + C[1])]), min_size=1, max_size=5)


@given(CHANGES, CHANGES)
def test_every_patch_of_both_sides_is_told_once(before: list[Change], after: list[Change]) -> None:
    old, new = series(1, *before), series(2, *after)
    pairs = range_diff(old, new).pairs
    assert [pair.new for pair in pairs if pair.new] == list(new.patches)
    assert sorted(pair.old.number for pair in pairs if pair.old) == [one.number for one in old.patches]


@given(CHANGES)
def test_a_series_compared_with_itself_is_unchanged(changes: list[Change]) -> None:
    one = series(1, *changes)
    pairs = range_diff(one, replace(one, version=2)).pairs
    assert pairs == tuple(PatchPair(Fate.UNCHANGED, patch, patch) for patch in one.patches)
