"""The table of differences from b4, and what the measurement makes of it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.series.compare import FIELDS, Line, Ours, differences, explanations

TABLE = Path(__file__).parents[2] / "benchmarks" / "series" / "differences.md"


def test_every_row_says_what_differs_who_is_right_and_why() -> None:
    rows = explanations(TABLE)
    assert len(rows) == sum(line.startswith("| `") for line in TABLE.read_text().splitlines())
    for row in rows.values():
        assert row.what <= {"series", *FIELDS}
        assert row.right in {"ours", "b4"}
        assert row.why


def line(**fields: object) -> Line:
    empty: Line = {name: None for names in FIELDS.values() for name in names}
    same: Line = {
        "kind": "series",
        "thread_root": "t@x",
        "root_msgid": "r@x",
        "version": 1,
        "trailers": [],
        "cover_trailers": [],
    }
    return {**empty, **same, **fields}


def found(written: Line, *said: Line) -> list[tuple[str, set[str]]]:
    threads = {"t@x": "t", "r@x": "t", "other@x": "t"}
    return [(one.version, one.what) for one in differences([written], Ours(said, threads))]


def test_equal_lines_do_not_differ() -> None:
    twice = [[{"trailer": "A: b", "via": "m@x"}] * 2]
    assert found(line(trailers=twice), line(trailers=[twice[0][:1]], extra=1)) == []


def test_a_difference_is_named_by_its_group() -> None:
    assert found(line(expected=2), line(expected=3, has_cover=True)) == [("1", {"assembly", "cover"})]


def test_a_series_on_one_side_only_is_a_difference() -> None:
    assert found(line()) == [("1", {"series"})]
    assert found(line(kind="no-series"), line(root_msgid="other@x")) == [("none", {"series"})]
    assert found(line(kind="no-series")) == []
