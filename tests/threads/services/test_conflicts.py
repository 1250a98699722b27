"""Series in flight on the same files: shown on both, with the place where one stops applying after the other."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from reviewbot.mail.mbox import split_mbox
from tests.threads.conftest import Queue
from tests.tree.project import ENVIRONMENT, Project
from threads import models
from threads.selectors.conflicts import in_flight_with
from threads.selectors.listing import Wanted, find_rows
from threads.selectors.patchwork import all_patches
from threads.services import intake, pipeline, trees

Post = Callable[..., models.Series]


@pytest.fixture
def kernel(transactional_db: None, tmp_path: Path) -> Project:
    project = Project(tmp_path / "kernel")
    trees.add("linux", str(project.path), branch="main")
    return project


@pytest.fixture
def post(kernel: Project, steps: Queue, monkeypatch: pytest.MonkeyPatch) -> Post:
    """Post a series of one patch that changes one line each of some files, and bring it to its end."""

    def posted(subject: str, *changes: tuple[str, int], to: str = "int a", version: int = 1) -> models.Series:
        kernel.git("reset", "-q", "--hard", kernel.start)
        monkeypatch.setitem(ENVIRONMENT, "GIT_AUTHOR_DATE", f"{1_700_000_000 + version * 86_400} +0000")
        for path, line in changes:
            name = Path(path).stem
            kernel.edit(path, f"{name}_{line}(void)", f"{name}_{line}({to})")
        kernel.commit(message=subject)
        mbox = kernel.mbox(kernel.start, *([f"-v{version}"] if version > 1 else []))
        kernel.git("reset", "-q", "--hard", kernel.start)
        row = intake.take_in(list(split_mbox(io.BytesIO(mbox))))
        pipeline.want(row, {"build": False})
        steps.drain()
        row.refresh_from_db()
        return row

    return posted


def told(series: models.Series) -> list[tuple[str, tuple[str, ...], bool | None]]:
    return [(one.series.name, one.files, one.collides) for one in in_flight_with(series)]


def test_two_series_on_the_same_lines_collide_and_both_say_so(post: Post) -> None:
    first = post("mm: one thing", ("mm/memory.c", 20))
    second = post("mm: another thing", ("mm/memory.c", 21), to="long b")
    assert told(first) == [("mm: another thing", ("mm/memory.c",), True)]
    assert told(second) == [("mm: one thing", ("mm/memory.c",), True)]
    (overlap,) = in_flight_with(first)
    assert overlap.reason.startswith(
        "On linux (6.12.7), mm: one thing (v1) does not apply after the other at patch 1: mm/memory.c: hunk 1"
    )


def test_two_series_on_the_same_file_that_go_together_are_told_as_such(post: Post) -> None:
    first = post("mm: one thing", ("mm/memory.c", 3))
    second = post("mm: another thing", ("mm/memory.c", 33), ("mm/gup.c", 3))
    assert told(first) == [("mm: another thing", ("mm/memory.c",), False)]
    assert in_flight_with(second)[0].reason == "On linux (6.12.7), mm: one thing (v1) applies after the other."


def test_other_files_are_no_overlap(post: Post) -> None:
    first = post("mm: one thing", ("mm/memory.c", 3))
    post("mm: another thing", ("mm/gup.c", 3))
    assert told(first) == []


def test_only_the_latest_versions_are_in_flight(post: Post) -> None:
    first = post("mm: one thing", ("mm/memory.c", 20))
    second = post("mm: another thing", ("mm/memory.c", 21))
    third = post("mm: another thing", ("mm/gup.c", 3), version=2)
    assert third.previous_id == second.pk
    assert told(first) == []
    fourth = post("mm: a third thing", ("mm/memory.c", 21), to="long c")
    assert [name for name, _, _ in told(fourth)] == ["mm: one thing"]


def test_a_version_by_somebody_else_takes_nothing_out_of_sight(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    first = post("mm: one thing", ("mm/memory.c", 20))
    second = post("mm: another thing", ("mm/memory.c", 21))
    monkeypatch.setitem(ENVIRONMENT, "GIT_AUTHOR_NAME", "Eve Example")
    monkeypatch.setitem(ENVIRONMENT, "GIT_AUTHOR_EMAIL", "eve@example.org")
    third = post("mm: another thing", ("mm/memory.c", 21), version=2)
    assert third.topic_id == second.topic_id
    assert sorted(name for name, _, _ in told(first)) == ["mm: another thing", "mm: another thing"]
    assert set(find_rows(Wanted(latest=True))) == {first, second, third}
    assert {patch.standing for patch in all_patches()} == {"new"}


def test_what_was_sent_long_ago_is_not_in_flight(post: Post) -> None:
    first = post("mm: one thing", ("mm/memory.c", 20))
    models.Series.objects.filter(pk=first.pk).update(date=first.date - timedelta(days=60))
    post("mm: another thing", ("mm/memory.c", 21))
    assert told(first) == []


def test_what_is_in_the_tree_already_is_not_in_flight(post: Post, kernel: Project) -> None:
    kernel.edit("mm/memory.c", "memory_20(void)", "memory_20(int a)")
    kernel.start, before = kernel.commit(message="mm: one thing"), kernel.start
    trees.sync(models.Tree.objects.get())
    kernel.start = before
    merged = post("mm: one thing", ("mm/memory.c", 20))
    other = post("mm: another thing", ("mm/memory.c", 24))
    assert told(merged) == told(other) == []


def test_a_series_that_does_not_apply_is_told_to_touch_the_same_file_and_no_more(post: Post, kernel: Project) -> None:
    first = post("mm: one thing", ("mm/memory.c", 20))
    kernel.start, before = kernel.commit({"mm/memory.c": "int memory_0(void) { return 0; }\n"}), kernel.start
    astray = post("mm: another thing", ("mm/memory.c", 0))
    kernel.start = before
    assert not astray.applications.filter(applies=True).exists()
    assert told(first) == [("mm: another thing", ("mm/memory.c",), None)]


def test_it_is_one_query(post: Post, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    first = post("mm: one thing", ("mm/memory.c", 20))
    post("mm: another thing", ("mm/memory.c", 21))
    with django_assert_num_queries(1):
        for one in in_flight_with(first):
            assert one.series.author.name


def test_asking_again_leaves_one_row_for_a_pair(post: Post, steps: Queue) -> None:
    first = post("mm: one thing", ("mm/memory.c", 20))
    second = post("mm: another thing", ("mm/memory.c", 21))
    for row in (first, second):
        pipeline.want(row, again=True)
    steps.drain()
    assert models.Overlap.objects.count() == 1
    assert told(first) == [("mm: another thing", ("mm/memory.c",), True)]
