"""Hostile patches: nothing but the object store is written, nothing runs, and the author gets one sentence."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reviewbot.tree import letter, screen
from reviewbot.tree.apply import apply_series
from reviewbot.tree.model import Attempt
from reviewbot.tree.store import Store
from tests.tree.project import ENVIRONMENT, Project, base_of, mail, patches, source


def creating(path: str, mode: str = "100644", line: str = "owned") -> str:
    return (
        f"diff --git a/{path} b/{path}\nnew file mode {mode}\nindex 0000000..1111111\n"
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{line}\n"
    )


def linking(path: str, target: str) -> str:
    return creating(path, "120000", target) + "\\ No newline at end of file\n"


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Canaries beside the store: a function that says nothing has touched them."""
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "file").write_text("alive")

    def unharmed() -> None:
        assert sorted(path.name for path in canary.iterdir()) == ["file"]
        assert (canary / "file").read_text() == "alive"
        assert {path.name for path in tmp_path.iterdir()} <= {"canary", "store", "project"}
        assert not list(tmp_path.rglob("pwned*"))

    yield unharmed
    unharmed()


def refused(store: Store, project: Project, *mails: bytes) -> str:
    """Apply mails and return the one sentence that refuses them."""
    before = project.git("rev-parse", "HEAD^{tree}")
    result = attempt(store, project, *mails)
    assert result.reject is not None
    assert "\n" not in result.reject.reason
    assert not any(ord(character) < 32 for character in result.reject.reason)
    assert project.git("rev-parse", "HEAD^{tree}") == before
    assert not list((store.path / "tmp").iterdir())
    return result.reject.reason


def attempt(store: Store, project: Project, *mails: bytes) -> Attempt:
    series = [replace(patches(raw)[0], number=number) for number, raw in enumerate(mails, 1)]
    return apply_series(store, base_of(store, project, project.start), series)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("../canary/file", "leads out of the tree"),
        ("mm/../../canary/file", "leads out of the tree"),
        ("/etc/passwd", "absolute"),
        (".git/config", "belongs to git"),
        (".git/hooks/pre-commit", "belongs to git"),
        ("mm/.GIT/config", "belongs to git"),
        ("mm/git~1/config", "belongs to git"),
        ("mm/.git./config", "belongs to git"),
        ("mm/.g\u200cit/config", "belongs to git"),
        ("mm//x.c", "no path of a file"),
        ("mm/\u202ec.x", "invisible"),
        ("mm/.git::$INDEX_ALLOCATION/config", "belongs to git"),
        ("mm/.git", "belongs to git"),
        ("a" * 300, "longer than a file system takes"),
        ("a/" * 1900 + "x", "deeper than any kernel file"),
    ],
)
@pytest.mark.usefixtures("outside")
def test_paths_that_are_none(store: Store, project: Project, path: str, complaint: str) -> None:
    assert complaint in refused(store, project, mail(creating(path)))


@pytest.mark.usefixtures("outside")
def test_quoted_names_with_newlines_and_escapes(store: Store, project: Project) -> None:
    diff = creating("PATH").replace("a/PATH", r'"a/mm/x\n\033[2Jy"').replace("b/PATH", r'"b/mm/x\n\033[2Jy"')
    assert "control characters" in refused(store, project, mail(diff))


@pytest.mark.parametrize(
    ("quoted", "complaint"),
    [(r"\056\056/canary/file", "leads out"), (r".g\151t/config", "belongs to git"), (r"\057etc/passwd", "absolute")],
)
@pytest.mark.usefixtures("outside")
def test_quoted_names_that_hide_what_they_are(store: Store, project: Project, quoted: str, complaint: str) -> None:
    diff = creating("PATH").replace("a/PATH", f'"a/{quoted}"').replace("b/PATH", f'"b/{quoted}"')
    assert complaint in refused(store, project, mail(diff))


@pytest.mark.parametrize(
    ("what", "old", "new", "complaint"),
    [
        ("rename", "mm/gup.c", ".git/hooks/post-checkout", "belongs to git"),
        ("rename", "mm/gup.c", "../canary/file", "leads out"),
        ("copy", "/etc/passwd", "mm/gup2.c", "absolute"),
        ("copy", "../canary/file", "mm/gup2.c", "leads out"),
    ],
)
@pytest.mark.usefixtures("outside")
def test_renames_and_copies_over_the_border(
    store: Store, project: Project, what: str, old: str, new: str, complaint: str
) -> None:
    diff = f"diff --git a/mm/gup.c b/mm/gup2.c\nsimilarity index 100%\n{what} from {old}\n{what} to {new}\n"
    assert complaint in refused(store, project, mail(diff))


