"""Which thread a mail belongs to, as rows: whatever may hang together has one name.

A thread here is a superset of what people see as one: what
:func:`reviewbot.series.assemble.assemble` makes of its mails does not depend on
any other mail. So it may be put together from any part, in any order.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import TypeVar

from django.db.models import Exists, OuterRef, QuerySet

from reviewbot.mail.message import Message
from reviewbot.mail.thread import REPAIR_WINDOW, subject_key
from reviewbot.series.grouping import SENDING, Links, sending_key
from threads import models
from threads.conversion import storable
from threads.models import MESSAGE_ID_LENGTH
from threads.services.bulk import insert

#: names in one query; SQLite takes 999 values
CHUNK = 900

T = TypeVar("T")
#: first and last moment, and what belongs to them
_Span = tuple[datetime, datetime, str]


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield values in lists that fit one query."""
    rest = iter(values)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def ancestors(message: Message) -> list[str]:
    """Return the mails that one names as those it answers, the oldest first."""
    names = [*message.references, *([message.in_reply_to] if message.in_reply_to else [])]
    return [storable(name)[:MESSAGE_ID_LENGTH] for name in dict.fromkeys(names) if name != message.message_id]


def subject_of(message: Message) -> tuple[str, bool]:
    """Return the key by which lost answers are found, and whether this is an answer."""
    key, answer = subject_key(message.subject)
    return storable(key)[:200], answer


def sending_of(message: Message) -> str:
    """Return the key by which the parts of a series that was sent without threading are found, "" for other mails."""
    key = sending_key(message)
    return hashlib.sha256(repr(key).encode("utf-8", "replace")).hexdigest() if key else ""


def tie(messages: Sequence[Message]) -> dict[str, str]:
    """Return the thread of each new mail, and rename the threads that it turns out to be one with.

    :param messages: not yet kept; each Message-ID once.
    """
    return _Tie(messages).run() if messages else {}


def join_threads(one: str, other: str) -> None:
    """Make one thread a part of another."""
    if one != other:
        models.Message.objects.filter(thread=one).update(thread=other)
        models.Missing.objects.filter(thread=one).update(thread=other)


