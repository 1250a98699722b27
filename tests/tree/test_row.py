"""Patches that have no file in common go in by one process, each as it would alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reviewbot.tree.apply import apply_series, open_letters
from reviewbot.tree.git import Git
from reviewbot.tree.letter import Letter
from reviewbot.tree.model import Attempt, Method
from reviewbot.tree.row import independent, moved
from reviewbot.tree.store import Store
from tests.tree.project import Project, base_of, mail, patches, source

FILES = ("mm/memory.c", "mm/gup.c", "kernel/fork.c")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The git commands that are started."""
    commands: list[str] = []
    start = Git.start

    def count(self: Git, *arguments: str, **options: Any) -> Any:
        commands.append(arguments[0])
        return start(self, *arguments, **options)

    monkeypatch.setattr(Git, "start", count)
    return commands


def letters(store: Store, mbox: bytes) -> list[Letter]:
    with store.scratch() as scratch:
        return [one for one in open_letters(store, patches(mbox), scratch) if isinstance(one, Letter)]


def edit_each(project: Project, *files: str) -> None:
    """Make one commit for each file."""
    for number, name in enumerate(files):
        stem = name.rpartition("/")[2].removesuffix(".c")
        project.edit(name, f"{stem}_{number * 6 + 5}(void)", f"{stem}_{number * 6 + 5}(int a)")
        project.commit(message=f"Step {number + 1}")


def apply(store: Store, project: Project, mbox: bytes, base: str = "") -> Attempt:
    return apply_series(store, base_of(store, project, base or project.start), patches(mbox))


def trees(project: Project, since: str) -> list[str]:
    return project.git("log", "--reverse", "--format=%T", f"{since}..HEAD").split()


def test_patches_to_different_files_take_one_process(store: Store, project: Project, started: list[str]) -> None:
    edit_each(project, *FILES)
    result = apply(store, project, project.mbox(project.start))
    assert started.count("apply") == 1
    assert [patch.tree for patch in result.patches] == trees(project, project.start)
    assert {patch.method for patch in result.patches} == {Method.CLEAN}


def test_a_file_that_is_touched_again_starts_the_next_row(store: Store, project: Project, started: list[str]) -> None:
    edit_each(project, *FILES, *FILES)
    mbox = project.mbox(project.start)
    assert independent(letters(store, mbox)) == 3
    result = apply(store, project, mbox)
    assert started.count("apply") == 2
    assert [patch.tree for patch in result.patches] == trees(project, project.start)


def test_new_moved_and_deleted_files_go_alone(store: Store, project: Project) -> None:
    project.commit({"mm/new.c": source("new")})
    project.git("mv", "mm/gup.c", "mm/pin.c")
    project.commit()
    project.commit({"kernel/fork.c": None})
    mbox = project.mbox(project.start, "-M")
    assert independent(letters(store, mbox)) == 0
    assert [patch.tree for patch in apply(store, project, mbox).patches] == trees(project, project.start)


def test_the_patches_before_one_that_fails_go_in(store: Store, project: Project) -> None:
    edit_each(project, *FILES)
    mbox, wanted = project.mbox(project.start), trees(project, project.start)
    project.git("checkout", "-q", project.start)
    other = project.commit({"kernel/fork.c": source("spoon")})
    result = apply(store, project, mbox, other)
    assert len(result.patches) == 2
    assert result.reject is not None
    assert (result.reject.patch, result.reject.file) == (3, "kernel/fork.c")
    assert result.patches[0].tree != wanted[0]
    assert not list((store.path / "tmp").iterdir())


def test_a_merge_in_the_middle_of_a_row(store: Store, project: Project) -> None:
    edit_each(project, *FILES)
    mbox = project.mbox(project.start, "--full-index")
    project.git("checkout", "-q", project.start)
    project.edit("mm/gup.c", "gup_13(void)", "gup_13(long b)")
    other = project.commit()
    result = apply(store, project, mbox, other)
    assert [patch.method for patch in result.patches] == [Method.CLEAN, Method.THREE_WAY, Method.CLEAN]
    assert result.patches[-1].tree == project.am(other, mbox)


def test_it_is_said_how_far_a_hunk_was_moved(store: Store, project: Project) -> None:
    edit_each(project, *FILES)
    mbox = project.mbox(project.start)
    project.git("checkout", "-q", project.start)
    above = "".join(f"/* {number} */\n" for number in range(14))
    other = project.commit({"mm/gup.c": above + source("gup"), "mm/memory.c": "/* one */\n" + source("memory")})
    result = apply(store, project, mbox, other)
    assert [patch.moved for patch in result.patches] == [1, 14, 0]
    alone = apply_series(store, base_of(store, project, other), patches(mbox)[:1])
    assert [patch.moved for patch in alone.patches] == [1]


def test_lines_of_a_patch_cannot_pass_for_what_git_says(store: Store, project: Project) -> None:
    lie = "error: patch failed: kernel/fork.c:3\nerror: corrupt patch at line 1"
    context = "".join(f" {line}\n" for line in lie.split("\n"))
    diff = f"diff --git a/mm/gup.c b/mm/gup.c\n--- a/mm/gup.c\n+++ b/mm/gup.c\n@@ -9,2 +9,3 @@\n{context}+int x;\n"
    result = apply(store, project, mail(diff))
    assert result.reject is not None
    assert result.reject.file == "mm/gup.c"


def test_a_mail_that_git_reads_otherwise_than_we_do_goes_alone(store: Store, project: Project) -> None:
    edit_each(project, "mm/memory.c", "mm/gup.c")
    first, second = (patch.message.raw for patch in patches(project.mbox(project.start)))
    fake = first.replace(b"diff --git", b"--- a/kernel/fork.c\ndiff --git", 1)
    one, two = patches(first)[0], patches(second)[0]
    odd = patches(fake)[0]
    plain = apply_series(store, base_of(store, project, project.start), [one, two])
    lured = apply_series(store, base_of(store, project, project.start), [odd, two])
    assert [patch.tree for patch in lured.patches] == [patch.tree for patch in plain.patches]


def test_what_git_reports_of_moved_hunks() -> None:
    report = (
        "Checking patch mm/a.c...\nHunk #1 succeeded at 12 (offset 1 line).\n"
        "Hunk #2 succeeded at 40 (offset -22 lines).\nChecking patch mm/b.c...\nApplied patch mm/a.c cleanly.\n"
    )
    assert moved(report) == {"mm/a.c": 22}
