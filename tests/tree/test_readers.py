"""Reading a tree from a directory, from a commit, and with files replaced."""

from pathlib import Path

import pygit2
import pytest

from reviewbot.errors import NotFoundError
from reviewbot.tree.files import Files
from reviewbot.tree.readers import DirectoryFiles, GitFiles, OverlayFiles, blob_name, open_tree, safe_path

_CONTENT = {"mm/a.c": b"int pte;\n", "mm/b/c.h": b"int pmd;\n", "mm/b/notes.txt": b"pmd\n", "z.c": b""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    for path, data in _CONTENT.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(data)
    return top


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    repository = pygit2.init_repository(str(tmp_path / "k.git"), bare=True)
    index = pygit2.Index()
    for path, data in _CONTENT.items():
        index.add(pygit2.IndexEntry(path, repository.create_blob(data), pygit2.enums.FileMode.BLOB))
    who = pygit2.Signature("A. Tester", "a@example.org", 0, 0)
    repository.create_commit("refs/heads/main", who, who, "one", index.write_tree(repository), [])
    return tmp_path / "k.git"


@pytest.fixture(params=["directory", "commit", "overlay"])
def files(request: pytest.FixtureRequest, folder: Path, bare: Path) -> Files:
    if request.param == "directory":
        return DirectoryFiles(folder)
    if request.param == "commit":
        return open_tree(f"{bare}@main")
    return OverlayFiles(DirectoryFiles(folder), {"mm/a.c": _CONTENT["mm/a.c"]})


def test_every_reader_says_the_same(files: Files) -> None:
    assert list(files.paths()) == sorted(_CONTENT)
    assert list(files.paths("mm/b")) == ["mm/b/c.h", "mm/b/notes.txt"]
    assert files.read("mm/a.c") == b"int pte;\n"
    assert files.blob("mm/a.c") == blob_name(b"int pte;\n")
    assert files.containing(["pmd", "nothing"]) == ["mm/b/c.h"]
    assert files.containing(["pte"], ["mm/b"]) == []


@pytest.mark.parametrize("path", ["mm", "mm/x.c", "../tree/z.c", "/etc/passwd", "", "mm/../../x", "a\0b"])
def test_what_is_not_a_file_of_the_tree_is_none(files: Files, path: str) -> None:
    assert files.read(path) is None
    assert files.blob(path) is None


def test_links_are_not_followed(folder: Path) -> None:
    (folder / "out.c").symlink_to("/etc/passwd")
    assert DirectoryFiles(folder).read("out.c") is None
    assert "out.c" not in list(DirectoryFiles(folder).paths())


def test_an_overlay_replaces_adds_and_removes(folder: Path) -> None:
    files = OverlayFiles(DirectoryFiles(folder), {"mm/a.c": b"pmd", "new.h": b"pmd", "z.c": None})
    assert files.containing(["pmd"]) == ["mm/a.c", "mm/b/c.h", "new.h"]
    assert files.read("z.c") is None
    assert "z.c" not in list(files.paths())
    assert files.blob("new.h") == blob_name(b"pmd")


def test_a_directory_of_files_is_an_overlay(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "over" / "mm").mkdir(parents=True)
    (tmp_path / "over" / "mm" / "a.c").write_text("changed")
    files = open_tree(str(folder), tmp_path / "over")
    assert files.read("mm/a.c") == b"changed"
    assert files.read("z.c") == b""


@pytest.mark.parametrize("spec", ["nowhere", "nowhere@main", "{bare}@gone", "{bare}@"])
def test_what_is_not_there_is_said(spec: str, bare: Path) -> None:
    with pytest.raises(NotFoundError):
        open_tree(spec.format(bare=bare))


def test_a_folder_that_is_no_repository_is_refused(folder: Path) -> None:
    with pytest.raises(NotFoundError, match="not a git repository"):
        GitFiles(folder, "HEAD")


def test_a_path_stays_below_the_top() -> None:
    assert safe_path("a/b.c")
    assert not any(map(safe_path, ["../a", "/a", "", "a/../../b"]))


def test_a_link_within_a_path_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/secret.c").write_text("secret\n")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/mm").symlink_to("../out")
    assert DirectoryFiles(tmp_path / "tree").read("mm/secret.c") is None
