"""Bytes of a mail to :class:`Message`: every mail becomes one, whatever it is made of.

The standard library's parser builds the whole tree of a mail, recurses, and
takes seconds for a mail of a million lines; here only what is read is taken
apart, with a cap on size, depth and number of parts.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import string
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message as MimeHeader
from functools import cached_property, lru_cache
from typing import NamedTuple

from reviewbot.mail import headers as fields
from reviewbot.mail.headers import Headers
from reviewbot.mail.message import ATTACHED, Address, Message
from reviewbot.mail.subject import strip_reply
from reviewbot.mail.text import MAX_FLOWED_LINES, decode, plain_lines, suspicious, unflow

#: text beyond this is not read; in bytes before decoding. The longest patches of the kernel lists have about 1 MB.
MAX_BODY = 4 * 1024 * 1024
#: and lines beyond these; patches that bring tables of test data have some 40,000
MAX_LINES = 200_000
#: of one mail as received, attachments and all, in bytes
MAX_MAIL = 12 * 1024 * 1024
MAX_PARTS = 200
MAX_DEPTH = 10
MAX_REFERENCES = 2000

_PATCH_NAME = re.compile(r".*\.(?:patch|diff)", re.IGNORECASE | re.DOTALL)
_PATCH_TYPES = {"text/x-patch", "text/x-diff", "text/patch", "text/diff", "application/x-patch", "application/x-diff"}
_DESCRIBING = ("content-type", "content-disposition", "content-transfer-encoding")
_DIFF = re.compile(r"^(?:diff --git a/|--- .+\n\+\+\+ )", re.MULTILINE)
_DERIVED = "@no-message-id.invalid"
_SPACE = b" \t\n\r\f\v"
_BASE64 = string.ascii_letters.encode() + string.digits.encode() + b"+/=" + _SPACE


class _Mime:
    """What the fields of a part say about its body; the standard library reads their parameters (RFC 2231)."""

    def __init__(self, values: tuple[str, ...]) -> None:
        self._fields = MimeHeader()
        for name, value in zip(_DESCRIBING, values, strict=True):
            if value:
                self._fields[name] = value

    @cached_property
    def type(self) -> str:
        return self._fields.get_content_type()

    @cached_property
    def encoding(self) -> str:
        return str(self._fields.get("content-transfer-encoding", "")).strip().lower()

    @cached_property
    def boundary(self) -> str:
        return _parameter(self._fields.get_boundary)

    @cached_property
    def charset(self) -> str:
        return _parameter(self._fields.get_content_charset)

    @cached_property
    def flowed(self) -> bool:
        return self._named("format") == "flowed"

    @cached_property
    def delete_space(self) -> bool:
        return self._named("delsp") == "yes"

    @cached_property
    def is_patch(self) -> bool:
        return self.type in _PATCH_TYPES or bool(_PATCH_NAME.fullmatch(self._filename()))

    @cached_property
    def is_attached(self) -> bool:
        return self._fields.get_content_disposition() == "attachment"

    def _filename(self) -> str:
        named = "name" in str(self._fields.get("content-type", "")).lower()
        return _parameter(self._fields.get_filename) if named or self._fields.get("content-disposition") else ""

    def _named(self, name: str) -> str:
        return _parameter(lambda: str(self._fields.get_param(name, ""))).strip().lower()


class _Part(NamedTuple):
    """A leaf of the MIME tree."""

    mime: _Mime
    content: bytes
    forwarded: bool = False


@dataclass(slots=True)
class _Reading:
    """What is noticed while a mail is read."""

    oddities: list[str] = field(default_factory=list)
    parts: int = 0
    text_left: int = MAX_BODY
    flowed_left: int = MAX_FLOWED_LINES
    containers_left: int = MAX_MAIL

    def note(self, oddity: str) -> None:
        if oddity and oddity not in self.oddities and len(self.oddities) < 50:
            self.oddities.append(oddity)


def parse_message(raw: bytes) -> Message:
    """Return the mail; never raises, and notes in ``oddities`` what had to be repaired.

    :param raw: as received, with or without a leading mbox "From " line.
    """
    reading = _Reading()
    content = raw
    while content.startswith((b"From ", b">From ")):
        content = content.partition(b"\n")[2]
    if len(content) > MAX_MAIL:
        content = content[:MAX_MAIL]
        reading.note(f"larger than {MAX_MAIL >> 20} MB, the rest was not read")
    head, body = fields.split_message(content)
    for oddity in head.cut:
        reading.note(oddity)
    text = _body(head, body, reading)
    author, to, cc = _people(head, reading)
    addresses = {address.email.lower() for address in (author, *to, *cc)}
    message_id = _message_id(head, text, reading)
    references = _references(head, message_id, addresses)
    date, oddity = fields.sent_date(head.first("date"), head.each("received"))
    reading.note(oddity)
    subject = fields.one_line(head.first("subject"))
    _note_fields(head, reading)
    for oddity in suspicious(text):
        reading.note(f"{oddity} in the body")
    parent = fields.reply_to(head.first("in-reply-to"), references, addresses)
    return Message(
        message_id=message_id,
        subject=subject,
        author=author,
        date=date,
        in_reply_to="" if parent == message_id else parent,
        references=tuple(references),
        to=to,
        cc=cc,
        lists=fields.list_ids(head.all("list-id")),
        body=text.replace("\0", "\ufffd"),
        oddities=tuple(reading.oddities),
        raw=raw,
    )


def _note_fields(head: Headers, reading: _Reading) -> None:
    for name, where in (("subject", "subject"), ("from", "sender")):
        for oddity in fields.odd_field(head.first(name)):
            reading.note(f"{oddity} in the {where}")
    for name in ("From", "Subject", "Date"):
        if len(set(filter(None, head.all(name.lower())))) > 1:
            reading.note(f"several {name} fields, the first is used")


def _people(head: Headers, reading: _Reading) -> tuple[Address, tuple[Address, ...], tuple[Address, ...]]:
    authors = fields.parse_addresses(head.all("from")[:1]) or fields.parse_addresses(head.all("sender")[:1])
    if not authors:
        reading.note("no sender")
    to, cc = (fields.parse_addresses(head.all(name)) for name in ("to", "cc"))
    if fields.MAX_ADDRESSES in (len(to), len(cc)):
        reading.note(f"{fields.MAX_ADDRESSES:,} recipients or more, the rest was not read")
    return (authors[0] if authors else Address("", "")), to, cc


def _message_id(head: Headers, text: str, reading: _Reading) -> str:
    values = head.all("message-id")
    message_id = fields.own_message_id(values)
    if len({value for value in values if value}) > 1:
        reading.note("several Message-IDs, the first is used")
    if message_id:
        if values[0] != f"<{message_id}>" and len(values) == 1:
            reading.note("garbled Message-ID")
        return message_id
    reading.note("no Message-ID, derived from the content")
    return derived_message_id((head.first("date"), head.first("from"), head.first("subject"), text.strip()))


def derived_message_id(said: Iterable[str]) -> str:
    """Return a Message-ID for a mail that has none: the same for the same date, sender, subject and text."""
    return hashlib.sha256("\0".join(said).encode("utf-8", "replace")).hexdigest()[:32] + _DERIVED


def is_derived(message_id: str) -> bool:
    """Return whether a Message-ID was derived, as the mail has none of its own."""
    return message_id.endswith(_DERIVED)


def _references(head: Headers, message_id: str, addresses: set[str]) -> list[str]:
    named = fields.message_ids(" ".join(head.all("references")))
    kept = [msgid for msgid in named if msgid != message_id and msgid.lower() not in addresses]
    return kept[:1] + kept[1:][1 - MAX_REFERENCES :]


def _body(head: Headers, body: bytes, reading: _Reading) -> str:
    """Return the readable text of a mail: inline text first, then attached patches."""
    parts = list(_leaves(head, body, reading))
    parts = [part for part in parts if not part.forwarded] or parts
    patches = [part for part in parts if part.mime.is_patch]
    others = [part for part in parts if not part.mime.is_patch]
    plain = [part for part in others if part.mime.type == "text/plain"]
    inline = [part for part in plain if not part.mime.is_attached]
    texts = [_text(part, reading) for part in inline]
    attached_patches = [_text(part, reading) for part in patches]
    if any(text.strip() for text in texts) and any(not part.mime.type.startswith("text/") for part in patches):
        attached_patches = _as_files(head, patches, attached_patches)
    for part in plain:
        if part.mime.is_attached:
            text = _text(part, reading)
            if _DIFF.search(text) or not (inline or patches):
                texts.append(text)
    if not any(text.strip() for text in texts):
        texts = _html_texts([part for part in others if part.mime.type == "text/html"], reading) or texts
    texts += attached_patches
    if len(texts) > 1:
        texts = [text if text.endswith("\n") else f"{text}\n" for text in texts]
    text = "".join(texts)[:MAX_BODY]
    if text.count("\n") > MAX_LINES:
        reading.note(f"more than {MAX_LINES:,} lines, the rest was not read")
        text = "\n".join(text.split("\n", MAX_LINES)[:MAX_LINES]) + "\n"
    return text


def _as_files(head: Headers, patches: list[_Part], texts: list[str]) -> list[str]:
    """Mark the patches that an answer brings as files: what is signed there is not signed for what it answers."""
    if not strip_reply(fields.one_line(head.first("subject")))[1]:
        return texts
    files = [not part.mime.type.startswith("text/") for part in patches]
    return [f"{ATTACHED}\n{text}" if file else text for file, text in zip(files, texts, strict=True)]


def _html_texts(parts: list[_Part], reading: _Reading) -> list[str]:
    if not parts:
        return []
    from reviewbot.mail.html import html_to_text  # costs more to import than all the rest, and is rarely needed

    reading.note("only HTML")
    return [html_to_text(_text(part, reading)) for part in parts[:1]]


def _leaves(head: Headers, body: bytes, reading: _Reading, depth: int = 0, forwarded: bool = False) -> Iterator[_Part]:
    """Walk the MIME tree (RFC 2046), depth first."""
    reading.parts += 1
    mime = _mime(head)
    inner: Iterator[bytes] = iter(())
    if mime.type.startswith("multipart/"):
        inner = _split_parts(_opened(mime, body, reading), mime.boundary)
    elif mime.type == "message/rfc822":
        inner, forwarded = iter((_opened(mime, body, reading),)), depth > 0
    if depth >= MAX_DEPTH:
        inner = iter(())
        reading.note(f"nested deeper than {MAX_DEPTH}, the rest was not read")
    found = False
    for content in inner:
        if reading.parts >= MAX_PARTS:
            reading.note(f"more than {MAX_PARTS} parts, the rest was not read")
            break
        found = True
        yield from _leaves(*fields.split_message(content), reading, depth + 1, forwarded)
    if not found:
        yield _Part(mime, _decode_transfer(mime, body, reading), forwarded)


def _opened(mime: _Mime, body: bytes, reading: _Reading) -> bytes:
    """Undo an encoding around several parts, which RFC 2045 forbids and some mailers write."""
    if mime.encoding not in ("base64", "quoted-printable") or len(body) > reading.containers_left:
        return body
    reading.containers_left -= len(body)
    reading.note("an encoding around encoded parts")
    return _decode_transfer(mime, body, reading)


def _mime(head: Headers) -> _Mime:
    return _described(tuple("".join(head.first(name)[:4000].splitlines()) for name in _DESCRIBING))


_described = lru_cache(maxsize=256)(_Mime)  # most mails of a list say the same


def _split_parts(body: bytes, boundary: str) -> Iterator[bytes]:
    """Yield what stands between the boundary lines; the last boundary may be missing."""
    if not boundary:
        return
    delimiter = b"--" + boundary.encode("utf-8", "replace")
    start = -1  # of the part that is open
    position = 0
    while position >= 0:
        position = body.find(delimiter, position)
        if position < 0:
            break
        end = body.find(b"\n", position)
        end = len(body) if end < 0 else end
        rest = body[position + len(delimiter) : min(end, position + len(delimiter) + 100)].strip()
        if rest in (b"", b"--") and (position == 0 or body[position - 1 : position] == b"\n"):
            if start >= 0:
                yield body[start:position].removesuffix(b"\n").removesuffix(b"\r")
            start = end + 1
            if rest:
                return
        position = end
    if start >= 0:
        yield body[start:]


def _decode_transfer(mime: _Mime, body: bytes, reading: _Reading) -> bytes:
    """Undo the transfer encoding (RFC 2045), as far as it is what it says."""
    if len(body) > 2 * MAX_BODY:
        body = body[: 2 * MAX_BODY]
    encoding = mime.encoding
    if encoding == "quoted-printable":
        body = binascii.a2b_qp(body)
    elif encoding == "base64":
        body = _decode_base64(body, reading)
    elif encoding not in ("", "7bit", "8bit", "binary"):
        reading.note(f"unknown transfer encoding {encoding[:40]!a}")
    if len(body) > MAX_BODY:
        reading.note(f"text larger than {MAX_BODY >> 20} MB, the rest was not read")
    return body[:MAX_BODY]


def _decode_base64(body: bytes, reading: _Reading) -> bytes:
    """Decode base64; a footer that a list server appended in plain text stays as it is."""
    foreign = body.translate(None, _BASE64)
    end = len(body)
    if foreign:
        end = body.rfind(b"\n", 0, body.index(foreign[:1])) + 1
        reading.note("text after base64" if end else "not base64 as declared")
    digits = body[:end].translate(None, _SPACE).rstrip(b"=")
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    try:
        return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4)) + body[end:]
    except binascii.Error:
        reading.note("broken base64")
        return body


def _text(part: _Part, reading: _Reading) -> str:
    if len(part.content) > reading.text_left:
        reading.note(f"text larger than {MAX_BODY >> 20} MB, the rest was not read")
    content = part.content[: reading.text_left]
    reading.text_left -= len(content)
    text, oddity = decode(content, part.mime.charset)
    reading.note(oddity)
    text = plain_lines(text)
    if part.mime.type == "text/plain" and not part.mime.is_patch and part.mime.flowed:
        lines = text.count("\n")
        if lines > reading.flowed_left:
            reading.note(f"more than {MAX_FLOWED_LINES:,} flowed lines, the rest was not joined")
        text = unflow(text, delete_space=part.mime.delete_space, limit=reading.flowed_left)
        reading.flowed_left = max(0, reading.flowed_left - lines)
    return text


def _parameter(read: Callable[[], object]) -> str:
    """Return a parameter of a field; one in a charset that is none (RFC 2231) is not there."""
    try:
        return str(read() or "")
    except (ValueError, LookupError, TypeError):
        return ""