@pytest.mark.usefixtures("outside")
def test_a_file_that_is_turned_into_a_link(store: Store, project: Project) -> None:
    diff = (
        "diff --git a/mm/gup.c b/mm/gup.c\ndeleted file mode 100644\n--- a/mm/gup.c\n+++ /dev/null\n@@ -1,40 +0,0 @@\n"
        + "".join(f"-{line}\n" for line in source("gup").splitlines())
        + linking("mm/gup.c", "../../canary/file")
    )
    assert "outside of the tree" in refused(store, project, mail(diff))


@pytest.mark.usefixtures("outside")
def test_ten_thousand_hunks_are_taken(store: Store, project: Project) -> None:
    lines = [f"int line_{number};\n" for number in range(40_000)]
    project.start = project.commit({"mm/long.c": "".join(lines)})
    hunks = "".join(
        f"@@ -{at},3 +{at},3 @@\n {lines[at - 1]}-{lines[at]}+int x;\n {lines[at + 1]}" for at in range(1, 39_998, 4)
    )
    result = attempt(
        store, project, mail(f"diff --git a/mm/long.c b/mm/long.c\n--- a/mm/long.c\n+++ b/mm/long.c\n{hunks}")
    )
    assert result.applies
    assert store.commit(result.patches[0].commit).tree["mm/long.c"].data.count(b"int x;\n") == 10_000


@pytest.mark.usefixtures("outside")
def test_names_that_are_no_utf8(store: Store, project: Project) -> None:
    diff = creating("PATH").replace("a/PATH", r'"a/mm/\377"').replace("b/PATH", r'"b/mm/\377"')
    assert "no text" in refused(store, project, mail(diff))


@pytest.mark.usefixtures("outside")
def test_the_two_headers_naming_different_files(store: Store, project: Project) -> None:
    diff = (
        "diff --git a/mm/new.c b/mm/new.c\nnew file mode 100644\n--- /dev/null\n"
        "+++ b/../canary/file\n@@ -0,0 +1 @@\n+owned\n"
    )
    refused(store, project, mail(diff))


@pytest.mark.parametrize("target", ["/etc/passwd", "../../canary/file", "../..", "mm/../../.."])
@pytest.mark.usefixtures("outside")
def test_links_that_lead_out(store: Store, project: Project, target: str) -> None:
    assert "outside of the tree" in refused(store, project, mail(linking("mm/link", target)))


@pytest.mark.usefixtures("outside")
def test_an_honest_link_that_is_bent_later(store: Store, project: Project) -> None:
    honest = mail(linking("mm/link", "gup.c"))
    bent = (
        "diff --git a/mm/link b/mm/link\nindex 0000001..1111111 120000\n--- a/mm/link\n+++ b/mm/link\n"
        "@@ -1 +1 @@\n-gup.c\n\\ No newline at end of file\n+/etc/passwd\n\\ No newline at end of file\n"
    )
    assert "outside of the tree" in refused(store, project, honest, mail(bent))


@pytest.mark.usefixtures("outside")
def test_writing_through_a_link(store: Store, project: Project) -> None:
    link = mail(linking("mm/link", "../kernel"))
    result = attempt(store, project, link, mail(creating("mm/link/pwned.c")))
    assert [patch.number for patch in result.patches] == [1]
    assert result.reject is not None
    assert "symbolic link" in result.reject.reason


@pytest.mark.usefixtures("outside")
def test_writing_through_a_link_that_the_tree_has(store: Store, project: Project) -> None:
    (project.path / "link").symlink_to("../canary")
    project.start = project.commit()
    assert "symbolic link" in refused(store, project, mail(creating("link/pwned")))


@pytest.mark.parametrize(
    ("mode", "complaint"),
    [
        ("160000", "submodule"),
        ("060644", "block device"),
        ("020644", "character device"),
        ("010644", "pipe"),
        ("104755", "setuid"),
        ("102755", "setuid"),
        ("040000", "git keeps only"),
    ],
)
@pytest.mark.usefixtures("outside")
def test_modes_that_no_kernel_file_has(store: Store, project: Project, mode: str, complaint: str) -> None:
    assert complaint in refused(store, project, mail(creating("mm/file", mode)))


@pytest.mark.usefixtures("outside")
def test_a_mode_that_is_changed_to_setuid(store: Store, project: Project) -> None:
    diff = "diff --git a/mm/gup.c b/mm/gup.c\nold mode 100644\nnew mode 104755\n"
    assert "setuid" in refused(store, project, mail(diff))


