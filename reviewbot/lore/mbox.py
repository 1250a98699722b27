"""Mailboxes on disk: mbox, mboxrd, maildir, single mails, standard input, and clones and bundles of archives."""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from reviewbot.errors import AuthorError, NotFoundError, OperatorError
from reviewbot.lore.follow import follow, local_epochs
from reviewbot.mail.mbox import MAX_MAIL, split_mbox

#: in a folder that is no maildir, what else lies there is left alone
_MAIL_FILES = (".eml", ".mbox", ".mbx", ".patch", "")
_BUNDLE = b"# v2 git bundle"
_GZIP = b"\x1f\x8b"


def read_mailbox(path: Path | str) -> Iterator[bytes]:
    """Yield the mails of a mailbox, one held at a time.

    :param path: an mbox or mboxrd file, plain or gzipped; a maildir, or any folder of single mails; one mail; a
        public-inbox folder, or a clone or bundle of one epoch; ``-`` for standard input.
    :raises NotFoundError: when there is no such file.
    :raises AuthorError: when it is empty, truncated, or no mailbox.
    :raises OperatorError: when it cannot be read.
    """
    if str(path) == "-":
        yield from _named(sys.stdin.buffer, "standard input")
        return
    path = Path(path)
    try:
        if _is_archive(path):
            with tempfile.TemporaryDirectory(prefix="reviewbot-epoch-") as copy:
                yield from (arrival.raw for arrival in follow(str(path), Path(copy)) if not arrival.taken_back)
            return
        if path.is_dir():
            yield from _read_folder(path)
            return
        with path.open("rb") as stream:
            yield from _named(stream, str(path))
    except FileNotFoundError:
        raise NotFoundError(f"There is no mailbox {path}.") from None
    except OSError as error:
        raise OperatorError(f"The mailbox {path} cannot be read: {error.strerror or error}.") from error


def _is_archive(path: Path) -> bool:
    """Return whether this is git's: it is copied first, as a stranger's repository is no place to run git in."""
    if path.is_dir():
        return bool(local_epochs(path))
    with path.open("rb") as file:
        return file.read(len(_BUNDLE)) in (_BUNDLE, _BUNDLE.replace(b"2", b"3"))


def _named(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Split a stream, and say in each error which mailbox it was."""
    try:
        if _peek(stream).startswith(_GZIP):
            with gzip.open(stream) as unpacked:
                yield from split_mbox(cast(BinaryIO, unpacked))
        else:
            yield from split_mbox(stream)
    except (EOFError, gzip.BadGzipFile):
        raise AuthorError(f"{name}: The compressed mailbox is truncated or damaged. Fetch it again.") from None
    except AuthorError as error:
        raise AuthorError(f"{name}: {error}") from None


def _peek(stream: BinaryIO) -> bytes:
    peek = getattr(stream, "peek", None)
    return cast(bytes, peek(2)[:2]) if peek else b""


def _read_folder(folder: Path) -> Iterator[bytes]:
    """Yield the mails of a maildir (``new`` and ``cur``) or of a folder of mail files, by name: in order of arrival."""
    places = [place for place in (folder / "cur", folder / "new") if place.is_dir()] or [folder]
    # Links are not followed: a maildir that came from elsewhere may not point out of itself.
    files = sorted(
        (file for place in places for file in place.iterdir() if file.is_file() and not file.is_symlink()),
        key=lambda file: file.name,
    )
    files = [file for file in files if not file.name.startswith(".")]
    if places == [folder]:
        files = [file for file in files if file.suffix in _MAIL_FILES]
    if not files:
        raise AuthorError(f"{folder}: The folder holds no mail.")
    for file in files:
        with file.open("rb") as stream:
            if places == [folder]:
                yield from _named(stream, str(file))
            else:
                yield stream.read(MAX_MAIL)
