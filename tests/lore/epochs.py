"""Archives in public-inbox's git layout, made for the tests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.mail.letters import letter


def git(repository: Path, *arguments: str, data: bytes | None = None) -> str:
    command = ["git", f"--git-dir={repository}", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout.decode().strip()


def mail(number: int) -> bytes:
    return letter(f"This is mail {number}.\n", message_id=f"<{number}@example.org>", subject=f"mail {number}")


def append(repository: Path, entries: Iterable[tuple[str, bytes]], *, anew: bool = False) -> None:
    """Add commits, each with one file: ``m`` for a mail, ``d`` for one that is taken back.

    :param anew: begin a new history, as a purge does.
    """
    if not (repository / "HEAD").exists():
        subprocess.run(["git", "init", "-q", "--bare", "-b", "master", repository], check=True)
    begun = not anew and git(repository, "for-each-ref", "refs/heads/master")
    stream = b"reset refs/heads/master\n\n" if anew else b""
    for name, raw in entries:
        stream += b"commit refs/heads/master\ncommitter A <a@example.org> 1700000000 +0000\ndata 0\n"
        stream += b"from refs/heads/master^0\n" if begun else b""
        stream += b"deleteall\nM 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(raw), raw)
        begun = "yes" if not anew else ""
        if begun:
            git(repository, "fast-import", "--quiet", "--force", data=stream)
            stream = b""
    if stream:
        git(repository, "fast-import", "--quiet", "--force", data=stream)