@pytest.mark.usefixtures("outside")
def test_a_diff_of_a_hundred_megabytes(store: Store, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = mail(creating("mm/huge.c"))
    padded = patches(huge)[0]
    padded = replace(padded, message=replace(padded.message, raw=huge + b"+\n" * (50 << 20)))
    result = apply_series(store, base_of(store, project, project.start), [padded])
    assert result.reject is not None
    assert "MiB" in result.reject.reason
    assert letter.MAX_MAIL < 100 << 20


@pytest.mark.usefixtures("outside")
def test_a_diff_of_a_hundred_thousand_files(store: Store, project: Project) -> None:
    diff = "".join(f"diff --git a/f{n} b/f{n}\nnew file mode 100644\n" for n in range(100_000))
    assert f"more than {screen.MAX_FILES}" in refused(store, project, mail(diff))


@pytest.mark.usefixtures("outside")
def test_a_binary_patch_that_unpacks_to_gigabytes(store: Store, project: Project) -> None:
    packed = base64.b85encode(zlib.compress(b"\0" * 52)).decode()
    diff = (
        f"diff --git a/bomb b/bomb\nnew file mode 100644\nindex {'0' * 40}..{'1' * 40}\n"
        f"GIT binary patch\nliteral 9000000000\nU{packed}\n\nliteral 0\nHcmV?d00001\n\n"
    )
    assert "binary files" in refused(store, project, mail(diff))


@pytest.mark.usefixtures("outside")
def test_filters_hooks_attributes_and_configuration_in_the_tree(store: Store, project: Project, tmp_path: Path) -> None:
    trap = f"touch {tmp_path}/pwned"
    project.start = project.commit(
        {
            ".gitattributes": "* filter=trap diff=trap merge=trap\n*.c text eol=crlf\n",
            "hooks/post-applypatch": f"#!/bin/sh\n{trap}\n",
            "config": f'[filter "trap"]\n\tclean = {trap}\n\tsmudge = {trap}\n[core]\n\tfsmonitor = {trap}\n',
        }
    )
    for hook in ("applypatch-msg", "pre-commit", "post-commit", "reference-transaction", "post-index-change"):
        file = project.path / ".git/hooks" / hook
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{trap}\n")
        file.chmod(0o755)
    for key in ("filter.trap.clean", "filter.trap.smudge", "core.fsmonitor", "merge.trap.driver", "core.sshCommand"):
        with (project.path / ".git/config").open("a") as config:
            section, _, name = key.rpartition(".")
            head, _, rest = section.partition(".")
            config.write(f'[{head} "{rest}"]\n\t{name} = {trap}\n' if rest else f"[{head}]\n\t{name} = {trap}\n")
    text = source("memory").replace("memory_7(void)", "memory_7(int a)").splitlines()
    diff = (
        "diff --git a/mm/memory.c b/mm/memory.c\n--- a/mm/memory.c\n+++ b/mm/memory.c\n@@ -7,3 +7,3 @@\n"
        f" {source('memory').splitlines()[6]}\n-{source('memory').splitlines()[7]}\n+{text[7]}\n {text[8]}\n"
    )
    result = attempt(store, project, mail(diff))
    assert result.applies
    blob = store.commit(result.patches[0].commit).tree["mm/memory.c"]
    assert blob.data.decode().splitlines() == text
    assert not (tmp_path / "pwned").exists()


@pytest.mark.usefixtures("outside")
def test_the_configuration_of_who_runs_it_has_no_say(
    store: Store, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "canary"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", f"touch {tmp_path}/pwned")
    monkeypatch.setenv("GIT_DIR", str(project.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(home / "index"))
    project.edit("mm/memory.c", "memory_7(void)", "memory_7(int a)")
    for name in ("GIT_CONFIG_COUNT", "GIT_DIR", "GIT_INDEX_FILE"):
        assert name not in ENVIRONMENT
    project.commit()
    assert attempt(store, project, project.mbox(project.start)).applies


@pytest.mark.parametrize("name", ["From", "Subject"])
@pytest.mark.usefixtures("outside")
def test_headers_that_would_forge_a_commit(store: Store, project: Project, name: str) -> None:
    raw = mail(creating("mm/new.c"))
    evil = "=?UTF-8?Q?Evil=0Acommitter_Root_=3Croot=40example.org=3E_0_+0000?="
    lines = [
        f"{name}: {evil} <a@example.org>" if line.startswith(f"{name}:") else line for line in raw.decode().split("\n")
    ]
    result = attempt(store, project, "\n".join(lines).encode())
    assert result.applies
    commit = store.commit(result.patches[0].commit)
    assert commit.committer.name == commit.author.name
    assert "\n" not in commit.author.name
    assert "<" not in commit.author.name


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Tue, 14 Nov 99999 23:13:20 +9999", "Thu, 01 Jan 1960 00:00:00 +0000"]
)
@pytest.mark.usefixtures("outside")
def test_dates_that_are_none(store: Store, project: Project, date: str) -> None:
    raw = mail(creating("mm/new.c")).replace(b"Tue, 14 Nov 2023 23:13:20 +0100", date.encode())
    assert attempt(store, project, raw).applies
