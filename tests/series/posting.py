"""Invented postings: covers, patches and answers, as a list would carry them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from reviewbot.mail.message import Address, Message
from reviewbot.series.assemble import assemble
from reviewbot.series.model import Series

ADA = Address("Ada Example", "ada@example.org")
BOB = Address("Bob Example", "bob@example.org")
START = datetime(2025, 3, 4, 9, tzinfo=UTC)


def diff(path: str = "mm/late.c", added: str = "if (!ctor(page))", context: str = "struct page *page;") -> str:
    """Return a diff that adds a line to one file."""
    return (
        f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n"
        f"@@ -10,2 +10,3 @@ static int late(void)\n \t{context}\n+\t{added}\n \treturn 0;\n"
    )


def mail(
    subject: str,
    body: str = "Hello.\n",
    *,
    id: str = "",
    to: str = "",
    author: Address = ADA,
    minutes: float = 0,
    references: tuple[str, ...] = (),
) -> Message:
    """Return a mail; ``to`` is the Message-ID that it answers, ``minutes`` when it was sent."""
    return Message(
        message_id=id or f"{crc32(repr((subject, minutes, author)).encode()):x}@example.org",
        subject=subject,
        author=author,
        date=START + timedelta(minutes=minutes),
        in_reply_to=to,
        references=references or ((to,) if to else ()),
        body=body,
    )


def patch(
    mark: str,
    name: str = "mm: check the constructor",
    *,
    text: str = "",
    change: str | None = None,
    below: str = "",
    **fields: Any,
) -> Message:
    """Return a patch mail, ``mark`` being the inside of its bracket."""
    change = diff(added=f"{name.replace(' ', '_')}();") if change is None else change
    body = f"{text or 'Because it may fail.'}\n\nSigned-off-by: {ADA}\n---\n{below}\n{change}-- \n2.39.5\n"
    return mail(f"[{mark}] {name}", body, **fields)


def cover(mark: str, name: str = "mm: constructors", text: str = "Some patches.\n", **fields: Any) -> Message:
    """Return a cover letter."""
    body = f"{text}\nAda Example (2):\n  a\n  b\n\n mm/late.c | 2 ++\n 1 file changed, 2 insertions(+)\n"
    return mail(f"[{mark}] {name}", body, **fields)


def posting(
    total: int,
    *,
    version: int = 1,
    prefix: str = "PATCH",
    to: str = "",
    minutes: float = 0,
    tag: str = "",
    text: str = "",
) -> list[Message]:
    """Return a cover and its patches, as ``git send-email`` threads them; their ids are ``v1-0@example.org`` …"""
    mark = prefix if version == 1 else f"{prefix} v{version}"
    ids = [f"{tag}v{version}-{number}@example.org" for number in range(total + 1)]
    mails = [cover(f"{mark} 0/{total}", text=text or "Some patches.\n", id=ids[0], to=to, minutes=minutes)]
    for number in range(1, total + 1):
        name = f"mm: step {number}"
        mails.append(patch(f"{mark} {number}/{total}", name, id=ids[number], to=ids[0], minutes=minutes + number / 60))
    return mails


def reply(to: Message, body: str, *, author: Address = BOB, id: str = "", minutes: float = 60) -> Message:
    """Return an answer."""
    subject = to.subject if to.subject.startswith("Re: ") else f"Re: {to.subject}"
    id = id or f"re-{author.name[:3]}-{minutes:g}-{to.message_id}"
    return mail(subject, body, id=id, to=to.message_id, author=author, minutes=minutes)


def only(messages: list[Message]) -> Series:
    """Return the one series that mails are."""
    (series,) = assemble(messages)
    return series
