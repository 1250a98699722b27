"""Mailboxes of any mails whatsoever, as honest programs write them, and what has to come out of each."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

_FROM = re.compile(rb"^From ", re.MULTILINE)
_QUOTED = re.compile(rb"^(>*From )", re.MULTILINE)
_ONE_MARK = re.compile(rb"^>(>*From )", re.MULTILINE)


def mbox(mails: Sequence[bytes]) -> bytes:
    """Return an mbox: ``From `` gets a mark, but no second one, so that nobody can tell who wrote the first."""
    separator = b"From ada@example.org Tue Mar  4 10:00:00 2025\n"
    return b"".join(separator + _marked(_ended(mail), _FROM, b">From ") + b"\n" for mail in mails)


def from_mbox(mail: bytes) -> bytes:
    """Return what an mbox can give back of a mail: ended, and one mark less where it was written with one."""
    return _marked(_marked(_ended(mail), _FROM, b">From "), _ONE_MARK, rb"\1")


def mboxrd(mails: Sequence[bytes]) -> bytes:
    """Return an mboxrd, as public-inbox writes it: every quoted ``From `` gets one mark more."""
    separator = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
    return b"".join(separator + _marked(_ended(mail), _QUOTED, rb">\1") + b"\n" for mail in mails)


def from_mboxrd(mail: bytes) -> bytes:
    """Return what an mboxrd gives back of a mail: all of it, with the end of its last line."""
    return _ended(mail)


def _marked(mail: bytes, lines: re.Pattern[bytes], by: bytes) -> bytes:
    return lines.sub(by, mail) if b"From " in mail else mail


def _ended(mail: bytes) -> bytes:
    return mail if mail.endswith(b"\n") else mail + b"\n"


def write_maildir(folder: Path, mails: Sequence[bytes]) -> None:
    """Write a maildir whose names are in the order of the mails."""
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    for number, mail in enumerate(mails):
        place = folder / "cur" / f"{number:08}.example:2,S" if number % 2 else folder / "new" / f"{number:08}.example"
        place.write_bytes(mail)


def write_epoch(repository: Path, mails: Sequence[bytes]) -> None:
    """Write an epoch of a public-inbox archive: one commit a mail, which is the file ``m``."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "master", repository], check=True)
    stream = b"".join(
        b"commit refs/heads/master\ncommitter A <a@example.org> %d +0000\ndata 0\n"
        b"deleteall\nM 100644 inline m\ndata %d\n%s\n" % (1_700_000_000 + number, len(mail), mail)
        for number, mail in enumerate(mails)
    )
    subprocess.run(["git", f"--git-dir={repository}", "fast-import", "--quiet"], input=stream, check=True)


def difference(wanted: Sequence[bytes], found: Sequence[bytes]) -> str:
    """Say what did not come out as it went in, "" when all did, in order and with the same bytes."""
    if len(found) != len(wanted):
        return f"{len(found)} of {len(wanted)} mails came out"
    other = [number for number, pair in enumerate(zip(wanted, found, strict=True)) if pair[0] != pair[1]]
    return f"mail {other[0]} and {len(other) - 1} more came out with other bytes" if other else ""
