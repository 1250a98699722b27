"""Mails that came back: which address of which mail was not reached, by the reporting server; RFC 3464, RFC 6522."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

#: bytes of a report that are read; what was returned stands behind what is said about it
_MAX_SIZE = 262_144
#: addresses of one report
_MOST = 50

_ADDRESS = re.compile(r"[^\s<>;\"]{1,64}@[^\s<>;\"]{1,255}")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,990})>")


@dataclass(frozen=True, slots=True)
class Failure:
    """An address that was not reached for good.

    :ivar address: in lower case.
    :ivar status: RFC 3463, e.g. ``5.1.1``; ``5.0.0`` when the server gives none.
    :ivar words: what the server of the address said.
    """

    address: str
    status: str
    words: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a server reports about one mail of ours.

    :ivar message_id: of the mail that came back, "" when the report does not say.
    :ivar failures: none for a mere delay, or a mail that did arrive.
    """

    message_id: str
    failures: tuple[Failure, ...]


def read_report(raw: bytes) -> Report | None:
    """Return what a delivery report says, None for any other mail."""
    mail = email.message_from_bytes(raw[:_MAX_SIZE])
    if mail.get_content_type() != "multipart/report":
        return None
    failures: list[Failure] = []
    message_id = ""
    for part in mail.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            failures += _failures(part)
        elif kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            message_id = message_id or _returned(part)
    return Report(message_id, tuple(dict.fromkeys(failures))[:_MOST])


def _failures(part: Message) -> Iterator[Failure]:
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else ():
        if not isinstance(block, Message) or _field(block, "Action").lower() != "failed":
            continue
        recipient = _ADDRESS.search(_field(block, "Original-Recipient") or _field(block, "Final-Recipient"))
        status = _STATUS.search(_field(block, "Status"))
        if recipient:
            words = " ".join(_field(block, "Diagnostic-Code").split())[:500]
            yield Failure(recipient[0].lower(), status[0] if status else "5.0.0", words)


def _returned(part: Message) -> str:
    """Return the Message-ID of the mail that came back, whole or as its header alone."""
    payload = part.get_payload()
    if isinstance(payload, list):
        inner = payload[0] if payload and isinstance(payload[0], Message) else Message()
    else:
        inner = email.message_from_string(str(payload)[:_MAX_SIZE])
    found = _MESSAGE_ID.search(_field(inner, "Message-ID"))
    return found[1] if found else ""


def _field(mail: Message, name: str) -> str:
    return str(mail.get(name, ""))[:2000].strip()
