"""Grouping mails into threads, without regard to what they say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from reviewbot.mail.message import Message
from reviewbot.mail.thread import repaired_links
from reviewbot.series.subject import parse_subject

#: the patches of one series that was sent without threading leave within this time
SENDING = timedelta(hours=1)


def group_threads(messages: Iterable[Message]) -> list[list[Message]]:
    """Return the threads: mails that refer to each other or to the same absent mail; each Message-ID once.

    A reply without references belongs to the one mail that has its subject. The
    single mails of a series that was sent without threading (``git send-email
    --no-thread``) make one thread.
    """
    unique: dict[str, Message] = {}
    for message in messages:
        unique.setdefault(message.message_id, message)
    links = Links()
    for message in unique.values():
        for msgid in (*message.references, message.in_reply_to):
            if msgid:
                links.join(msgid, message.message_id)
    for one, other in _unthreaded(unique.values()):
        links.join(one.message_id, other.message_id)
    for original, answer in repaired_links(unique.values()):
        links.join(original, answer)
    groups: dict[str, list[Message]] = defaultdict(list)
    for message in unique.values():
        groups[links.top(message.message_id)].append(message)
    return list(groups.values())


class Links:
    """Which Message-IDs hang together (disjoint sets)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def top(self, msgid: str) -> str:
        """Return the one that stands for all that hang together with one."""
        above = self._above
        while (up := above.setdefault(msgid, msgid)) != msgid:
            above[msgid] = above[up]
            msgid = up
        return msgid

    def join(self, one: str, other: str) -> None:
        """Let two, and all that hang together with them, hang together."""
        self._above[self.top(one)] = self.top(other)


@dataclass(slots=True)
class _Sending:
    """The parts of one series that left one after the other."""

    first: Message
    numbers: set[int] = field(default_factory=set)


def sending_key(message: Message) -> tuple[object, ...]:
    """Return what the parts of a series that was sent without threading have in common, nothing for other mails."""
    subject = parse_subject(message.subject)
    if message.parent or subject.reply or not subject.numbered or subject.total < 2:
        return ()
    return message.author.email.lower(), subject.version, subject.total, subject.prefixes


def _unthreaded(messages: Iterable[Message]) -> list[tuple[Message, Message]]:
    """Return pairs of mails that nothing but author, version, total, prefixes and time ties together."""
    parts = [(message, parse_subject(message.subject)) for message in messages]
    parts = [(message, subject) for message, subject in parts if subject.numbered and not subject.reply]
    threaded = {message.parent for message, _ in parts}
    sendings: dict[object, list[_Sending]] = defaultdict(list)
    pairs = []
    for message, subject in sorted(parts, key=lambda part: part[0].date):
        key = sending_key(message)
        if not key or message.message_id in threaded:
            continue
        for sending in sendings[key]:
            if subject.number not in sending.numbers and message.date - sending.first.date <= SENDING:
                pairs.append((sending.first, message))
                break
        else:
            sending = _Sending(message)
            sendings[key].append(sending)
        sending.numbers.add(subject.number)
    return pairs
