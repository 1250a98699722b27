"""What does not fit word for word: other line ends, a 3-way merge, and what a tree has already."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from reviewbot.tree.apply import apply_series
from reviewbot.tree.model import Base, Method
from reviewbot.tree.store import Store
from tests.tree.project import Project, attempt, five_patches, mail, modify, patches, source


class TestLineEnds:
    """A mail may carry carriage returns for the transport, or for the file."""

    @pytest.fixture
    def dos(self, tmp_path: Path) -> Project:
        return Project(tmp_path / "dos", {"dos.txt": source("dos").replace("\n", "\r\n")})

    def change(self, project: Project) -> bytes:
        project.write({"dos.txt": source("dos").replace("dos_7", "dos_seven").replace("\n", "\r\n")})
        project.commit()
        return project.mbox(project.start)

    def test_a_file_with_carriage_returns_in_a_mail_without(self, store: Store, dos: Project) -> None:
        mbox = self.change(dos)
        result = attempt(store, dos, mbox)
        assert result.applies
        assert result.patches[0].tree == dos.am(dos.start, mbox, "--keep-cr") == dos.git("rev-parse", "HEAD^{tree}")

    def test_a_mail_that_has_them_at_every_line(self, store: Store, project: Project) -> None:
        modify(project)
        mbox = project.mbox(project.start).replace(b"\n", b"\r\n")
        result = attempt(store, project, mbox)
        assert result.applies
        assert result.patches[0].tree == project.am(project.start, mbox) == project.git("rev-parse", "HEAD^{tree}")

    def test_a_mail_that_has_them_encoded(self, store: Store, project: Project) -> None:
        modify(project)
        plain = mail(project.git("diff", project.start, "HEAD") + "\n")
        header, _, body = plain.partition(b"\n\n")
        encoded = base64.encodebytes(body.replace(b"\n", b"\r\n"))
        assert attempt(store, project, header.replace(b"8bit", b"base64") + b"\n\n" + encoded).applies


class TestThreeWay:
    """What does not apply as it stands may still merge, if the store has the blobs."""

    def conflicting(self, project: Project) -> tuple[bytes, str]:
        """Return a patch, and a base whose context has changed beside it."""
        project.edit("mm/memory.c", "memory_10(void)", "memory_10(int a)")
        project.commit()
        mbox = project.mbox(project.start)
        project.git("checkout", "-q", "--detach", project.start)
        project.edit("mm/memory.c", "memory_12(void)", "memory_12(long)")
        return mbox, project.commit()

    def test_it_merges_as_git_am_does(self, store: Store, project: Project) -> None:
        mbox, base = self.conflicting(project)
        result = attempt(store, project, mbox, base)
        assert result.method is Method.THREE_WAY
        assert result.patches[0].tree == project.am(base, mbox)

    def test_it_follows_a_file_that_was_renamed(self, store: Store, project: Project) -> None:
        modify(project)
        mbox = project.mbox(project.start)
        project.git("checkout", "-q", "--detach", project.start)
        project.git("mv", "mm/memory.c", "kernel/memory.c")
        base = project.commit()
        result = attempt(store, project, mbox, base)
        assert result.method is Method.THREE_WAY
        assert result.patches[0].tree == project.am(base, mbox) != ""

    @pytest.mark.parametrize("edited", [False, True])
    def test_it_follows_a_file_to_another_name_elsewhere(self, store: Store, project: Project, edited: bool) -> None:
        modify(project)
        mbox = project.mbox(project.start)
        project.git("checkout", "-q", "--detach", project.start)
        (project.path / "lib").mkdir()
        project.git("mv", "mm/memory.c", "lib/core.c")
        if edited:
            project.edit("lib/core.c", "memory_30(void)", "memory_30(long)")
        base = project.commit()
        result = attempt(store, project, mbox, base)
        assert result.method is Method.THREE_WAY
        assert result.patches[0].tree == project.am(base, mbox) != ""

    def test_what_a_file_has_not_become_in_one_tree_is_not_looked_at_in_the_next(
        self, store: Store, project: Project
    ) -> None:
        project.edit("mm/gup.c", "gup_20(void)", "gup_20(int a)")
        project.commit()
        mbox = project.mbox(project.start)
        project.git("checkout", "-q", project.start)
        gone = project.commit({"mm/gup.c": None})
        assert not attempt(store, project, mbox, gone).applies
        memory = project.git("rev-parse", f"{gone}:mm/memory.c")
        assert memory in set().union(*store.unlike.values())
        moved = project.commit({"mm/pin.c": source("gup").replace("gup_3(void)", "gup_3(long b)")})
        result = attempt(store, project, mbox, moved)
        assert result.method is Method.THREE_WAY
        assert result.patches[-1].tree == project.am(moved, mbox)

    def test_one_of_the_files_it_creates_is_there_already(self, store: Store, project: Project) -> None:
        project.commit({"mm/one.c": "one\n", "mm/two.c": "two\n"})
        mbox = project.mbox(project.start)
        project.git("checkout", "-q", "--detach", project.start)
        base = project.commit({"mm/one.c": "one\n"})
        result = attempt(store, project, mbox, base)
        assert result.method is Method.THREE_WAY
        assert result.patches[0].tree == project.am(base, mbox) != ""

    def test_later_patches_go_on_from_the_merge(self, store: Store, project: Project) -> None:
        for number in (10, 30):
            project.edit("mm/memory.c", f"memory_{number}(void)", f"memory_{number}(int a)")
            project.commit()
        mbox = project.mbox(project.start)
        project.git("checkout", "-q", "--detach", project.start)
        project.edit("mm/memory.c", "memory_12(void)", "memory_12(long)")
        base = project.commit()
        result = attempt(store, project, mbox, base)
        assert [patch.method for patch in result.patches] == [Method.THREE_WAY, Method.CLEAN]
        assert result.patches[-1].tree == project.am(base, mbox)

    def test_a_real_conflict_does_not_apply(self, store: Store, project: Project) -> None:
        project.edit("mm/memory.c", "memory_10(void)", "memory_10(int a)")
        project.commit()
        mbox = project.mbox(project.start)
        project.git("checkout", "-q", "--detach", project.start)
        project.edit("mm/memory.c", "memory_10(void)", "memory_10(long b)")
        result = attempt(store, project, mbox, project.commit())
        assert not result.applies


class TestAlreadyThere:
    """What the tree has already makes no commit, and is said."""

    def test_the_whole_series(self, store: Store, project: Project) -> None:
        five_patches(project)
        result = attempt(store, project, project.mbox(project.start), project.git("rev-parse", "HEAD"))
        assert result.applies
        assert result.method is Method.ALREADY
        assert {patch.commit for patch in result.patches} == {project.git("rev-parse", "HEAD")}

    def test_a_part_of_it(self, store: Store, project: Project) -> None:
        five_patches(project)
        mbox = project.mbox(project.start)
        result = attempt(store, project, mbox, project.git("rev-parse", "HEAD~3"))
        assert [patch.method for patch in result.patches] == [Method.ALREADY] * 2 + [Method.CLEAN] * 3
        assert result.patches[-1].tree == project.git("rev-parse", "HEAD^{tree}")

    def test_patches_that_only_reverse_together(self, store: Store, project: Project) -> None:
        for number in (20, 21, 22):
            project.edit("mm/memory.c", f"memory_{number}(void)", f"memory_{number}(int a)")
            project.commit()
        row = patches(project.mbox(project.start))
        project.git("checkout", "-q", "--detach", "HEAD~1")
        branch = store.import_directory("snapshot", project.path)
        result = apply_series(store, Base("snapshot", branch.commit, "test"), row)
        assert [patch.method for patch in result.patches] == [Method.ALREADY, Method.ALREADY, Method.CLEAN]

    def test_it_is_recognised_without_the_blobs_it_was_made_from(self, store: Store, project: Project) -> None:
        five_patches(project)
        mbox = project.mbox(project.start)
        project.git("checkout", "-q", "--detach")
        branch = store.import_directory("snapshot", project.path)
        result = apply_series(store, Base("snapshot", branch.commit, "test"), patches(mbox)[:1])
        assert result.method is Method.ALREADY
