"""The history of a branch: the commit that has the files a series was made from, at the time it was sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reviewbot.tree import history
from reviewbot.tree.base import Candidate, choose
from reviewbot.tree.history import Found, matching, newest_with
from reviewbot.tree.store import Store
from tests.tree.project import ENVIRONMENT, Project, source
from tests.tree.test_base import series

DAY = 86_400
START = 1_700_000_000
LATER = datetime.fromtimestamp(START + 100 * DAY, UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Clock:
    """The date of the commits that are made next: so many days after the first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._set = monkeypatch.setitem

    def day(self, number: int) -> None:
        self._set(ENVIRONMENT, "GIT_COMMITTER_DATE", f"{START + number * DAY} +0000")


def blob(project: Project, revision: str, path: str) -> str:
    return project.git("rev-parse", f"{revision}:{path}")[:12]


def grown(project: Project, clock: Clock) -> list[str]:
    """Make five commits, a day apart: the second and the fourth change mm/gup.c, the others mm/memory.c."""
    commits = [project.start]
    for number in range(1, 6):
        clock.day(number)
        path = "mm/gup.c" if number in (2, 4) else "mm/memory.c"
        commits.append(project.commit({path: f"int state_{number};\n"}))
    return commits


def test_the_newest_commit_that_has_all_files_is_found(store: Store, project: Project, clock: Clock) -> None:
    commits = grown(project, clock)
    store.import_repository("mm", project.path)
    blobs = {"mm/gup.c": blob(project, commits[2], "mm/gup.c")}
    assert newest_with(store, commits[5], blobs, LATER) == Found(commits[3], 1)
    both = blobs | {"mm/memory.c": blob(project, commits[1], "mm/memory.c")}
    assert newest_with(store, commits[5], both, LATER) == Found(commits[2], 2)


def test_among_equal_commits_the_newest_of_the_day_of_sending_is_taken(
    store: Store, project: Project, clock: Clock
) -> None:
    commits = grown(project, clock)
    store.import_repository("mm", project.path)
    blobs = {"kernel/fork.c": blob(project, commits[0], "kernel/fork.c")}
    clock.day(6)
    tip = project.commit({"kernel/fork.c": "int changed;\n"})
    sent = datetime.fromtimestamp(START + 3 * DAY + 60, UTC)
    assert newest_with(store, tip, blobs, sent) == Found(commits[3], 1)
    assert newest_with(store, tip, blobs, LATER) == Found(commits[5], 1)


def test_when_no_commit_has_all_files_the_one_with_the_most_counts(
    store: Store, project: Project, clock: Clock
) -> None:
    commits = grown(project, clock)
    store.import_repository("mm", project.path)
    blobs = {
        "mm/gup.c": blob(project, commits[2], "mm/gup.c"),
        "mm/memory.c": blob(project, commits[1], "mm/memory.c"),
        "kernel/fork.c": "f" * 12,
    }
    assert newest_with(store, commits[5], blobs, LATER) == Found(commits[2], 2)


def test_a_branch_without_any_of_them_or_with_all_at_its_tip_has_no_better_commit(
    store: Store, project: Project, clock: Clock
) -> None:
    commits = grown(project, clock)
    store.import_repository("mm", project.path)
    assert newest_with(store, commits[5], {"mm/gup.c": "f" * 12}, LATER) is None
    assert newest_with(store, commits[5], {"mm/gup.c": blob(project, "HEAD", "mm/gup.c")}, LATER) is None
    assert newest_with(store, commits[5], {}, LATER) is None


def test_a_state_that_only_a_merged_branch_had_is_found_as_well(store: Store, project: Project, clock: Clock) -> None:
    clock.day(1)
    project.git("checkout", "-q", "-b", "topic")
    project.commit({"mm/gup.c": "int first;\n"})
    clock.day(2)
    wanted = project.git("rev-parse", "HEAD")
    project.commit({"mm/gup.c": "int second;\n"})
    project.git("checkout", "-q", "main")
    clock.day(3)
    project.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    store.import_repository("mm", project.path)
    blobs = {"mm/gup.c": blob(project, wanted, "mm/gup.c")}
    assert newest_with(store, project.git("rev-parse", "HEAD"), blobs, LATER) == Found(wanted, 1)


def test_paths_are_names_and_no_patterns(store: Store, project: Project, clock: Clock) -> None:
    first = project.commit({"mm/*.c": "int odd;\n", "mm/:(top)\ntab\t.c": "int odder;\n"})
    clock.day(1)
    tip = project.commit({"mm/*.c": "int new;\n", "mm/:(top)\ntab\t.c": "int newer;\n"})
    store.import_repository("mm", project.path)
    blobs = {path: blob(project, first, path) for path in ("mm/*.c", "mm/:(top)\ntab\t.c")}
    assert matching(store, tip, blobs) == 0
    assert newest_with(store, tip, blobs, LATER) == Found(first, 2)


def test_what_is_older_than_a_year_before_the_mail_is_not_read(store: Store, project: Project, clock: Clock) -> None:
    commits = grown(project, clock)
    store.import_repository("mm", project.path)
    blobs = {"mm/gup.c": blob(project, commits[2], "mm/gup.c")}
    assert newest_with(store, commits[5], blobs, datetime.fromtimestamp(START + 900 * DAY, UTC)) is None


def test_a_series_that_applies_to_no_tip_is_applied_where_it_was_made(
    store: Store, project: Project, clock: Clock
) -> None:
    clock.day(1)
    project.edit("mm/memory.c", "memory_20(void)", "memory_20(int a)")
    project.commit(message="mm: take an argument")
    mbox = project.mbox(project.start)
    project.git("reset", "-q", "--hard", project.start)
    clock.day(2)
    before = project.commit({"mm/gup.c": source("gup", 50)}, "mm: elsewhere")
    clock.day(3)
    project.commit({"mm/memory.c": "int all_new;\n"}, "mm: begin anew")
    store.import_repository("mm-unstable", project.path)
    application = choose(store, replace(series(mbox), date=LATER), [Candidate(store.resolve("mm-unstable"))])
    assert application.applies
    assert application.chosen.base.commit == before
    assert application.chosen.base.how.endswith("has every file as the patches expect it")
    assert "has 1 of the 1 files as the patches expect them; is its newest such commit" in " ".join(application.trace)


def test_a_history_that_takes_too_long_is_said(
    store: Store, project: Project, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_PATIENCE", 0.0)
    project.edit("mm/memory.c", "memory_20(void)", "memory_20(int a)")
    project.commit(message="mm: take an argument")
    mbox = project.mbox(project.start)
    clock.day(1)
    project.commit({"mm/memory.c": "int all_new;\n"}, "mm: begin anew")
    store.import_repository("mm", project.path)
    sent = replace(series(mbox), date=LATER)
    told = choose(store, sent, [Candidate(store.resolve("mm"))]).trace
    assert "mm: its history is too long to search for the files in time." in told
