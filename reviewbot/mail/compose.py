"""Writing a reply: the bytes of one plain text mail, the same for the same input.

Header fields are written here and not by the standard library, which encodes
long Message-IDs as words (bpo-35805) and folds differently from version to version.
See RFC 5322 (format), RFC 2047 (encoded words), RFC 3834 (automatic responses).
"""

from __future__ import annotations

import binascii
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime

from reviewbot.errors import OperatorError
from reviewbot.mail.diff import DiffLine, FileDiff, Hunk
from reviewbot.mail.message import Address, Message
from reviewbot.mail.subject import strip_reply

MAX_LINE = 998
_FOLD_AT = 76
#: lines that are quoted for one comment at most
_MOST_QUOTED = 40
#: so few lines are quoted rather than marked as left out
_TOO_FEW = 2

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
# With them what would turn the words around that a reader sees (Unicode Standard Annex 9).
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}")
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,900}")
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_NEEDS_ENCODING = re.compile(rb"^From |[^\n]{991}", re.MULTILINE)
_OURS = frozenset(
    (
        *("from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "in-reply-to", "references"),
        *("auto-submitted", "mime-version", "content-type", "content-transfer-encoding"),
    )
)


def compose_reply(
    parent: Message,
    body: str,
    *,
    sender: Address,
    to: Iterable[Address],
    cc: Iterable[Address] = (),
    message_id: str,
    date: datetime,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    r"""Return a reply to ``parent``, with ``\n`` line ends; see :func:`to_wire` for SMTP.

    :param body: text; control characters in it are replaced, nothing is wrapped.
    :param to: recipients; an address that cannot be written in a header is left out, and each is used once.
    :param message_id: without angle brackets; derived by the caller from what is said, so that a repeat is recognised.
    :param headers: further fields, e.g. ``Reply-To`` or ``Precedence``; control characters in them become blanks.
    :raises OperatorError: when the sender, the Message-ID or the name of a further field cannot be used.
    """
    return _compose(
        reply_subject(parent.subject), body, _threading(parent), sender, to, cc, message_id, date, headers or {}
    )


def compose_mail(
    subject: str,
    body: str,
    *,
    sender: Address,
    to: Iterable[Address],
    message_id: str,
    date: datetime,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return a mail that answers none; as :func:`compose_reply`."""
    return _compose(subject, body, [], sender, to, (), message_id, date, headers or {})


def _compose(
    subject: str,
    body: str,
    threading: Sequence[str],
    sender: Address,
    to: Iterable[Address],
    cc: Iterable[Address],
    message_id: str,
    date: datetime,
    headers: Mapping[str, str],
) -> bytes:
    if not _EMAIL.fullmatch(sender.email):
        raise OperatorError(f"The sender address {sender.email!a} is no mail address; correct the configuration.")
    if not (_MESSAGE_ID.fullmatch(message_id) and "@" in message_id):
        raise OperatorError(f"{message_id!a} cannot be a Message-ID.")
    recipients = addressable(to, but=(sender,))
    copied = addressable(cc, but=(sender, *recipients))
    content, encoding = _encode_body(body)
    fields = [
        _field("From", [_mailbox(sender)]),
        *([_field("To", [_mailbox(address) for address in recipients], ",")] if recipients else []),
        *([_field("Cc", [_mailbox(address) for address in copied], ",")] if copied else []),
        _text_field("Subject", subject),
        _field("Date", [format_datetime(date.astimezone(UTC))]),
        _field("Message-ID", [f"<{message_id}>"]),
        *threading,
        "Auto-Submitted: auto-generated",
        *(_further_field(name, value) for name, value in headers.items()),
        "MIME-Version: 1.0",
        'Content-Type: text/plain; charset="utf-8"',
        f"Content-Transfer-Encoding: {encoding}",
    ]
    return "\n".join(fields).encode("ascii") + b"\n\n" + content


def addressable(addresses: Iterable[Address], but: Iterable[Address] = ()) -> list[Address]:
    """Return those that can be written in a header and an envelope, each once, without those of ``but``."""
    seen = {address.email.lower() for address in but}
    kept = []
    for address in addresses:
        key = address.email.lower()
        if key not in seen and _EMAIL.fullmatch(address.email):
            seen.add(key)
            kept.append(address)
    return kept


def with_body(mail: bytes, body: str) -> bytes:
    """Return one of our mails with another text; all else of its header stays."""
    content, encoding = _encode_body(body)
    header = mail.partition(b"\n\n")[0]
    field = f"Content-Transfer-Encoding: {encoding}".encode()
    return re.sub(rb"^Content-Transfer-Encoding: .*$", field, header, flags=re.MULTILINE) + b"\n\n" + content


def with_date(mail: bytes, date: datetime) -> bytes:
    """Return one of our mails with the date on which it is sent; all else of it stays."""
    header, blank, body = mail.partition(b"\n\n")
    field = b"Date: " + format_datetime(date.astimezone(UTC)).encode()
    return re.sub(rb"^Date: .*$", field, header, count=1, flags=re.MULTILINE) + blank + body


def to_wire(mail: bytes) -> bytes:
    """Return a mail with the line ends of SMTP."""
    return mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def reply_subject(subject: str) -> str:
    """Return the subject of an answer: one ``Re:``, however many the parent has."""
    return "Re: " + strip_reply(_CONTROL.sub(" ", subject))[0]


def quote(lines: Iterable[str]) -> list[str]:
    """Quote lines for a reply: ``> `` before each, ``>`` alone for an empty one."""
    return [f"> {line}" if line else ">" for line in lines]


def quote_hunk(
    file: FileDiff, hunk: Hunk, lines: Sequence[DiffLine], *, named: bool = True, context: int = 5
) -> list[list[str]]:
    """Quote a hunk so that a comment can stand beneath each of some of its lines.

    The header of the hunk stays as it was posted; what is left out is marked by
    ``> [...]``. A reader that counts from the header (b4 does) takes the same
    text that is nearest to where it arrives, so that as much is quoted as makes
    that the right line.

    :param lines: in the order of the hunk, each once.
    :param named: begin with the names of the file.
    :param context: lines that are quoted before each at least.
    :return: a piece for each line, which ends with it.
    """
    whole = hunk.lines
    pieces = []
    quoted, left_out = 0, 0
    for line in lines:
        end = whole.index(line, quoted) + 1
        start = max(quoted, end - 1 - context)
        other = "+" if line.kind == "-" else "-"
        missed = left_out + sum(each.kind != other for each in whole[quoted:start])
        most = _most_left_out(file, line)
        while start > max(quoted, end - _MOST_QUOTED) and missed > most:
            start -= 1
            missed -= whole[start].kind != other
        if start - quoted <= _TOO_FEW:
            start, missed = quoted, left_out
        left_out = missed
        pieces.append(["[...]"] * (start > quoted) + [each.kind + each.text for each in whole[start:end]])
        quoted = end
    if pieces:
        pieces[0] = [*(_names(file) if named else ()), hunk.header, *pieces[0]]
    return [quote(piece) for piece in pieces]


def _most_left_out(file: FileDiff, line: DiffLine) -> int:
    """Return how many lines may be missed in counting before the same text further up is nearer."""
    here, old = line.old if line.kind == "-" else line.new, line.kind == "-"
    above = (
        each.old if old else each.new
        for hunk in file.hunks
        for each in hunk.lines
        if each.text == line.text and (each.kind == "-") is old
    )
    nearest = max((number for number in above if number < here), default=None)
    return here if nearest is None else (here - nearest - 1) // 2


def _names(file: FileDiff) -> list[str]:
    old, new = file.old_path or file.new_path, file.new_path or file.old_path
    return [
        f"diff --git a/{old} b/{new}",
        f"--- a/{file.old_path}" if file.old_path else "--- /dev/null",
        f"+++ b/{file.new_path}" if file.new_path else "+++ /dev/null",
    ]


def wrap(paragraph: str, width: int = 72) -> list[str]:
    """Wrap prose; words longer than a line, such as paths and links, stay whole."""
    return textwrap.wrap(paragraph, width, break_long_words=False, break_on_hyphens=False)


def _threading(parent: Message) -> list[str]:
    """Return In-Reply-To and References; the whole chain, as mail readers without the archive need it."""
    chain = [*parent.references]
    if parent.in_reply_to and parent.in_reply_to not in chain:
        chain.append(parent.in_reply_to)
    chain = [f"<{known}>" for known in (*chain, parent.message_id) if _MESSAGE_ID.fullmatch(known)]
    if not chain:
        return []
    return [_field("In-Reply-To", chain[-1:]), _field("References", list(dict.fromkeys(chain)))]


def _further_field(name: str, value: str) -> str:
    if not _FIELD_NAME.fullmatch(name) or name.lower() in _OURS:
        raise OperatorError(f"The header field {name!a} cannot be set on a reply.")
    return _text_field(name, value)


def _mailbox(address: Address) -> str:
    name = " ".join(_CONTROL.sub(" ", address.name).split())[:200]
    if not name:
        return address.email
    if not name.isascii():
        return f"{' '.join(_encoded_words(name))} <{address.email}>"
    if not _ATOMS.fullmatch(name) or "=?" in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        name = f'"{escaped}"'
    return f"{name} <{address.email}>"


def _text_field(name: str, value: str) -> str:
    """Return an unstructured field; encoded as words where it is not plain ASCII, or could be mistaken for them."""
    words = _CONTROL.sub(" ", value).split()
    text = " ".join(words)
    if not text.isascii() or "=?" in text or any(len(word) > MAX_LINE - 100 for word in words):
        words = _encoded_words(text)
    return _field(name, words)


def _encoded_words(text: str) -> list[str]:
    """Return RFC 2047 words of at most 75 characters; a character is never split between two."""
    words = []
    piece = b""
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(piece) + len(encoded) > 45:
            words.append(piece)
            piece = b""
        piece += encoded
    return [f"=?utf-8?b?{binascii.b2a_base64(word, newline=False).decode()}?=" for word in [*words, piece]]


def _field(name: str, words: Sequence[str], separator: str = "") -> str:
    """Return a field folded between words where its line would pass 76 characters."""
    lines = []
    line = f"{name}:"
    for position, word in enumerate(words):
        piece = word + (separator if position < len(words) - 1 else "")
        if len(line) + 1 + len(piece) > _FOLD_AT and not line.endswith(":"):
            lines.append(line)
            line = ""
        line += f" {piece}"
    return "\n".join([*lines, line])


def _encode_body(body: str) -> tuple[bytes, str]:
    """Return the body and its transfer encoding.

    Quoted-printable only where 8bit would not arrive as it was sent: lines that
    are too long, and lines that begin with ``From ``, which mailboxes change.
    """
    text = _UNPRINTABLE.sub("\ufffd", body.replace("\r\n", "\n").replace("\r", "\n")).rstrip("\n") + "\n"
    data = text.encode("utf-8", "replace")
    if _NEEDS_ENCODING.search(data):
        return re.sub(rb"^From ", b"=46rom ", binascii.b2a_qp(data), flags=re.MULTILINE), "quoted-printable"
    return data, "7bit" if data.isascii() else "8bit"
