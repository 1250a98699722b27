"""Splitting a mailbox into mails: mbox, mboxrd, ``git format-patch`` output, or one bare mail.

The formats are told apart by their bytes alone, as no file name can be trusted
to say which one it is. See RFC 4155, public-inbox's mboxrd and git-format-patch(1).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import BinaryIO, NamedTuple

from reviewbot.errors import AuthorError

#: what of one mail is kept, in bytes; the rest of a larger mail is dropped
MAX_MAIL = 64 << 20
_CHUNK = 1 << 20

_NAME = rb"(?:[!-9;-~]+[ \t]*:|>?From )"
_HEADER = re.compile(_NAME)
# "From " alone is not enough: prose begins lines with it, and not every writer quotes them. A time as asctime(3) writes
# it is sure, whatever follows: a mail may begin with bytes that are no header. Other spellings need one behind them.
_SEPARATION = re.compile(
    rb"^From (?:\S[^\n]{0,500}? (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d \d{4}"
    rb"(?: [+-]\d{4})?\r?\n"
    rb"|(?:\S[^\n]{0,500}\b\d{1,2}:\d\d(?::\d\d)?\b[^\n]{0,500}\b\d{4}\b[^\n]*|\S+@\S+[^\S\n]*)\n(?=" + _NAME + rb"))",
    re.MULTILINE,
)
#: what some line of every mail's header begins with; files of other kinds have names and colons, too
_MAIL = re.compile(rb"^(?:from|date|subject|to|message-id|received|return-path)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
# git writes this date in place of a separator's and does not quote what follows.
_FORMAT_PATCH = re.compile(rb"From [0-9a-f]{40,64} Mon Sep 17 00:00:00 2001")


class Placed(NamedTuple):
    """A mail, and the offset of what follows it in the stream, in bytes."""

    raw: bytes
    end: int


def split_mbox(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the mails of a mailbox, each without its separator line and with mboxrd quoting undone.

    A stream that starts with a header and not with a separator is one mail, and
    comes back as it is. The stream is read once and one mail is held at a time;
    of a mail larger than :data:`MAX_MAIL` the first part is kept.

    :raises AuthorError: when the stream is empty, is no mailbox, or ends within the header of
        its last mail (the mails before it have been yielded then).
    """
    return (mail.raw for mail in split_placed(stream))


def split_placed(stream: BinaryIO, start: int = 0) -> Iterator[Placed]:
    """Yield what :func:`split_mbox` does, with places: a stream that is read from one of them on goes on there.

    :param start: where in the mailbox the stream begins.
    """
    first = b"\n"
    while first and not first.strip():
        first = stream.readline(_CHUNK)
        start += len(first)
    if not first:
        raise AuthorError("The mailbox is empty: there is no mail to read.")
    if first.startswith(b"From ") and not _HEADER.match(first[5:]):
        yield from _split(first, stream, start)
    elif _HEADER.match(first):
        yield _one(first, stream, start)
    else:
        raise AuthorError("This is no mailbox: it starts neither with a mail header nor with a 'From ' line.")


def _one(first: bytes, stream: BinaryIO, start: int) -> Placed:
    """Return one bare mail, up to the cap."""
    mail = bytearray(first)
    while chunk := stream.read(_CHUNK):
        start += len(chunk)
        mail += chunk[: MAX_MAIL - len(mail)]
    return Placed(_checked(bytes(mail)), start)


def _split(separator: bytes, stream: BinaryIO, start: int) -> Iterator[Placed]:
    """Yield the mails that follow a separator.

    :param start: offset of what follows it.
    """
    mail = bytearray()
    for part, following in _parts(stream):
        mail += part[: MAX_MAIL - len(mail)]
        start += len(part)
        if following and mail:
            yield Placed(_finished(mail, separator), start)
            mail, separator = bytearray(), following
            start += len(following)
        elif following:  # right behind another one: it is text
            mail += following
            start += len(following)
    yield Placed(_finished(bytearray(_checked(bytes(mail))), separator), start)


def _parts(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield text in pieces, each with the separator line behind it, empty for none."""
    window, whole = b"", True  # ``whole``: the window begins where a line does
    while chunk := stream.read(_CHUNK):
        window += chunk
        # A separator is one only with the line behind it: the last line, and what is less, has to wait.
        limit = window.rfind(b"\n", 0, max(0, window.rfind(b"\n"))) + 1
        if not limit and len(window) > 2 * _CHUNK:
            # One enormous line, perhaps behind a separator, or before one whose end is not here yet.
            limit = window.rfind(b"\n") + 1
            if not limit:
                yield window, b""
                window, whole = b"", False
                continue
        at = yield from _separated(window, limit, whole)
        whole = whole or at > 0
        window = window[at:]
    at = yield from _separated(window, len(window), whole)
    yield window[at:], b""


def _separated(window: bytes, limit: int, whole: bool) -> Generator[tuple[bytes, bytes], None, int]:
    """Yield the parts of a window up to a limit; return the limit, or 0 when nothing was yielded."""
    at = 0
    for match in _separations(window):
        if match.start() >= limit:
            break
        if match.start() or whole:
            yield window[at : match.start()], match[0]
            at = match.end()
    if at < limit:
        yield window[at:limit], b""
    return max(at, limit)


def _separations(window: bytes) -> Iterator[re.Match[bytes]]:
    """Yield the separators of a window; a plain search for their first word is many times faster than the pattern."""
    at = window.find(b"From ")
    while at >= 0:
        match = _SEPARATION.match(window, at)
        if match:
            yield match
        at = window.find(b"From ", match.end() if match else at + 5)


def _finished(mail: bytearray, separator: bytes) -> bytes:
    """Return a mail without quoting, and without the empty line that mbox puts before the next separator."""
    if mail.endswith(b"\n\n"):
        del mail[-1:]
    elif mail.endswith(b"\r\n\r\n"):
        del mail[-2:]
    if b">From " in mail and not _FORMAT_PATCH.match(separator):
        return _QUOTED.sub(rb"\1", mail)
    return bytes(mail)


def _checked(mail: bytes) -> bytes:
    """Return the last mail of a mailbox, if its header is whole.

    :raises AuthorError: when the file was cut before the body.
    """
    if b"\n\n" not in mail and b"\n\r\n" not in mail:
        if not _MAIL.search(mail):
            raise AuthorError("This is no mailbox: no line of it is in the header of a mail.")
        raise AuthorError("The mailbox is truncated: its last mail ends within the header. Fetch it again.")
    return mail
