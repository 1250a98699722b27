"""Mailboxes on disk: mbox, mboxrd, maildir, single mails, standard input, and clones and bundles of archives."""

from __future__ import annotations

import gzip
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from reviewbot.errors import AuthorError, NotFoundError, OperatorError
from reviewbot.lore.follow import Cursor, follow, local_epochs
from reviewbot.mail.mbox import MAX_MAIL, Placed, split_placed

#: in a folder that is no maildir, what else lies there is left alone
_MAIL_FILES = (".eml", ".mbox", ".mbx", ".patch", "")
_BUNDLE = b"# v2 git bundle"
_GZIP = b"\x1f\x8b"


class Read(NamedTuple):
    """A mail, and how far reading has come.

    :ivar place: hand it to :func:`read_on` to go on behind this mail.
    :ivar done: bytes of the file, or files of the folder, that are behind it; 0 where that is not known.
    """

    raw: bytes
    place: str
    done: int = 0


def read_mailbox(path: Path | str) -> Iterator[bytes]:
    """Yield the mails of a mailbox, one held at a time.

    :param path: an mbox or mboxrd file, plain or gzipped; a maildir, or any folder of single mails; one mail; a
        public-inbox folder, or a clone or bundle of one epoch; ``-`` for standard input.
    :raises NotFoundError: when there is no such file.
    :raises AuthorError: when it is empty, truncated, or no mailbox.
    :raises OperatorError: when it cannot be read.
    """
    return (mail.raw for mail in read_on(path))


def read_on(path: Path | str, place: str = "") -> Iterator[Read]:
    """Yield the mails of a mailbox behind a place that was reached before; raises as :func:`read_mailbox` does.

    :param place: of the last mail that was read; one of another mailbox is none.
    """
    if str(path) == "-":
        yield from _named(sys.stdin.buffer, "standard input")
        return
    path = Path(path)
    try:
        if is_archive(path):
            with tempfile.TemporaryDirectory(prefix="reviewbot-epoch-") as copy:
                for arrival in follow(str(path), Path(copy), _cursor(place)):
                    if not arrival.taken_back:
                        yield Read(arrival.raw, str(arrival.cursor))
        elif path.is_dir():
            yield from _read_folder(path, place)
        else:
            with path.open("rb") as stream:
                yield from _named(stream, str(path), place)
    except FileNotFoundError:
        raise NotFoundError(f"There is no mailbox {path}.") from None
    except OSError as error:
        raise OperatorError(f"The mailbox {path} cannot be read: {error.strerror or error}.") from error


def size_of(path: Path | str) -> int:
    """Return what ``done`` comes to at the end of a mailbox, 0 where that is not known.

    :raises NotFoundError: when there is no such file.
    """
    path = Path(path)
    if str(path) == "-":
        return 0
    try:
        if is_archive(path):
            return 0
        return len(_files(path)[1]) if path.is_dir() else path.stat().st_size
    except OSError:
        raise NotFoundError(f"There is no mailbox {path}.") from None


def _cursor(place: str) -> Cursor | None:
    try:
        return Cursor.parse(place)
    except ValueError:
        return None


def is_archive(path: Path) -> bool:
    """Return whether this is git's: it is copied first, as a stranger's repository is no place to run git in."""
    if path.is_dir():
        return bool(local_epochs(path))
    with path.open("rb") as file:
        return file.read(len(_BUNDLE)) in (_BUNDLE, _BUNDLE.replace(b"2", b"3"))


def _named(stream: BinaryIO, name: str, place: str = "") -> Iterator[Read]:
    """Split a stream, and say in each error which mailbox it was."""
    start = int(place) if place.isdecimal() else 0
    try:
        if _peek(stream).startswith(_GZIP):
            with gzip.open(stream) as unpacked:
                for mail in _behind(cast(BinaryIO, _Unpacked(unpacked)), start):
                    yield Read(mail.raw, str(mail.end), stream.tell() if stream.seekable() else 0)
        else:
            for mail in _behind(stream, start):
                yield Read(mail.raw, str(mail.end), mail.end)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise AuthorError(f"{name}: The compressed mailbox is truncated or damaged. Fetch it again.") from None
    except AuthorError as error:
        raise AuthorError(f"{name}: {error}") from None


def _behind(stream: BinaryIO, start: int) -> Iterator[Placed]:
    """Split what stands behind an offset; nothing may be there."""
    if start:
        stream.seek(start)
        if not stream.read(1):
            return
        stream.seek(start)
    yield from split_placed(stream, start)


class _Unpacked:
    """A compressed stream that hands over what it could read before it turns out to be cut."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self.read, self.readline, self.seek = file.read1, file.readline, file.seek


def is_packed(path: Path) -> bool:
    """Return whether a file is compressed."""
    with path.open("rb") as file:
        return file.read(len(_GZIP)) == _GZIP


def _peek(stream: BinaryIO) -> bytes:
    peek = getattr(stream, "peek", None)
    return cast(bytes, peek(2)[:2]) if peek else b""


def _read_folder(folder: Path, place: str) -> Iterator[Read]:
    """Yield the mails of a maildir (``new`` and ``cur``) or of a folder of mail files, by name: in order of arrival."""
    maildir, files = _files(folder)
    if not files:
        raise AuthorError(f"{folder}: The folder holds no mail.")
    for done, file in enumerate(files):
        if file.name <= place:
            continue
        with file.open("rb") as stream:
            mails = iter((stream.read(MAX_MAIL),)) if maildir else (mail.raw for mail in _named(stream, str(file)))
            for raw in mails:
                # A file of several mails is read again from its beginning: its name says that it was read to its end.
                yield Read(raw, file.name if maildir else place, done)
        place = file.name


def _files(folder: Path) -> tuple[bool, list[Path]]:
    """Return whether a folder is a maildir, and its mails by name."""
    places = [place for place in (folder / "cur", folder / "new") if place.is_dir()]
    # Links are not followed: a maildir that came from elsewhere may not point out of itself.
    files = sorted(
        (file for place in places or [folder] for file in place.iterdir() if file.is_file() and not file.is_symlink()),
        key=lambda file: file.name,
    )
    files = [file for file in files if not file.name.startswith(".")]
    return bool(places), [file for file in files if places or file.suffix in _MAIL_FILES]
