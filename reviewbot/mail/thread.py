"""Who answers whom: a set of mails as the tree that people see. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from operator import itemgetter

from reviewbot.mail.message import Message
from reviewbot.mail.subject import strip_reply

#: a reply without a usable reference is tied to a mail of the same subject within this time
REPAIR_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Node:
    """A mail in its place.

    :ivar parent: Message-ID of the mail above it, "" for a root. A missing parent is skipped for the nearest
        ancestor that is there.
    :ivar depth: 0 for a root.
    :ivar repaired: true when the parent was found by the subject, as no reference led to it.
    """

    message: Message
    parent: str = ""
    depth: int = 0
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Thread:
    """A forest of mails.

    :ivar nodes: every mail once, depth first; roots and siblings in order of date.
    """

    nodes: tuple[Node, ...]
    _by_id: Mapping[str, Node] = field(repr=False)
    _children: Mapping[str, tuple[str, ...]] = field(repr=False)

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._by_id

    def __getitem__(self, message_id: str) -> Node:
        return self._by_id[message_id]

    @property
    def roots(self) -> tuple[str, ...]:
        """Message-IDs of the mails that answer none."""
        return self._children.get("", ())

    def children(self, message_id: str) -> tuple[str, ...]:
        """Return the Message-IDs of the direct answers, in order of date."""
        return self._children.get(message_id, ())

    def ancestors(self, message_id: str) -> Iterator[Message]:
        """Yield the mails above one, the nearest first."""
        parent = self._by_id[message_id].parent
        while parent:
            node = self._by_id[parent]
            yield node.message
            parent = node.parent

    def descendants(self, message_id: str) -> Iterator[Message]:
        """Yield the mails below one, depth first."""
        waiting = list(reversed(self.children(message_id)))
        while waiting:
            child = waiting.pop()
            yield self._by_id[child].message
            waiting.extend(reversed(self.children(child)))


def build_thread(messages: Iterable[Message]) -> Thread:
    """Put mails into their order; the copies that several lists delivered of one mail become one.

    Missing parents, references that run in a circle and mails that name
    themselves are tolerated. A reply that names no known mail is tied to the
    one earlier mail that has its subject, if there is exactly one such mail.
    """
    mails = _merge(messages)
    parents = {message_id: _parent(mail, mails) for message_id, mail in mails.items()}
    repaired = _repair(mails, parents)
    _break_circles(mails, parents)
    return _arrange(mails, parents, repaired)


def repaired_links(messages: Iterable[Message]) -> list[tuple[str, str]]:
    """Return the mail and its answer where nothing but the subject ties them, as :func:`build_thread` does."""
    mails = {message.message_id: message for message in messages}
    parents = {message_id: _parent(mail, mails) for message_id, mail in mails.items()}
    return [(parents[message_id], message_id) for message_id in _repair(mails, parents)]


@lru_cache(maxsize=4096)  # each mail is asked for several times, and a discussion has one subject
def subject_key(subject: str) -> tuple[str, bool]:
    """Return what an answer and the mail it answers have in common in their subjects, and whether this is an answer."""
    rest, answer = strip_reply(subject)
    return " ".join(rest.lower().split()), answer


def _merge(messages: Iterable[Message]) -> dict[str, Message]:
    mails: dict[str, Message] = {}
    for mail in messages:
        first = mails.setdefault(mail.message_id, mail)
        if first is mail:
            continue
        lists = tuple(dict.fromkeys((*first.lists, *mail.lists)))
        oddities = tuple(dict.fromkeys((*first.oddities, *mail.oddities)))
        if (first.subject, first.author.email) != (mail.subject, mail.author.email):
            oddities = tuple(dict.fromkeys((*oddities, "another mail has the same Message-ID")))
        if (lists, oddities) != (first.lists, first.oddities):
            mails[mail.message_id] = replace(first, lists=lists, oddities=oddities)
    return mails


def _parent(mail: Message, mails: Mapping[str, Message]) -> str:
    """Return the nearest ancestor that is there."""
    for reference in (mail.in_reply_to, *reversed(mail.references)):
        if reference in mails and reference != mail.message_id:
            return reference
    return ""


def _repair(mails: Mapping[str, Message], parents: dict[str, str]) -> set[str]:
    """Tie replies without a parent to the one mail that has their subject; return which were tied."""
    originals: dict[str, list[tuple[float, str]]] = defaultdict(list)
    lost: list[tuple[str, Message]] = []
    for mail in mails.values():
        key, answer = subject_key(mail.subject)
        if not answer:
            originals[key].append((mail.date.timestamp(), mail.message_id))
        elif not parents[mail.message_id]:
            lost.append((key, mail))
    for candidates in originals.values():
        candidates.sort()
    repaired = set()
    for key, mail in lost:
        candidates = originals[key]
        sent = mail.date.timestamp()
        behind = bisect_right(candidates, sent, key=itemgetter(0))
        first = bisect_left(candidates, sent - REPAIR_WINDOW.total_seconds(), key=itemgetter(0))
        if key and behind - first == 1:
            parents[mail.message_id] = candidates[first][1]
            repaired.add(mail.message_id)
    return repaired


def _break_circles(mails: Mapping[str, Message], parents: dict[str, str]) -> None:
    """Make the oldest mail of each circle a root."""
    settled: set[str] = set()
    for start in parents:
        path: list[str] = []
        on_path: dict[str, int] = {}
        current = start
        while current and current not in settled and current not in on_path:
            on_path[current] = len(path)
            path.append(current)
            current = parents[current]
        if current in on_path:
            circle = path[on_path[current] :]
            oldest = min(circle, key=lambda message_id: (mails[message_id].date, message_id))
            parents[oldest] = ""
        settled.update(path)


def _arrange(mails: Mapping[str, Message], parents: Mapping[str, str], repaired: set[str]) -> Thread:
    children: dict[str, list[str]] = defaultdict(list)
    for message_id in sorted(parents, key=lambda message_id: (mails[message_id].date, message_id)):
        children[parents[message_id]].append(message_id)
    nodes: dict[str, Node] = {}
    waiting = [(message_id, 0) for message_id in reversed(children[""])]
    while waiting:
        message_id, depth = waiting.pop()
        nodes[message_id] = Node(mails[message_id], parents[message_id], depth, message_id in repaired)
        waiting.extend((child, depth + 1) for child in reversed(children.get(message_id, ())))
    return Thread(tuple(nodes.values()), nodes, {key: tuple(value) for key, value in children.items()})
