"""Header fields as they really come: folded, raw 8-bit, encoded words, with junk around what is wanted.

Every function takes hostile input, answers in time linear in its (capped) size, and never raises.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from itertools import islice

from reviewbot.mail.message import Address
from reviewbot.mail.text import decode, suspicious

#: header blocks are read up to here, in bytes; the longest honest ones (long Cc lists) have about 60 kB
MAX_HEADER_BLOCK = 256 * 1024
MAX_HEADER_LINES = 5000
#: one field is read up to here, in bytes
MAX_FIELD = 64 * 1024
#: fields that are shown to people are cut here, in characters
MAX_SHOWN = 2000
#: of one mail in all To fields, and in all Cc fields; the longest honest lists have some hundreds
MAX_ADDRESSES = 1000
#: relays whose stamps are looked at
MAX_HOPS = 100

#: what is read of a header; most of what servers add is passed over
_READ = frozenset((
    *("from", "sender", "to", "cc", "subject", "date", "received"),
    *("message-id", "in-reply-to", "references", "list-id"),
    *("content-type", "content-disposition", "content-transfer-encoding"),
))  # fmt: skip
_NAME = re.compile(rb"([!-9;-~]{1,100})[ \t]*")
#: bytes before the colon at most
_MAX_NAME = 200
_FOLDS = frozenset((b" ", b"\t"))
_BLANK_LINE = re.compile(rb"\n\r?\n")
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?\n]{0,1000})\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)\s+(?==\?)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SPACE = re.compile(r"\s+")
_BRACKETED = re.compile(r"<([^<>]{1,1000})>")
_ADDRESS_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.){0,300}+"?|\((?:[^()]|\([^()]{0,300}\)){0,300}+\)?|<[^<>]{0,1000}>|[,;:]|[^",;:(<]+|.', re.DOTALL
)
_MAILBOX = r"[!#-'*+\-./0-9=?A-Z^-~]{1,150}@[!#-'*+\-./0-9=?A-Z^-~]{1,150}"
_PLAIN_ADDRESS = re.compile(
    rf'[ \t]*(?:(?:([^<>"(),:;@\\]{{0,300}})|"([^"\\]{{0,300}})"[ \t]*)<({_MAILBOX})>|({_MAILBOX}))'
    r"[ \t]*(?:,(?=[ \t]*[^ \t])|\Z)"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PLAIN_DATE = re.compile(
    rf"(?:[A-Z][a-z]{{2}}, +)?([0-9]{{1,2}}) ({'|'.join(_MONTHS)}) ((?:19|20)[0-9]{{2}})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([-+])([01][0-9])([0-5][0-9])(?: \([A-Z]{1,5}\))?\Z"
)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
UNKNOWN_DATE = datetime(1970, 1, 1, tzinfo=UTC)


class Headers:
    """The fields of one header block that are read at all, by lower-case name, in order, as bytes without folding.

    :ivar cut: what was left out for its size, one short phrase each.
    """

    def __init__(self, fields: Iterable[tuple[str, list[bytes]]] = (), *, complete: bool = True) -> None:
        self.cut: list[str] = [] if complete else ["header larger than 256 kB or 5,000 lines, the rest was not read"]
        self._fields: dict[str, list[bytes]] = {}
        for name, lines in fields:
            value = lines[0] if len(lines) == 1 else b"".join(lines)
            if b"\r" in value:
                value = b"".join(line.rstrip(b"\r") for line in lines)
            if len(value) > MAX_FIELD:
                self.cut.append(f"{name} field larger than 64 kB, the rest was not read")
                value = value[:MAX_FIELD]
            self._fields.setdefault(name, []).append(value.strip())

    def all(self, name: str) -> list[str]:
        """Return every value of the field as text; encoded words are left as they are."""
        return list(self.each(name))

    def each(self, name: str) -> Iterator[str]:
        """Yield what :meth:`all` returns, one after the other."""
        for value in self._fields.get(name, ()):
            yield value.decode("ascii") if value.isascii() else decode(value)[0]

    def first(self, name: str) -> str:
        """Return the first value of the field that is not empty, else ""."""
        return next(filter(None, self.each(name)), "")


def split_message(raw: bytes) -> tuple[Headers, bytes]:
    """Split a mail or a body part into its fields and its body.

    A line that can belong to no header ends the header block, as in RFC 5322
    parsers everywhere: what follows is the body, even without an empty line. Of
    an enormous header the first 256 kB or 5,000 lines are read.
    """
    end = raw.find(b"\n\n", 0, MAX_HEADER_BLOCK)
    lines = raw[: end if end >= 0 else MAX_HEADER_BLOCK].split(b"\n", MAX_HEADER_LINES)
    complete = end >= 0 or len(raw) <= MAX_HEADER_BLOCK
    if len(lines) > MAX_HEADER_LINES:
        complete = False
        lines.pop()
    fields: list[tuple[str, list[bytes]]] = []
    folded: list[bytes] = []
    for number, line in enumerate(lines):
        if line[:1] in _FOLDS and number:
            folded.append(line)
            continue
        colon = line.find(b":", 0, _MAX_NAME)
        name = _field_name(line[:colon]) if colon > 0 else None
        if name:
            folded = [line[colon + 1 :]]
            fields.append((name, folded))
        elif name is not None:
            folded = []
        elif complete or number < len(lines) - 1:  # else it is the line in which reading ends
            body = sum(map(len, lines[:number])) + number
            return Headers(fields), raw[body:] if line.strip(b"\r") else raw[body + len(line) + 1 :]
    if complete:
        return Headers(fields), raw[end + 2 :] if end >= 0 else b""
    blank = _BLANK_LINE.search(raw, sum(map(len, lines)) + len(lines) - 1)
    return Headers(fields, complete=False), raw[blank.end() :] if blank else b""


@lru_cache(maxsize=1024)  # all mails have the same ones
def _field_name(text: bytes) -> str | None:
    """Return the name of a field that is read, "" for one that is passed over, None for what is no name."""
    match = _NAME.fullmatch(text)
    name = match[1].decode("ascii").lower() if match else ""
    return (name if name in _READ else "") if match else None


def decode_words(value: str) -> str:
    """Decode the RFC 2047 encoded words of a field; adjacent ones are joined before their bytes are decoded."""
    if "=?" not in value:
        return value
    value = _BETWEEN_WORDS.sub("", value[: 8 * MAX_SHOWN])
    pieces: list[str] = []
    pending: list[bytes] = []
    charset = ""
    position = 0

    def flush() -> None:
        if pending:
            pieces.append(decode(b"".join(pending), charset)[0])
            pending.clear()

    for word in _WORD.finditer(value):
        if word.start() > position:
            flush()
            pieces.append(value[position : word.start()])
        word_charset = word[1].split("*")[0].lower()  # RFC 2231 appends the language
        if word_charset != charset:
            flush()
            charset = word_charset
        pending.append(_decode_word(word[2], word[3]))
        position = word.end()
    flush()
    pieces.append(value[position:])
    return "".join(pieces)


def _decode_word(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return data


def one_line(value: str) -> str:
    """Decode a field for people: encoded words, no control characters, white space folded, cut at 2,000 characters."""
    if value.isprintable() and len(value) <= MAX_SHOWN and "=?" not in value and "  " not in value:
        return value.strip()
    decoded = _SPACE.sub(" ", decode_words(value)[: 2 * MAX_SHOWN])
    return _CONTROL.sub("", decoded).strip()[:MAX_SHOWN]


def odd_field(value: str) -> list[str]:
    """Name what is odd about a field that is shown to people: how it is encoded, and what hides in it."""
    if value.isascii() and value.isprintable() and "=?" not in value and len(value) <= MAX_SHOWN:
        return []
    decoded = decode_words(value)
    found = suspicious(decoded)
    if _WORD.search(decoded):
        found.append("encoded word within an encoded word" if decoded != value else "broken encoded word")
    elif "=?" in decoded and "?=" in decoded:
        found.append("broken encoded word")
    if len(value) > 8 * MAX_SHOWN or len(decoded) > MAX_SHOWN:
        found.append(f"more than {MAX_SHOWN:,} characters")
    return found


def parse_addresses(values: Iterable[str]) -> tuple[Address, ...]:
    """Read address lists; groups are flattened, and a name with a bare comma stays one name.

    What stands beyond 64 kB or :data:`MAX_ADDRESSES` is not read.
    """
    found: list[Address] = []
    left = MAX_FIELD
    for value in values:
        found += _plain_addresses(value[:left]) or _any_addresses(value[:left])
        left -= len(value)
        if left <= 0 or len(found) >= MAX_ADDRESSES:
            break
    return tuple(found[:MAX_ADDRESSES])


@lru_cache(maxsize=256)  # the mails of one thread have the same recipients
def _plain_addresses(value: str) -> tuple[Address, ...]:
    """Read a list in the one way that nearly all are written, nothing when it is written in another."""
    found = []
    position = 0
    while match := _PLAIN_ADDRESS.match(value, position):
        name = match[1] or match[2]
        found.append(Address(one_line(name).strip(" ,\"'") if name else "", match[3] or match[4]))
        position = match.end()
    return tuple(found) if position == len(value) else ()


def _any_addresses(value: str) -> list[Address]:
    found: list[Address] = []
    name: list[str] = []
    angle = comment = ""
    at = said = False  # of the name: kept beside it, since a comma asks for them and there may be very many
    for piece in [*(match[0] for match in _ADDRESS_TOKEN.finditer(value)), ","]:
        if piece in ",;":
            if not (angle or at) and piece == "," and said:
                name.append(", ")  # "Doe, John <john@example.org>": the comma belongs to the name
                continue
            address = _address("".join(name), angle, comment)
            if address:
                found.append(address)
            name, angle, comment = [], "", ""
            at = said = False
        elif piece == ":":
            name = []  # the name of a group
            at = said = False
        elif piece[0] == "<" and piece[-1] == ">":
            angle = angle or piece[1:-1]
        elif piece[0] == "(":
            comment = comment or piece[1:].removesuffix(")")
        else:
            if piece[0] == '"':
                piece = re.sub(r"\\(.)", r"\1", piece[1:].removesuffix('"'))
            name.append(piece)
            at, said = at or "@" in piece, said or bool(piece.strip())
    return found


def _address(text: str, angle: str, comment: str) -> Address | None:
    if angle:
        name, email = text, angle
    elif "@" in text:
        name, email = comment, text
    else:
        return None
    email = "".join(_CONTROL.sub("", email).split())[:320]
    return Address(one_line(name).strip(" ,\"'"), email) if email else None


def message_ids(value: str) -> list[str]:
    """Return the Message-IDs in angle brackets, without them, each once, in order; white space inside is folding."""
    found = _BRACKETED.findall(value)
    if not value.isprintable() or " " in "".join(found):
        found = [_CONTROL.sub("", msgid) for msgid in ("".join(msgid.split()) for msgid in found) if msgid]
    return list(dict.fromkeys(found))


def own_message_id(values: list[str]) -> str:
    """Return the Message-ID of a mail from its Message-ID fields, "" when none can be used."""
    for value in values:
        bracketed = message_ids(value)
        if bracketed:
            return bracketed[0]
    for value in values:
        for token in _CONTROL.sub(" ", value).replace("<", " ").replace(">", " ").split():
            if "@" in token:
                return token[:1000]
    return ""


def reply_to(value: str, references: list[str], addresses: set[str]) -> str:
    """Return the Message-ID in an In-Reply-To field.

    Old mailers write phrases there, such as ``message from A <a@example.org>
    of "Monday"``: what is one of the mail's own addresses is no Message-ID.
    """
    candidates = [msgid for msgid in message_ids(value) if msgid.lower() not in addresses]
    if not candidates and "@" in value and "<" not in value and len(value.split()) == 1:
        candidates = [value.strip()]
    known = [msgid for msgid in candidates if msgid in references]
    return (known[-1:] or candidates[:1] or [""])[0]


def list_ids(values: Iterable[str]) -> tuple[str, ...]:
    """Return the List-Id values (RFC 2919), lower case, without phrase and brackets."""
    found = []
    for value in values:
        bracketed = message_ids(value)
        plain = value.split()
        found += [bracketed[-1]] if bracketed else plain[-1:]
    return tuple(dict.fromkeys(name.lower()[:255] for name in found))


def parse_date(value: str) -> datetime | None:
    """Return the date of an RFC 5322 date-time in UTC, None when it is impossible."""
    try:
        date = _plain_date(value) or parsedate_to_datetime(value[:200])
        date = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if _EARLIEST <= date < _LATEST else None


def _plain_date(value: str) -> datetime | None:
    """Read a date that is written as nearly all are, in a quarter of the library's time; None for others."""
    match = _PLAIN_DATE.match(value)
    if not match:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    east = timedelta(hours=int(hours), minutes=int(minutes))
    local = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    return local + east if sign == "-" else local - east


def sent_date(date: str, received: Iterable[str]) -> tuple[datetime, str]:
    """Return when a mail was sent, and what is odd about it.

    :param received: the Received fields from the top, the last hop first.
    """
    stamps = (value.rpartition(";")[2].strip() for value in islice(received, MAX_HOPS))
    hop = next(filter(None, map(parse_date, stamps)), None)
    stated = parse_date(date)
    if stated and not (hop and stated > hop + timedelta(days=2)):
        return stated, ""
    if hop:
        return hop, "impossible date, taken from Received"
    return (stated or UNKNOWN_DATE), "impossible date"
