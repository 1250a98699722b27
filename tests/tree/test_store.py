"""The store: imports that are recognised, trees that are found again, locks that do not outlive anybody."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reviewbot.errors import NotFoundError, OperatorError, TransientError
from reviewbot.tree.notes import called, kernel_version
from reviewbot.tree.store import Store
from tests.tree.project import ENVIRONMENT, Project, source


def archive(folder: Path, path: Path, top: str = "linux-6.12/") -> Path:
    """Pack a folder as distributions do: below one top folder."""
    mode = "w:xz" if path.suffix == ".xz" else "w"
    with tarfile.open(path, mode) as tar:
        for file in sorted(folder.rglob("*")):
            if ".git" not in file.relative_to(folder).parts:
                tar.add(file, f"{top}{file.relative_to(folder)}", recursive=False)
    return path


def test_a_directory_becomes_a_commit_with_its_very_tree(store: Store, project: Project) -> None:
    (project.path / "mm/run.sh").write_text("#!/bin/sh\n")
    (project.path / "mm/run.sh").chmod(0o755)
    (project.path / "mm/link").symlink_to("gup.c")
    project.commit()
    branch = store.import_directory("linux", project.path)
    assert str(store.commit(branch.commit).tree_id) == project.git("rev-parse", "HEAD^{tree}")
    assert branch.describe == "linux (6.12.7)"


@pytest.mark.parametrize("name", ["linux.tar", "linux.tar.xz"])
def test_an_archive_becomes_the_same_commit_without_its_top_folder(
    store: Store, project: Project, tmp_path: Path, name: str
) -> None:
    (project.path / "mm/link").symlink_to("gup.c")
    (project.path / "mm/new\nline").write_text("odd\n")
    project.commit()
    branch = store.import_directory("archive", archive(project.path, tmp_path / name))
    assert str(store.commit(branch.commit).tree_id) == project.git("rev-parse", "HEAD^{tree}")
    assert branch.commit == Store(tmp_path / "other").import_directory("directory", project.path).commit


def test_an_unchanged_source_is_recognised_without_reading_it(
    store: Store, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(project.path, tmp_path / "linux.tar")
    first = [store.import_directory("archive", path), store.import_directory("directory", project.path)]

    def fail(*_: object) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr("reviewbot.tree.importing._fast_import", fail)
    again = [store.import_directory("archive", path), store.import_directory("directory", project.path)]
    assert [branch.commit for branch in again] == [branch.commit for branch in first]
    os.utime(path)  # the same content under another date
    assert store.import_directory("archive", path).commit == first[0].commit


def test_a_changed_directory_is_read_again(store: Store, project: Project) -> None:
    first = store.import_directory("linux", project.path)
    project.write({"mm/gup.c": "changed\n"})
    second = store.import_directory("linux", project.path)
    assert second.commit != first.commit
    assert store.resolve("linux").commit == second.commit
    assert store.has_commit(first.commit)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", ".git/config", "a/.GIT/hooks"])
def test_an_archive_that_leads_elsewhere_is_not_taken(store: Store, tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        info = tarfile.TarInfo(name)
        info.size = 3
        tar.addfile(info, io.BytesIO(b"bad"))
    with pytest.raises(OperatorError, match="no tree can hold"):
        store.import_directory("evil", tmp_path / "evil.tar")
    assert store.branches() == ()
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"\xfd7zXZ\0 truncated"])
def test_what_is_no_archive_is_said_to_be_none(store: Store, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(OperatorError, match=r"cannot be read|no file in it"):
        store.import_directory("linux", tmp_path / "file")
    assert store.branches() == ()


def test_a_source_that_is_not_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="No such file"):
        store.import_directory("linux", tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "a..b", "x.lock", "a/.b", "x/"])
def test_names_that_cannot_name_a_tree(store: Store, project: Project, name: str) -> None:
    with pytest.raises(OperatorError, match="cannot be named"):
        store.import_directory(name, project.path)


def test_a_repository_on_this_machine_is_borrowed(store: Store, project: Project) -> None:
    branch = store.import_repository("arm64/for-next/core", project.path, "main")
    assert branch.commit == project.start
    assert not list((store.path / "objects").glob("??/*"))
    project.commit({"mm/gup.c": "more\n"})
    assert store.sync("arm64/for-next/core").commit == project.git("rev-parse", "HEAD")


def test_a_linked_worktree_is_borrowed_from_its_repository(store: Store, project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    assert store.import_repository("linked", tmp_path / "linked").commit == project.start


def test_a_remote_is_fetched_as_deep_as_wanted(store: Store, project: Project) -> None:
    for number in range(3):
        project.commit({"mm/gup.c": f"{number}\n"})
    url = f"file://{project.path}"
    branch = store.import_repository("shallow", url, "main", depth=1)
    assert branch.commit == project.git("rev-parse", "HEAD")
    assert not store.has_commit(project.git("rev-parse", "HEAD~2"))
    store.import_repository("deep", url, "main")
    assert store.has_commit(project.start)


def test_what_a_repository_does_not_have(store: Store, project: Project, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="has no commit nowhere"):
        store.import_repository("x", project.path, "nowhere")
    with pytest.raises(NotFoundError, match="no branch nowhere"):
        store.import_repository("x", f"file://{project.path}", "nowhere")
    with pytest.raises(TransientError, match="fetch failed"):
        store.import_repository("x", f"file://{tmp_path}/nothing", "main")
    with pytest.raises(TransientError):
        store.import_repository("x", "ext::sh -c 'touch pwned'://", "main")
    assert store.branches() == ()


def test_trees_are_found_by_name_or_commit(store: Store, project: Project) -> None:
    branch = store.import_directory("linux", project.path)
    assert store.resolve("linux") == branch
    assert store.resolve(branch.commit).commit == branch.commit
    with pytest.raises(NotFoundError, match="no tree named mm; known are: linux"):
        store.resolve("mm")
    with pytest.raises(NotFoundError, match="no tree named mm"):
        store.sync("mm")
    store.forget("linux")
    assert store.branches() == ()


def test_the_tip_at_a_time(store: Store, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "GIT_COMMITTER_DATE", "1710000000 +0000")
    later = project.commit({"mm/gup.c": "later\n"})
    store.import_repository("linux", project.path)
    assert store.tip_at("linux", datetime.fromtimestamp(1705000000, UTC)) == project.start
    assert store.tip_at("linux", datetime.fromtimestamp(1715000000, UTC)) == later
    assert store.tip_at("linux", datetime.fromtimestamp(1600000000, UTC)) == ""
    assert store.tip_at("unknown", datetime.now(UTC)) == ""


def test_a_rebuilt_branch_is_remembered_by_its_tips(store: Store, project: Project) -> None:
    store.import_repository("mm-unstable", project.path, "main")
    between = datetime.now(UTC)
    time.sleep(0.01)
    project.git("commit", "--amend", "-q", "-m", "rebuilt")
    rebuilt = store.sync("mm-unstable").commit
    assert rebuilt != project.start
    assert store.tip_at("mm-unstable", between) == project.start
    assert store.tip_at("mm-unstable", datetime.now(UTC)) == rebuilt


def test_a_borrowed_repository_that_is_gone_is_the_operators(store: Store, project: Project, tmp_path: Path) -> None:
    store.import_repository("linux", project.path)
    project.path.rename(tmp_path / "elsewhere")
    with pytest.raises(OperatorError, match="objects of linux are gone"):
        Store(store.path).resolve("linux")


def test_pruning_removes_what_a_dead_process_left_and_nothing_else(store: Store) -> None:
    left = store.path / "tmp" / "left"
    left.mkdir()
    with store.scratch() as used:
        for folder in (left, used):
            os.utime(folder, (0, 0))
        store.prune()
        assert used.is_dir()
        assert not left.exists()
    assert not used.exists()


def test_a_store_that_cannot_be_written_is_the_operators(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match="cannot be written"):
        Store(tmp_path / "file" / "store")


@pytest.mark.parametrize(
    ("makefile", "version"),
    [
        ("VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 48\nEXTRAVERSION =\n", "6.12.48"),
        ("VERSION = 6\nPATCHLEVEL = 14\nSUBLEVEL = 0\nEXTRAVERSION = -rc3\n", "6.14.0-rc3"),
        ("all:\n\techo VERSION\n", ""),
        ("", ""),
    ],
)
def test_the_version_of_a_makefile(makefile: str, version: str) -> None:
    assert kernel_version(makefile) == version


def test_an_import_that_was_killed_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    big = Project(tmp_path / "big", {f"mm/f{number}.c": source(f"f{number}", 400) for number in range(300)})
    code = "import sys; from reviewbot.tree.store import Store; Store(sys.argv[1]).import_directory('big', sys.argv[2])"
    for delay in (0.15, 0.25, 0.3, 0.4):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "store"), str(big.path)])
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
    store = Store(tmp_path / "store")
    store.forget("big")  # it may have been whole before it was killed, and would not be read again
    stale = store.path / "refs/trees/big.lock"
    stale.parent.mkdir(parents=True, exist_ok=True)
    stale.touch()
    branch = store.import_directory("big", big.path)
    assert str(store.commit(branch.commit).tree_id) == big.git("rev-parse", "HEAD^{tree}")
    store.git.must("fsck", "--strict", "--no-dangling")
    assert not list(store.path.rglob("*.lock"))


@pytest.mark.parametrize(
    ("name", "version", "commit", "said"),
    [
        ("mm-unstable", "6.12.0-rc4", "", "mm-unstable (6.12.0-rc4)"),
        ("mm-unstable", "6.12.0-rc4", "0123456789abcdef", "mm-unstable at 0123456789ab (6.12.0-rc4)"),
        ("linux-source-6.12", "6.12.48", "", "linux-source-6.12 (6.12.48)"),
        ("v6.12", "6.12.0", "", "v6.12"),
        ("linux-6.12", "6.12.0", "0123456789abcdef", "linux-6.12 at 0123456789ab"),
        ("v6.12.48", "6.12.48", "", "v6.12.48"),
        ("v16.1", "6.1.0", "", "v16.1 (6.1.0)"),
        ("project", "", "", "project"),
    ],
)
def test_a_version_is_told_once(name: str, version: str, commit: str, said: str) -> None:
    assert called(name, version, commit) == said
