"""The command that an author runs."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reviewbot.tree.__main__ import main
from reviewbot.tree.notes import checked_name
from reviewbot.tree.upstream import UPSTREAMS, Upstream
from tests.tree.project import Project, source


@pytest.fixture
def mbox(project: Project, tmp_path: Path) -> Path:
    for number in (20, 21):
        project.edit("mm/memory.c", f"memory_{number}(void)", f"memory_{number}(int a)")
        project.commit(message=f"mm: step {number}")
    file = tmp_path / "series.mbox"
    file.write_bytes(project.mbox(project.start, "--cover-letter"))
    project.git("checkout", "-q", "--detach", project.start)
    return file


def answer(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    status = main(["apply", *map(str, arguments), "--format", "json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_checkout_is_its_head(project: Project, mbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project.path / "mm/memory.c").write_text("not committed\n")
    status, told = answer(capsys, mbox, "--tree", project.path)
    assert status == 0
    assert (told["applies"], told["applied"], told["first_failing"], told["reason"]) == (True, 2, None, "")
    assert told["method"] == "clean"
    assert told["tree"] == project.git("rev-parse", "main^{tree}")
    assert len(told["commits"]) == 2
    assert told["base"]["commit"] == project.start
    assert told["series"]["patches"] == 2
    assert project.git("status", "--porcelain") == "M mm/memory.c"


def test_a_bare_repository_at_a_revision(
    project: Project, mbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare.git"
    project.git("clone", "-q", "--bare", str(project.path), str(bare))
    before = sorted(str(path) for path in bare.rglob("*"))
    assert answer(capsys, mbox, "--tree", f"{bare}@{project.start[:10]}")[0] == 0
    assert answer(capsys, mbox, "--tree", f"{bare}@main")[1]["method"] == "already there"
    assert sorted(str(path) for path in bare.rglob("*")) == before


def test_a_plain_directory_of_which_only_the_touched_files_are_read(
    project: Project, mbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(project.path / ".git")
    (project.path / "kernel/fork.c").chmod(0)
    status, told = answer(capsys, mbox, "--tree", project.path)
    assert (status, told["applies"], told["tree"]) == (0, True, None)
    assert told["base"]["describe"].endswith("(6.12.7)")


def test_what_does_not_apply_is_said_precisely(
    project: Project, mbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(project.path / ".git")
    text = source("memory").replace("memory_19(void)", "memory_19(long)")
    (project.path / "mm/memory.c").write_text(text)
    status, told = answer(capsys, mbox, "--tree", project.path)
    assert (status, told["applies"], told["applied"], told["first_failing"]) == (2, False, 0, 1)
    assert told["reason"].startswith("mm/memory.c: hunk 1 (@@ -18,7 +18,7 @@) expects")
    assert told["reject"]["found_line"] == 18
    assert main(["apply", str(mbox), "--tree", str(project.path), "--explain"]) == 2
    shown = capsys.readouterr().out
    assert "does not apply" in shown
    assert "not tried" in shown
    assert "    | static int memory_19(void) { return 19; }\n" in shown
    assert "    | static int memory_19(long) { return 19; }\n" in shown


def test_a_file_that_moved_in_a_plain_directory(
    project: Project, mbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(project.path / ".git")
    (project.path / "mm/memory.c").unlink()
    (project.path / "lib").mkdir()
    (project.path / "lib/memory.c").write_text(source("memory").replace("memory_19(void)", "memory_19(long)"))
    assert "lib/memory.c has " in answer(capsys, mbox, "--tree", project.path)[1]["reason"]


def test_links_of_a_plain_directory_are_not_followed(
    project: Project, mbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(project.path / ".git")
    shutil.move(project.path / "mm", tmp_path / "elsewhere")
    (project.path / "mm").symlink_to(tmp_path / "elsewhere")
    status, told = answer(capsys, mbox, "--tree", project.path)
    assert status == 2
    assert "symbolic link" in told["reason"] or "not in the tree" in told["reason"]


def test_the_newest_version_unless_another_is_wanted(
    project: Project, mbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.git("checkout", "-q", "main")
    project.commit({"mm/gup.c": "int three;\n"}, "mm: step 22")
    with mbox.open("ab") as stream:
        second = project.mbox(project.start, "-v2", "--cover-letter")
        stream.write(second.replace(b".git.ada@", b".v2.git.ada@"))  # the commits of v1 are among them
    tree = f"{project.path}@{project.start}"
    assert answer(capsys, mbox, "--tree", tree)[1]["applied"] == 3
    assert answer(capsys, mbox, "--tree", tree, "--version", 1)[1]["applied"] == 2
    status, told = answer(capsys, mbox, "--tree", tree, "--version", 7)
    assert (status, told["applies"]) == (3, None)
    assert told["reason"] == "Version 7 is not in the mailbox; it has v1, v2."


def test_the_mailbox_may_come_through_a_pipe(
    project: Project, mbox: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(mbox.read_bytes())))
    assert answer(capsys, "-", "--tree", project.path)[0] == 0


def test_a_store_keeps_the_commits_and_knows_trees_by_name(
    project: Project, mbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "kept"
    assert main(["import", "linux", f"{project.path}@main", "--store", str(store)]) == 0
    assert main(["import", "snapshot", str(project.path / "mm"), "--store", str(store)]) == 0
    assert main(["list", "--store", str(store)]) == 0
    assert "linux (6.12.7)\t" in capsys.readouterr().out
    assert answer(capsys, mbox, "--tree", "linux", "--store", store)[1]["method"] == "already there"


def test_published_trees_need_no_address(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Upstream("mm-unstable", f"file://{project.path}", "main", "for this test")
    monkeypatch.setattr("reviewbot.tree.upstream.UPSTREAMS", (here,))
    assert main(["import", "mm-unstable", "--store", str(tmp_path / "kept")]) == 0
    assert capsys.readouterr().out == f"mm-unstable (6.12.7) {project.start}\n"
    assert main(["import", "unheard-of", "--store", str(tmp_path / "kept")]) == 3


def test_published_trees_have_names_that_a_store_takes() -> None:
    assert all(checked_name(known.name) == known.name for known in UPSTREAMS)


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"", 2, "empty"),
        (b"From: a@example.org\nSubject: hello\n\nno patch\n", 2, "no patch"),
        (None, 3, "cannot be read"),
    ],
)
def test_a_mailbox_that_holds_no_series(
    project: Project,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    status: int,
    reason: str,
) -> None:
    file = tmp_path / "odd.mbox"
    if content is not None:
        file.write_bytes(content)
    found, told = answer(capsys, file, "--tree", project.path)
    assert found == status
    assert reason in told["reason"]


def test_a_tree_that_is_not_there(mbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["apply", str(mbox), "--tree", str(tmp_path / "nowhere")]) == 3
    assert "There is no tree" in capsys.readouterr().err


def test_wrong_usage_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["apply"])
    assert stopped.value.code == 2
    assert "usage: python -m reviewbot.tree apply" in capsys.readouterr().err
