"""The command that an author runs."""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reviewbot.mail.mbox import split_mbox
from reviewbot.tree.__main__ import main
from reviewbot.tree.notes import checked_name
from reviewbot.tree.upstream import UPSTREAMS, Upstream
from tests.tree.project import Project, mail, source


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
    assert main(["apply", str(mbox), "--tree", str(project.path)]) == 0
    assert capsys.readouterr().out.endswith("(6.12.7): applies.\n")


def test_the_tree_of_a_plain_directory_is_the_one_that_git_makes(
    project: Project, mbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.path / "mm/link").symlink_to("nowhere")
    project.commit({"tools/sub/run": "#!/bin/sh\n", "mm.c": "sorts before the folder mm\n", "mm/ü": b"\xff\0"})
    (project.path / "tools/sub/run").chmod(0o755)
    base = project.commit()
    expected = project.am(base, f"{project.git('format-patch', '--stdout', f'{project.start}..main')}\n".encode())
    shutil.rmtree(project.path / ".git")
    (project.path / "empty/folder").mkdir(parents=True)
    status, told = answer(capsys, mbox, "--tree", project.path)
    assert (status, told["tree"]) == (0, expected)
    assert told["patches"][-1]["tree"] == expected
    assert told["base"]["commit"]


@pytest.mark.parametrize(
    ("make", "spec"),
    [
        ((), "project"),
        ((), "project@main~2"),
        (("clone", "-q", "--bare", ".", "../bare.git"), "bare.git@annotated"),
        (("clone", "-q", "--bare", ".", "../bare.git"), "bare.git@{start:.9}"),
        (("clone", "-q", "--mirror", ".", "../bare.git"), "bare.git@refs/tags/annotated"),
        (("clone", "-q", "--shared", ".", "../borrowing"), "borrowing"),
        (("clone", "-q", "--depth=1", "--branch=annotated", "file://{here}", "../shallow"), "shallow"),
        (("worktree", "add", "-q", "--detach", "../linked", "annotated"), "linked"),
        (("worktree", "add", "-q", "--no-checkout", "--detach", "../linked", "annotated"), "linked@HEAD"),
    ],
)
def test_every_form_of_a_tree(
    project: Project, mbox: Path, capsys: pytest.CaptureFixture[str], make: tuple[str, ...], spec: str
) -> None:
    project.git("tag", "-a", "-m", "A tag with words of its own", "annotated", project.start)
    project.git("config", "extensions.worktreeConfig", "true")
    if make:
        project.git(*(word.format(here=project.path) for word in make))
    tree = project.path.parent / spec.format(start=project.start)
    status, told = answer(capsys, mbox, "--tree", tree)
    assert status == 0, told["reason"]
    assert (told["base"]["commit"], told["tree"]) == (project.start, project.git("rev-parse", "main^{tree}"))


def as_maildir(mbox: Path) -> None:
    for number, raw in enumerate(split_mbox(io.BytesIO(mbox.read_bytes()))):
        file = mbox.parent / f"maildir/{('cur', 'new')[number % 2]}/{number}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)


def as_files(mbox: Path) -> None:
    (mbox.parent / "outgoing").mkdir()
    for number, raw in enumerate(re.split(rb"^(?=From [0-9a-f]{40} )", mbox.read_bytes(), flags=re.MULTILINE)[1:]):
        (mbox.parent / f"outgoing/{number:04}-x.patch").write_bytes(raw)


def as_mboxrd(mbox: Path) -> None:
    raw = mbox.read_bytes().replace(b"From ", b"From mboxrd@z Thu Jan  1 00:00:00 1970\nX-Was: ")
    (mbox.parent / "mboxrd").write_bytes(raw)


@pytest.mark.parametrize(
    ("change", "name", "patches"),
    [
        (as_maildir, "maildir", 2),
        (as_files, "outgoing", 2),
        (as_files, "outgoing/0001-x.patch", 1),
        (as_mboxrd, "mboxrd", 2),
        (lambda mbox: (mbox.parent / "t.mbox.gz").write_bytes(gzip.compress(mbox.read_bytes())), "t.mbox.gz", 2),
        (lambda mbox: (mbox.parent / "dos").write_bytes(mbox.read_bytes().replace(b"\n", b"\r\n")), "dos", 2),
    ],
)
def test_every_form_of_a_mailbox(
    project: Project,
    mbox: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Path], None],
    name: str,
    patches: int,
) -> None:
    change(mbox)
    status, told = answer(capsys, mbox.parent / name, "--tree", project.path)
    assert (status, told["applied"]) == (0, patches), told["reason"]


def test_what_quilt_mails(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project.edit("mm/gup.c", "gup_7(void)", "gup_7(int a)")
    lines = project.git("diff").split("\n")[4:]
    diff = "Index: linux/mm/gup.c\n====\n--- linux.orig/mm/gup.c\t2023-11-14 10:00:00\n+++ linux/mm/gup.c\n"
    file = tmp_path / "quilt.mbox"
    cover = b"From: Ada <ada@example.org>\nMessage-ID: <0@x>\nSubject: [patch 0/1] two\n\nA cover.\n"
    first = mail(diff + "\n".join(lines) + "\n").replace(b"[PATCH]", b"[patch 1/1]")
    first = first.replace(b"Message-ID", b"In-Reply-To: <0@x>\nMessage-ID")
    file.write_bytes(b"".join(b"From x@z Thu Jan  1 00:00:00 1970\n" + raw + b"\n" for raw in (cover, first)))
    tree = project.commit()
    status, told = answer(capsys, file, "--tree", f"{project.path}@{project.start}")
    assert status == 0, told["reason"]
    assert told["tree"] == project.git("rev-parse", f"{tree}^{{tree}}")


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
        (b"root:x:0:0:root:/root:/bin/sh\nmail:x:8:8::/var/mail:/bin/false\n", 2, "This is no mailbox"),
        (b"From: a@example.org\nSubject: hello\n", 2, "truncated"),
        (None, 3, "There is no mailbox"),
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
    assert capsys.readouterr().err.startswith("python -m reviewbot.tree: There is no tree ")


def test_wrong_usage_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["apply"])
    assert stopped.value.code == 2
    assert "usage: python -m reviewbot.tree apply" in capsys.readouterr().err


def test_a_series_of_which_a_part_is_missing_is_never_just_said_to_apply(
    project: Project, mbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mails = split_mbox(io.BytesIO(mbox.read_bytes()))
    part = mbox.with_name("part.mbox")
    part.write_bytes(b"".join(b"From ada Mon Nov  2 09:14:12 2026\n" + one for one in list(mails)[:2]))
    assert main(["apply", str(part), "--tree", str(project.path)]) == 0
    assert "Only 1 of 2 patches are here; missing: 2." in capsys.readouterr().out
    assert answer(capsys, part, "--tree", project.path)[1]["series"]["missing"] == [2]
