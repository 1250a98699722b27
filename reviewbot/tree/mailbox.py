"""A series as a mailbox for ``git am``, with the trailers that the thread gave, as ``b4 am`` makes it."""

from __future__ import annotations

import tempfile
from email.charset import QP, Charset
from email.header import Header
from email.utils import format_datetime, formataddr
from pathlib import Path

from reviewbot.errors import AuthorError
from reviewbot.series.model import Series
from reviewbot.tree.git import Git
from reviewbot.tree.letter import Letter, open_letter

_SEPARATOR = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
_UTF8 = Charset("utf-8")
_UTF8.header_encoding = QP


def am_ready(series: Series) -> bytes:
    """Return the patches in order; the mails need their bytes.

    A trailer that was given from another address than it names is left out.
    What stands below the cut and above the diff (``---``) stays.

    :raises AuthorError: when a patch cannot be read, or one is missing.
    """
    if len(series.patches) < series.expected:
        raise AuthorError(
            f"{len(series.patches)} of {series.expected} patches are here; a part of a series is not for git am."
        )
    with tempfile.TemporaryDirectory(prefix="reviewbot-am-") as folder:
        git = Git(Path(folder))
        letters = [open_letter(git, patch, Path(folder)) for patch in series.patches]
    return b"".join(_mail(series, letter) for letter in letters)


def _mail(series: Series, letter: Letter) -> bytes:
    message = letter.message((*letter.patch.trailers, *series.cover_trailers), name=False)
    _, _, body = message.partition("\n\n")
    headers = {
        "Subject": f"[{_prefix(series, letter.number)}] {letter.subject}",
        "From": formataddr((letter.author, letter.email), "utf-8") if _plain(letter.email) else letter.author,
        "Date": format_datetime(letter.when),
        "Message-Id": f"<{letter.message_id}>",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "8bit",
    }
    head = "".join(f"{name}: {_header(name, value)}\n" for name, value in headers.items())
    text = body.encode("utf-8", "replace") + letter.diff
    quoted = b"".join(b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in text.splitlines(True))
    return _SEPARATOR + head.encode("ascii", "replace") + b"\n" + quoted.rstrip(b"\n") + b"\n\n"


def _prefix(series: Series, number: int) -> str:
    parts = ["PATCH", *(["RFC"] if "RFC" in {word.upper() for word in series.prefixes} else [])]
    if series.version > 1:
        parts.append(f"v{series.version}")
    if series.expected > 1:
        parts.append(f"{number}/{series.expected}")
    return " ".join(parts)


def _header(name: str, value: str) -> str:
    if _plain(value):
        return value
    return Header(value, _UTF8, header_name=name, maxlinelen=998).encode()


def _plain(text: str) -> bool:
    return text.isascii()
