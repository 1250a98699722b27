"""From the bytes of a patch mail to what a commit is made of, read by git-mailinfo(1)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from itertools import takewhile
from pathlib import Path

from reviewbot.errors import AuthorError
from reviewbot.mail.diff import Diff, parse_diff
from reviewbot.series.model import Patch, Trailer
from reviewbot.tree.git import Git

#: bytes of one patch mail; the largest posted to a kernel list are a few megabytes
MAX_MAIL = 24 << 20
_TRAILER = re.compile(r"[A-Za-z][A-Za-z0-9-]*: \S|\(cherry picked from|\[.{3,}\]$|\s+\S")
_BY_GIT = ("Signed-off-by: ", "(cherry picked from commit ")
_HEADER_NAMES = ("Author", "Email", "Subject", "Date")


@dataclass(frozen=True)
class Letter:
    """A patch mail, opened.

    :ivar author: name and address, as git would record them.
    :ivar when: date of the author, with the author's offset.
    :ivar subject: first line of the commit message, brackets dropped.
    :ivar body: the rest of the message, scissors and in-body headers obeyed.
    :ivar diff: what is handed to git-apply(1).
    :ivar spare: the same diff with the line ends read the other way, b"" when that
        makes no difference: ``git am`` drops carriage returns that stand in the
        mail and keeps those that were encoded, and either can be wrong.
    """

    patch: Patch
    author: str
    email: str
    when: datetime
    subject: str
    body: str
    diff: bytes = field(repr=False)
    spare: bytes = field(default=b"", repr=False)

    @property
    def number(self) -> int:
        """Number of the patch within its series."""
        return self.patch.number

    @property
    def message_id(self) -> str:
        """Message-ID of the mail, without brackets."""
        return self.patch.message.message_id

    @cached_property
    def files(self) -> Diff:
        """The files that the diff touches."""
        return parse_diff(self.diff.decode("utf-8", "surrogateescape"), whole=True)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every path that is touched, before and after."""
        both = ((file.old_path, file.new_path) for file in self.files.files)
        return tuple(dict.fromkeys(path for pair in both for path in pair if path))

    def message(self, trailers: Iterable[Trailer] = (), *, name: bool = True) -> str:
        """Return the commit message with the collected trailers; the Message-ID is the last one where ``name`` is true.

        A trailer is added once, and not at all when its mail came from another
        address than it names.
        """
        lines = _cleaned(f"{self.subject}\n\n{self.body}")
        have = {" ".join(line.split()).lower() for line in lines}
        added = []
        for line in [
            *(_printable(str(trailer)).strip() for trailer in trailers if not trailer.mismatch),
            *([f"Message-ID: <{_one_line(self.message_id)}>"] if name else []),
        ]:
            if (words := " ".join(line.split()).lower()) not in have:
                have.add(words)
                added.append(line)
        if lines and added and not _ends_with_trailers(lines):
            lines.append("")
        return "\n".join([*lines, *added]) + "\n"


def open_letter(git: Git, patch: Patch, scratch: Path) -> Letter:
    """Read a patch mail as ``git am`` would, with scissors.

    :param scratch: folder for the two files that git-mailinfo writes.
    :raises AuthorError: when there is no patch in the mail, or far too much.
    """
    raw = patch.message.raw
    if len(raw) > MAX_MAIL:
        raise AuthorError(
            f"The mail has {len(raw) >> 20} MiB; a patch of more than {MAX_MAIL >> 20} MiB is not read: split it."
        )
    if raw.startswith(b"From "):
        raw = raw.partition(b"\n")[2]
    name = hashlib.sha256(raw).hexdigest()[:16]
    plain = raw.replace(b"\r\n", b"\n")
    info, body, diff = _mailinfo(git, plain, scratch, name)
    spare = b""
    if b"\r\n" in diff:
        spare = diff.replace(b"\r\n", b"\n")
    elif len(plain) < len(raw) and not raw.partition(b"\n")[0].endswith(b"\r"):
        spare = _mailinfo(git, raw, scratch, name)[2]
    message = patch.message
    email = _name(info.get("Email", "")) or _name(message.author.email) or "unknown"
    return Letter(
        patch=patch,
        author=_name(info.get("Author", "")) or _name(message.author.name) or email.partition("@")[0],
        email=email,
        when=_date(info.get("Date", ""), message.date),
        subject=_one_line(info.get("Subject", "")),
        body=body,
        diff=diff,
        spare=spare,
    )


def _mailinfo(git: Git, raw: bytes, scratch: Path, name: str) -> tuple[dict[str, str], str, bytes]:
    message, diff = scratch / f"{name}.message", scratch / f"{name}.diff"
    # -u, because git 2.39 forgets to re-encode the body when it is given --encoding=UTF-8.
    output = git.run("mailinfo", "-u", "--scissors", str(message), str(diff), stdin=raw)
    if not output.ok:
        reason = output.stderr.strip().splitlines()[-1:] or ["no reason given"]
        said = _one_line(reason[0]).removeprefix("error: ")[:200]
        raise AuthorError(f"The mail cannot be read as a patch: {said.rstrip('.')}.")
    lines = output.stdout.decode("utf-8", "replace").splitlines()
    info = {name: value for name, _, value in (line.partition(": ") for line in lines) if name in _HEADER_NAMES}
    return info, _text(message.read_bytes()), diff.read_bytes()


def _text(body: bytes) -> str:
    """Return a message without what a commit must not hold."""
    return body.decode("utf-8", "replace").replace("\0", "").replace("\r\n", "\n")


def _cleaned(text: str) -> list[str]:
    """Return the lines of a message as git-stripspace(1) leaves them: no blanks at ends, no two empty ones in a row."""
    lines = [line.rstrip(" \t\r") for line in text.split("\n")]
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return kept[:-1] if kept and not kept[-1] else kept


def _one_line(text: str) -> str:
    """Fold white space and drop control characters."""
    return " ".join(_printable(text).split())


def _printable(text: str) -> str:
    """Return a text with a blank in place of each control character but tabs."""
    return "".join(c if unicodedata.category(c) != "Cc" or c == "\t" else " " for c in text)


def _name(text: str) -> str:
    """Return a name or address as git keeps it: on one line, without angle brackets."""
    return _one_line(text.translate({ord("<"): None, ord(">"): None})).strip(" .,:;\"\\'")


def _date(written: str, otherwise: datetime) -> datetime:
    """Return the date that the mail states, if it is one, else the one it was found to be sent at."""
    try:
        when = parsedate_to_datetime(written)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        if when.timestamp() >= 0:
            return when
    except (ValueError, TypeError, OverflowError, IndexError):
        pass  # hostile or broken: the message knows a better one
    return otherwise


def _ends_with_trailers(lines: list[str]) -> bool:
    """Tell whether the last paragraph is one of trailers, as git-interpret-trailers(1) does.

    It is when nothing else is in it, or when git wrote one of them and a quarter of its lines are such.
    """
    last = list(takewhile(str.strip, reversed(lines)))
    trailers = sum(bool(_TRAILER.match(line)) for line in last)
    by_git = any(line.startswith(_BY_GIT) for line in last)
    return 0 < len(last) < len(lines) and (trailers == len(last) or (by_git and 4 * trailers >= len(last)))