class _Tie:
    """Ties some new mails to each other and to what is there."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.own = {message.message_id for message in messages}
        self.named = {message.message_id: ancestors(message) for message in messages}
        self.links = Links()
        self.present: dict[str, str] = {}  # thread by Message-ID
        self.missing: dict[str, str] = {}
        self.labels: set[str] = set()  # of threads that are there

    def run(self) -> dict[str, str]:
        self._look_up()
        for message_id, names in self.named.items():
            for name in names:
                self.links.join(name, message_id)
        for message_id, label in [*self.present.items(), *self.missing.items()]:
            self._join_thread(message_id, label)
        self._by_subject()
        self._by_sending()
        chosen = self._choose()
        labels = {message_id: chosen[self.links.top(message_id)] for message_id in self.own}
        self._note_missing(chosen)
        return labels

    def _join_thread(self, message_id: str, label: str) -> None:
        self.labels.add(label)
        self.links.join(message_id, label)

    def _look_up(self) -> None:
        names = {name for names in self.named.values() for name in names}
        for chunk in chunks(sorted(names - self.own)):
            self.present |= models.Message.objects.filter(message_id__in=chunk).values_list("message_id", "thread")
        for chunk in chunks(sorted(names.union(self.own) - self.present.keys())):
            self.missing |= models.Missing.objects.filter(message_id__in=chunk).values_list("message_id", "thread")

    def _by_subject(self) -> None:
        """Tie answers whose parent is not here to the mails that have their subject."""
        lost: dict[str, list[Message]] = defaultdict(list)
        first: dict[str, list[Message]] = defaultdict(list)
        for message in self.messages:
            key, answer = subject_of(message)
            if key and not answer:
                first[key].append(message)
            elif key and not any(name in self.present or name in self.own for name in self.named[message.message_id]):
                lost[key].append(message)
        for key in lost.keys() & first.keys():
            self._tie_within(first[key], [(one.date - REPAIR_WINDOW, one.date, one.message_id) for one in lost[key]])
        there = models.Message.objects
        parent = there.filter(message_id=OuterRef("parent_msgid"))
        # "in" lets the index of subject, answer and date be used to its end; a bare boolean does not.
        self._tie_rows(lost, there.filter(answer__in=[False]), before=REPAIR_WINDOW)
        self._tie_rows(first, there.filter(~Exists(parent), answer__in=[True]), after=REPAIR_WINDOW)

    def _tie_rows(
        self,
        new: dict[str, list[Message]],
        rows: QuerySet[models.Message],
        *,
        before: timedelta = timedelta(0),
        after: timedelta = timedelta(0),
    ) -> None:
        """Tie new mails to rows of the same subject that were sent within some time of them."""
        dates = [message.date for messages in new.values() for message in messages]
        for chunk in chunks(new):
            near = rows.filter(subject_key__in=chunk, date__range=(min(dates) - before, max(dates) + after))
            spans: dict[str, list[_Span]] = defaultdict(list)
            for key, date, label in near.values_list("subject_key", "date", "thread"):
                spans[key].append((date - after, date + before, label))
            for key, found in spans.items():
                self.labels |= self._tie_within(new[key], found)

    def _tie_within(self, messages: Sequence[Message], spans: Iterable[_Span]) -> set[str]:
        """Tie to each name all mails of its span of time, in one pass over both; return the names that were tied.

        :param spans: all of one length, so that of two the later one also ends later.
        """
        ordered = sorted(messages, key=_date)
        named = set()
        chained = 0  # up to here, each mail of a span is tied to the next one
        for begin, end, name in sorted(spans):
            first, behind = bisect_left(ordered, begin, key=_date), bisect_right(ordered, end, key=_date)
            if first == behind:
                continue
            named.add(name)
            self.links.join(ordered[first].message_id, name)
            for one, other in pairwise(ordered[max(first, chained) : behind]):
                self.links.join(one.message_id, other.message_id)
            chained = max(chained, behind - 1)
        return named

    def _by_sending(self) -> None:
        """Tie the parts of a series that nothing else ties together."""
        new: dict[str, list[Message]] = defaultdict(list)
        for message in self.messages:
            if key := sending_of(message):
                new[key].append(message)
        for messages in new.values():
            messages.sort(key=lambda message: message.date)
            for one, other in pairwise(messages):
                if other.date - one.date <= SENDING:
                    self.links.join(one.message_id, other.message_id)
        for chunk in chunks(new):
            dates = [message.date for key in chunk for message in new[key]]
            near = models.Message.objects.filter(
                sending__in=chunk, date__range=(min(dates) - SENDING, max(dates) + SENDING)
            )
            for key, date, label in near.values_list("sending", "date", "thread"):
                for message in new[key]:
                    if abs(message.date - date) <= SENDING:
                        self._join_thread(message.message_id, label)

    def _choose(self) -> dict[str, str]:
        """Name each thread: as it is named already, else by its oldest mail; return the names."""
        heads: dict[str, set[str]] = defaultdict(set)
        there: dict[str, set[str]] = defaultdict(set)
        for message_id, names in self.named.items():
            heads[self.links.top(message_id)].add(names[0] if names else message_id)
        for label in self.labels:
            there[self.links.top(label)].add(label)
        below = {message_id for message_id, names in self.named.items() if names}
        chosen = {}
        for top, candidates in heads.items():
            known = there[top]
            chosen[top] = min(known - below or candidates - below or known or candidates)
            for other in sorted(known - {chosen[top]}):
                join_threads(other, chosen[top])
        return chosen

    def _note_missing(self, chosen: dict[str, str]) -> None:
        arrived = sorted(self.own & self.missing.keys())
        for chunk in chunks(arrived):
            models.Missing.objects.filter(message_id__in=chunk).delete()
        here = self.own | self.present.keys() | self.missing.keys()
        names = dict.fromkeys(name for names in self.named.values() for name in names if name not in here)
        insert(models.Missing, ("message_id", "thread"), [(name, chosen[self.links.top(name)]) for name in names])


def _date(message: Message) -> datetime:
    return message.date
