"""Worktrees: exactly a commit's tree, moved by changed files only, and repaired after a crash."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pygit2
import pytest

from reviewbot.errors import AuthorError, NotFoundError, OperatorError, TransientError
from reviewbot.tree import worktrees
from reviewbot.tree.worktrees import Pool

BLOB, PROGRAM, LINK, TREE = 0o100644, 0o100755, 0o120000, 0o040000
Content = Mapping[str, "tuple[int, bytes] | Content"]


class History:
    """A bare repository into which trees are written by hand, the impossible ones included."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.repository = pygit2.init_repository(str(folder), bare=True)

    def tree(self, content: Content) -> pygit2.Oid:
        # The object is written as bytes: a tree builder would refuse the names that the tests need.
        lines = []
        for name, value in content.items():
            if isinstance(value, tuple):
                mode, blob = value[0], self.repository.create_blob(value[1])
            else:
                mode, blob = TREE, self.tree(value)
            key = name + ("/" if mode == TREE else "")
            lines.append((key.encode(), b"%o %s\0" % (mode, name.encode()) + blob.raw))
        return self.repository.write(pygit2.enums.ObjectType.TREE, b"".join(line for _, line in sorted(lines)))

    def commit(self, content: Content) -> str:
        someone = pygit2.Signature("Ada Example", "ada@example.org", 1_700_000_000)
        return str(self.repository.create_commit(None, someone, someone, "a state", self.tree(content), []))


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "store.git")


@pytest.fixture
def pool(tmp_path: Path, history: History) -> Pool:
    return Pool(tmp_path / "slots", history.path)


BASE: Content = {
    "Makefile": (BLOB, b"all:\n"),
    "mm": {"memory.c": (BLOB, b"int a;\n"), "gup.c": (BLOB, b"int b;\n")},
    "scripts": {"run.sh": (PROGRAM, b"#!/bin/sh\n"), "link": (LINK, b"../Makefile")},
}


def listing(top: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(top.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(top))] = b"-> " + os.fsencode(path.readlink())
        elif path.is_file():
            found[str(path.relative_to(top))] = path.read_bytes()
        elif not any(path.iterdir()):
            found[str(path.relative_to(top))] = b"an empty folder"
    return found


def test_a_checkout_holds_exactly_the_tree(history: History, pool: Pool) -> None:
    source = pool.checkout(history.commit(BASE), "one")
    assert listing(source) == {
        "Makefile": b"all:\n",
        "mm/memory.c": b"int a;\n",
        "mm/gup.c": b"int b;\n",
        "scripts/run.sh": b"#!/bin/sh\n",
        "scripts/link": b"-> ../Makefile",
    }
    assert (source / "scripts/run.sh").stat().st_mode & 0o777 == 0o755
    assert (source / "Makefile").stat().st_mode & 0o777 == 0o644


def test_it_is_readable_for_the_sandbox_whatever_the_umask(history: History, pool: Pool) -> None:
    before = os.umask(0o077)
    try:
        source = pool.checkout(history.commit(BASE), "one")
    finally:
        os.umask(before)
    assert (source / "mm").stat().st_mode & 0o777 == 0o755
    assert (source / "mm/gup.c").stat().st_mode & 0o777 == 0o644


def test_a_move_touches_only_what_changed(history: History, pool: Pool) -> None:
    source = pool.checkout(history.commit(BASE), "one", fresh=False)
    old = {name: (source / name).stat() for name in ("Makefile", "mm/memory.c", "mm/gup.c")}
    pool.checkout(
        history.commit({**BASE, "mm": {"memory.c": (BLOB, b"int changed;\n"), "new.c": (BLOB, b"\n")}}), "one"
    )
    assert (source / "mm/memory.c").read_bytes() == b"int changed;\n"
    assert (source / "mm/memory.c").stat().st_mtime > old["mm/memory.c"].st_mtime + 1_000_000
    assert (source / "Makefile").stat() == old["Makefile"]
    assert not (source / "mm/gup.c").exists()
    assert (source / "mm/new.c").exists()


def test_a_base_gets_old_time_stamps(history: History, pool: Pool) -> None:
    source = pool.checkout(history.commit(BASE), "one", fresh=False)
    assert {path.lstat().st_mtime for path in source.rglob("*") if not path.is_dir()} == {1_000_000_000}


def test_a_changed_mode_is_a_change(history: History, pool: Pool) -> None:
    source = pool.checkout(history.commit(BASE), "one")
    pool.checkout(history.commit({**BASE, "Makefile": (PROGRAM, b"all:\n")}), "one")
    assert (source / "Makefile").stat().st_mode & 0o777 == 0o755


def test_files_folders_and_links_take_each_others_places(history: History, pool: Pool, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    states: list[Content] = [
        {"x": (LINK, os.fsencode(outside))},
        {"x": {"y": {"z": (BLOB, b"deep")}}},
        {"x": (BLOB, b"flat")},
        {"x": {"y": (LINK, os.fsencode(outside))}},
        {"x": {"y": {"z": (BLOB, b"deep again")}}},
        {},
    ]
    for state in states:
        source = pool.checkout(history.commit(state), "one")
        fresh = Pool(tmp_path / "other", history.path)
        assert listing(source) == listing(fresh.checkout(history.commit(state), "fresh"))
        fresh.remove("fresh")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["..", ".", ".git", ".GIT"])
