"""One mail, parsed once: what every later step knows about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

#: stands in the text of an answer before a patch that is attached as a file: its author's words, not the sender's
ATTACHED = "[-- attached patch --]"


class Address(NamedTuple):
    """A person: display name ("" when none is given) and address, decoded, without control characters."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email


@dataclass(frozen=True, slots=True)
class Message:
    r"""One mail as the archives know it.

    :ivar message_id: without angle brackets; derived from the bytes when the mail has none.
    :ivar subject: decoded, on one line.
    :ivar author: the From address.
    :ivar date: when it was sent, in UTC; impossible dates are replaced by the first Received date.
    :ivar in_reply_to: a Message-ID, "" when there is none.
    :ivar references: Message-IDs from the oldest ancestor to the parent.
    :ivar to: recipients as written.
    :ivar cc: copied recipients as written.
    :ivar lists: List-Id values, without angle brackets, e.g. ``linux-mm.kvack.org``.
    :ivar body: the readable text: decoded, ``\n`` line ends, HTML turned to text, patches of
        text attachments appended.
    :ivar oddities: what had to be repaired or is suspicious, one short phrase each.
    :ivar raw: the bytes as received.
    """

    message_id: str
    subject: str
    author: Address
    date: datetime
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    lists: tuple[str, ...] = ()
    body: str = field(default="", repr=False)
    oddities: tuple[str, ...] = ()
    raw: bytes = field(default=b"", repr=False)

    @property
    def parent(self) -> str:
        """Message-ID of the mail this one answers, "" for the start of a thread."""
        return self.in_reply_to or (self.references[-1] if self.references else "")
