"""The mails of a thread: what each one is to a series, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from reviewbot.mail.diff import find_diff
from reviewbot.mail.message import Message
from reviewbot.series.subject import Subject, parse_subject
from reviewbot.series.trailers import find_trailers

_DIFFSTAT = re.compile(r"^[ \t]*\d+ files?\b.*\d+ (?:insertion|deletion)", re.MULTILINE)
# Robots that tell of a patch in somebody's tree; the mail holds the patch, and is none to review.
_NOTICE = re.compile(
    r"\[(?:tip: ?\S+|merged[^]]*|folded-merged|to-be-updated|withdrawn|obsolete)\] "
    r"|\+ \S+\.patch added to |\[?\S+\]? \S+\.patch removed from "
    r"|patch \".*\" has been added to the \S+ (?:stable )?tree",
    re.IGNORECASE,
)


class Kind(Enum):
    """What a mail is to a series."""

    COVER = auto()
    PATCH = auto()
    REPLY = auto()
    OTHER = auto()


@dataclass(slots=True, eq=False)
class Mail:
    """A mail of a thread, and what its subject and body make of it."""

    message: Message
    subject: Subject
    kind: Kind
    diffstat: bool

    @property
    def id(self) -> str:
        """Return the Message-ID."""
        return self.message.message_id

    @property
    def is_part(self) -> bool:
        """Tell whether the mail is a cover or a patch."""
        return self.kind in (Kind.COVER, Kind.PATCH)


def classify(message: Message) -> Mail:
    """Tell covers, patches, replies and other mails apart.

    An answer is never a patch, whatever it holds. A mail with a diff is one even
    without ``[PATCH]``, unless it asks to pull or reports that a tree has changed.
    """
    subject = parse_subject(message.subject)
    body = message.body
    diff = find_diff(body) >= 0
    kind = Kind.OTHER
    if subject.reply:
        kind = Kind.REPLY
    elif _NOTICE.match(message.subject) or subject.pull:
        kind = Kind.OTHER
    elif subject.numbered and subject.number == 0:
        kind = Kind.COVER
    elif diff:
        kind = Kind.PATCH
    elif message.parent and find_trailers(body):
        kind = Kind.REPLY
    return Mail(message, subject, kind, kind is not Kind.PATCH and _has_diffstat(body))


def _has_diffstat(body: str) -> bool:
    return ("insertion" in body or "deletion" in body) and bool(_DIFFSTAT.search(body))


class Conversation:
    """The mails of one thread by Message-ID, oldest first, and how they hang together."""

    def __init__(self, messages: Iterable[Message]) -> None:
        ordered = sorted(messages, key=lambda message: (message.date, message.message_id))
        self.mails = {message.message_id: classify(message) for message in ordered}
        self._anchors: dict[str, Mail | None] = {}

    def parent(self, mail: Mail) -> Mail | None:
        """Return the mail that one answers, if it is here; references count where In-Reply-To is missing."""
        answered = mail.message.in_reply_to
        for msgid in (answered,) if answered else reversed(mail.message.references):
            if msgid != mail.id and (found := self.mails.get(msgid)):
                return found
        return None

    def replies_above(self, mail: Mail) -> Iterator[Mail]:
        """Yield the replies that one answers, the nearest first, up to what the discussion is about."""
        seen = {mail.id}
        above = self.parent(mail)
        while above is not None and above.kind is Kind.REPLY and above.id not in seen:
            yield above
            seen.add(above.id)
            above = self.parent(above)

    def anchor(self, mail: Mail) -> Mail | None:
        """Return the first mail above one that is no reply: what the discussion there is about."""
        path = {mail.id}
        above = self.parent(mail)
        while above is not None and above.kind is Kind.REPLY and above.id not in path:
            if above.id in self._anchors:
                above = self._anchors[above.id]
                break
            path.add(above.id)
            above = self.parent(above)
        if above is not None and above.kind is Kind.REPLY:
            above = None  # a circle
        self._anchors.update(dict.fromkeys(path, above))
        return above