def test_impossible_names_are_refused(history: History, pool: Pool, tmp_path: Path, name: str) -> None:
    bad: Content = {"mm": {name: {"evil": (BLOB, b"x")}}}
    with pytest.raises(AuthorError, match="no source tree may have"):
        pool.checkout(history.commit(bad), "one")
    assert not list(tmp_path.rglob("evil"))


def test_a_link_that_was_put_in_the_way_is_not_followed(history: History, pool: Pool, tmp_path: Path) -> None:
    source = pool.checkout(history.commit(BASE), "one")
    outside = tmp_path / "outside"
    outside.mkdir()
    (source / "mm").rename(source / "was-mm")
    (source / "mm").symlink_to(outside)
    with pytest.raises(OperatorError):
        pool.checkout(history.commit({**BASE, "mm": {"new.c": (BLOB, b"x")}}), "one")
    assert list(outside.iterdir()) == []


def test_a_move_that_was_interrupted_is_repaired(
    history: History, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second: Content = {
        "mm": {name: (BLOB, name.encode()) for name in ("a.c", "b.c", "memory.c")},
        "scripts": (BLOB, b"a file now"),
    }
    third: Content = {**BASE, "mm": {"memory.c": (BLOB, b"third")}}
    steps = 0

    class Killed(BaseException):
        pass

    write = worktrees._Writer.write

    for dies_at in range(1, 5):
        source = pool.checkout(history.commit(BASE), "one")

        def dying(self: worktrees._Writer, path: bytes, entry: worktrees._Entry, last: int = dies_at) -> None:
            nonlocal steps
            steps += 1
            if steps == last:
                raise Killed
            write(self, path, entry)

        steps = 0
        with monkeypatch.context() as patch:
            patch.setattr(worktrees._Writer, "write", dying)
            with pytest.raises(Killed):
                pool.checkout(history.commit(second), "one")
        pool.checkout(history.commit(third), "one")
        clean = Pool(tmp_path / "clean", history.path)
        assert listing(source) == listing(clean.checkout(history.commit(third), "x"))
        clean.remove("x")


_MOVES = """
import sys
from pathlib import Path
from reviewbot.tree.worktrees import Pool
pool = Pool(Path(sys.argv[1]), Path(sys.argv[2]))
print("ready", flush=True)
while True:
    for commit in sys.argv[3:]:
        pool.checkout(commit, "one")
"""


def test_a_worktree_whose_process_was_killed_holds_exactly_what_is_asked_for_next(
    history: History, pool: Pool, tmp_path: Path
) -> None:
    def state(which: int) -> Content:
        files = {f"f{number}.c": (BLOB, f"int f{number}_{which};\n".encode()) for number in range(which, 200, which)}
        kinds: tuple[Content, ...] = ({"x": (BLOB, b"file")}, {"x": {"y": (BLOB, b"deep")}}, {"x": (LINK, b"mm")})
        return {"mm": files, **kinds[which - 1]}

    commits = [history.commit(state(which)) for which in (1, 2, 3)]
    last = history.commit(BASE)
    chance = random.Random(1)
    for _ in range(8):
        command = [sys.executable, "-c", _MOVES, str(tmp_path / "slots"), str(history.path), *commits]
        victim = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert victim.stdout is not None
        victim.stdout.readline()
        time.sleep(chance.uniform(0.01, 0.2))
        victim.kill()
        victim.communicate()
        wanted = chance.choice([*commits, last])
        clean = Pool(tmp_path / "clean", history.path)
        assert listing(pool.checkout(wanted, "one")) == listing(clean.checkout(wanted, "x"))
        clean.remove("x")


def test_a_directory_without_its_note_is_made_anew(history: History, pool: Pool) -> None:
    source = pool.checkout(history.commit(BASE), "one")
    (source / "stray.o").write_bytes(b"left over")
    (source.parent / "holds.json").write_text("not json")
    assert "stray.o" not in listing(pool.checkout(history.commit(BASE), "one"))


def test_a_slot_has_one_user_at_a_time(history: History, pool: Pool, tmp_path: Path) -> None:
    commit = history.commit(BASE)
    other = Pool(tmp_path / "slots", history.path)
    with pool:
        pool.checkout(commit, "one")
        with pytest.raises(TransientError, match="in use"):
            other.checkout(commit, "one")
        other.checkout(commit, "two")
    assert other.checkout(commit, "one").is_dir()
    assert other.slots() == ["one", "two"]


def test_what_cannot_be_is_said(history: History, pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not in the repository"):
        pool.checkout("0" * 40, "one")
    with pytest.raises(OperatorError, match="no name for a worktree slot"):
        pool.checkout(history.commit(BASE), "../one")
    with pytest.raises(OperatorError, match="no git repository"):
        Pool(tmp_path / "slots2", tmp_path / "nowhere").checkout("0" * 40, "one")
