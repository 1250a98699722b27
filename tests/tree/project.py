"""A small project under git, the mails of its changes, and git-am(1) as the oracle."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from reviewbot.mail.mbox import split_mbox
from reviewbot.mail.parse import parse_message
from reviewbot.mail.subject import bare
from reviewbot.series.model import Patch
from reviewbot.tree.apply import apply_series
from reviewbot.tree.model import Attempt, Base
from reviewbot.tree.store import Store

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ada Example",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada Example",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0100",
    "GIT_COMMITTER_DATE": "1700000000 +0100",
}

#: what a file becomes: its content, or None to delete it
Content = Mapping[str, "str | bytes | None"]


def source(name: str, lines: int = 40) -> str:
    """Return a file of distinct lines."""
    return "".join(f"static int {name}_{number}(void) {{ return {number}; }}\n" for number in range(lines))


class Project:
    """A work tree with one commit at first."""

    def __init__(self, folder: Path, content: Content | None = None) -> None:
        self.path = folder
        folder.mkdir()
        self.git("init", "-q", "--initial-branch=main")
        self.start = self.commit(
            {
                "Makefile": "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 7\nEXTRAVERSION =\n",
                "mm/memory.c": source("memory"),
                "mm/gup.c": source("gup"),
                "kernel/fork.c": source("fork"),
                **(content or {}),
            },
            "Start",
        )

    def git(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, input=stdin, capture_output=True, env=ENVIRONMENT, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.decode("utf-8", "surrogateescape").strip() if check else str(done.returncode)

    def write(self, content: Content) -> None:
        for path, text in content.items():
            file = self.path / path
            if text is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode() if isinstance(text, str) else text)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.path / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    def commit(self, content: Content | None = None, message: str = "Change it") -> str:
        self.write(content or {})
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def mbox(self, since: str, *options: str) -> bytes:
        """Return the commits since one as git-format-patch(1) mails them."""
        done = subprocess.run(
            ["git", "format-patch", "--stdout", "--thread=deep", "--full-index", *options, f"{since}..HEAD"],
            cwd=self.path,
            capture_output=True,
            env=ENVIRONMENT,
            check=True,
        )
        return done.stdout

    def am(self, base: str, mbox: bytes, *options: str) -> str:
        """Return the tree that ``git am -3`` makes of the mails on a base, "" when it fails."""
        here = self.git("rev-parse", "HEAD")
        self.git("checkout", "-q", "--detach", base)
        failed = self.git("am", "-3", "-q", *options, stdin=mbox, check=False) != "0"
        tree = "" if failed else self.git("rev-parse", "HEAD^{tree}")
        if failed:
            self.git("am", "--abort", check=False)
        self.git("checkout", "-q", "-f", here)
        return tree


def patches(mbox: bytes) -> list[Patch]:
    """Return the mails of a mailbox as the patches of a series, in their order."""
    messages = [parse_message(raw) for raw in split_mbox(io.BytesIO(mbox))]
    return [Patch(number, message, bare(message.subject), "") for number, message in enumerate(messages, 1)]


def mail(diff: str, subject: str = "Change it", body: str = "Because.") -> bytes:
    """Return a patch mail written by hand."""
    return (
        "From: Ada Example <ada@example.org>\n"
        "To: linux-mm@example.org\n"
        "Date: Tue, 14 Nov 2023 23:13:20 +0100\n"
        "Message-ID: <hand-written@example.org>\n"
        f"Subject: [PATCH] {subject}\n"
        "MIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=UTF-8\n"
        "Content-Transfer-Encoding: 8bit\n"
        f"\n{body}\n\nSigned-off-by: Ada Example <ada@example.org>\n---\n{diff}"
    ).encode()


def base_of(store: Store, project: Project, commit: str) -> Base:
    """Make a commit of a project known to a store."""
    branch = store.import_repository("project", project.path, commit)
    return Base("project", branch.commit, "test", branch.describe)


def attempt(store: Store, project: Project, mbox: bytes, base: str = "") -> Attempt:
    """Apply the patches of a mailbox to a commit of the project, its first one when none is given."""
    return apply_series(store, base_of(store, project, base or project.start), patches(mbox))


def modify(project: Project) -> None:
    """Commit a change of one line."""
    project.edit("mm/memory.c", "memory_7(void)", "memory_7(int a)")
    project.commit()


def five_patches(project: Project) -> None:
    """Commit five changes, one after the other."""
    for number in range(5):
        project.edit("mm/memory.c", f"memory_{number * 8}(void)", f"memory_{number * 8}(int a)")
        project.commit({f"mm/file{number}.c": source(f"f{number}")}, f"Step {number}")
