"""Splitting a mailbox into mails: mbox, mboxrd, ``git format-patch`` output, or one bare mail.

The formats are told apart by their bytes alone, as no file name can be trusted
to say which one it is. See RFC 4155, public-inbox's mboxrd and git-format-patch(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from reviewbot.errors import AuthorError

#: what of one mail is kept, in bytes; the rest of a larger mail is dropped
MAX_MAIL = 64 << 20
_CHUNK = 1 << 20

# "From " alone is not enough: prose begins lines with it, and not every writer quotes them.
_SEPARATOR = re.compile(rb"From \S.*\b\d{1,2}:\d\d(:\d\d)?\b.*\b\d{4}\b|From \S+@\S+\s*$")
_HEADER = re.compile(rb"(?:[!-9;-~]+[ \t]*:|>?From )")
_QUOTED = re.compile(rb">+From ")
# git writes this date in place of a separator's and does not quote what follows.
_FORMAT_PATCH = re.compile(rb"From [0-9a-f]{40,64} Mon Sep 17 00:00:00 2001")


def split_mbox(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the mails of a mailbox, each without its separator line and with mboxrd quoting undone.

    A stream that starts with a header and not with a separator is one mail, and
    comes back as it is. The stream is read once and one mail is held at a time;
    of a mail larger than :data:`MAX_MAIL` the first part is kept.

    :raises AuthorError: when the stream is empty, is no mailbox, or ends within the header of
        its last mail (the mails before it have been yielded then).
    """
    lines = _lines(stream)
    first = next(lines, b"")
    while first and not first.strip():
        first = next(lines, b"")
    if not first:
        raise AuthorError("The mailbox is empty: there is no mail to read.")
    if first.startswith(b"From ") and not _HEADER.match(first[5:]):
        yield from _split(first, lines)
    elif _HEADER.match(first):
        yield _checked(_joined(first, lines))
    else:
        raise AuthorError("This is no mailbox: it starts neither with a mail header nor with a 'From ' line.")


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield lines; one of more than a chunk comes in pieces."""
    return iter(lambda: stream.readline(_CHUNK), b"")


def _joined(first: bytes, lines: Iterator[bytes]) -> bytes:
    """Return one bare mail, up to the cap."""
    mail = bytearray(first)
    for line in lines:
        if len(mail) < MAX_MAIL:
            mail += line
    return bytes(mail)


def _split(separator: bytes, lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the mails that follow a separator."""
    quoted = not _FORMAT_PATCH.match(separator)
    mail = bytearray()
    held = b""  # a line that is a separator, if a header follows it
    whole = True  # the line before was whole: this one starts at its start
    for line in lines:
        if held:
            if _HEADER.match(line):
                yield _finished(mail)
                mail, quoted = bytearray(), not _FORMAT_PATCH.match(held)
            else:
                mail += held
            held = b""
        if whole and line.startswith(b"From ") and mail and _SEPARATOR.match(line):
            held = line
            continue
        if whole and quoted and line.startswith(b">") and _QUOTED.match(line):
            line = line[1:]
        whole = line.endswith(b"\n")
        if len(mail) < MAX_MAIL:
            mail += line
    yield _finished(bytearray(_checked(bytes(mail + held))))


def _finished(mail: bytearray) -> bytes:
    """Return a mail without the empty line that mbox puts before the next separator."""
    if mail.endswith(b"\n\n"):
        del mail[-1:]
    elif mail.endswith(b"\r\n\r\n"):
        del mail[-2:]
    return bytes(mail)


def _checked(mail: bytes) -> bytes:
    """Return the last mail of a mailbox, if its header is whole.

    :raises AuthorError: when the file was cut before the body.
    """
    if b"\n\n" not in mail and b"\n\r\n" not in mail:
        raise AuthorError("The mailbox is truncated: its last mail ends within the header. Fetch it again.")
    return mail
