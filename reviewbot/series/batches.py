"""Sorting the mails of a thread into batches: what was posted together as one version.

b4 knows one series per version and thread. Threads hold more than that: a
fix-up in the midst of a review, a second posting that forgot its ``v2``, someone
else's patch as an answer. A batch takes a part in only when number, total, author
and place in the thread say that it belongs there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import SequenceMatcher

from reviewbot.series.mails import Conversation, Kind, Mail

# Parts that hardly refer to each other belong together when they were sent within this time.
_SITTING = timedelta(hours=24)
_AT_ONCE = timedelta(hours=1)
_ALIKE = 0.75


@dataclass(slots=True, eq=False)
class Batch:
    """Parts that were posted as one version.

    :ivar slots: patches by the number in their subject; more than one where somebody miscounted.
    :ivar base: the batch from which the patches were taken that this one did not re-post.
    :ivar replaced: patches whose place another posting took.
    """

    version: int
    cover: Mail | None = None
    slots: dict[int, list[Mail]] = field(default_factory=dict)
    base: Batch | None = None
    replaced: list[Mail] = field(default_factory=list)
    said: Counter[int] = field(default_factory=Counter)

    @property
    def patches(self) -> list[Mail]:
        """Return the patches that are there, in order of their numbers."""
        return [mail for number in sorted(self.slots) for mail in self.slots[number]]

    @property
    def parts(self) -> list[Mail]:
        """Return the cover and the patches that were posted with it."""
        taken = {mail.id for mail in (self.base.cover, *self.base.patches) if mail} if self.base else set()
        return [mail for mail in (self.cover, *self.patches) if mail and mail.id not in taken]

    @property
    def announced(self) -> int:
        """Return how many patches there should be: what most of them say, else the cover."""
        if not self.said:
            return self.cover.subject.total if self.cover else 0
        most = max(self.said.values())
        return max(total for total, count in self.said.items() if count == most)

    @property
    def total(self) -> int:
        """Return how many patches there should be, at least as many as are there."""
        return max(self.announced, self.numbered()[-1][0] if self.slots else 0)

    def numbered(self) -> list[tuple[int, Mail]]:
        """Return the patches with their numbers; where two have the same, the later ones move up."""
        numbers: list[tuple[int, Mail]] = []
        for mail in self.patches:
            numbers.append((max(mail.subject.number, numbers[-1][0] + 1 if numbers else 1), mail))
        return numbers

    def holder(self, mail: Mail) -> Mail | None:
        """Return the part that has the place of another one."""
        if mail.kind is Kind.COVER:
            return self.cover
        return self.slots.get(mail.subject.number, [None])[0]

    def put(self, mail: Mail) -> None:
        """Take a part in; a new posting of the same patch takes the place of the old one."""
        if mail.kind is Kind.COVER:
            self.cover = mail
            return
        there = self.holder(mail)
        if there and (mail.subject.name == there.subject.name or mail.message.parent == there.id):
            self.slots[mail.subject.number].remove(there)
            self.replaced.append(there)
        self.slots.setdefault(mail.subject.number, []).append(mail)
        self.said[mail.subject.total] += 1


def sort_batches(conversation: Conversation) -> list[Batch]:
    """Return the batches of a thread, oldest first."""
    return _Sorter(conversation).sort()


class _Sorter:
    """Sorts the parts of one thread, covers first, then patches in order of date."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.found: list[Batch] = []
        self.homes: dict[str, Batch] = {}  # by Message-ID of a part
        self.sent: dict[tuple[object, ...], dict[int, tuple[Batch, Mail]]] = defaultdict(dict)
        self.built: dict[int, Batch] = {}  # the re-roll that builds on a batch, by the id() of that
        self.singles: dict[str, list[tuple[Batch, Mail]]] = defaultdict(list)  # by author

    def sort(self) -> list[Batch]:
        parts = [mail for mail in self.conversation.mails.values() if mail.is_part]
        for mail in sorted(parts, key=_order):
            version = self._version(mail)
            home = self._home(mail, version)
            if home is None:
                home = Batch(version)
                self.found.append(home)
            self._put(mail, home)
        for batch in self.found:
            if not batch.cover and (cover := self._naked_cover(batch)):
                batch.cover = cover
                self.homes[cover.id] = batch
        real = [batch for batch in self.found if batch.slots or not self._is_repeated(batch)]
        for batch in sorted(real, key=lambda batch: batch.version):
            self._complete_reroll(batch)
        return sorted(real, key=lambda batch: min((mail.message.date, mail.id) for mail in batch.parts))

    def _put(self, mail: Mail, home: Batch) -> None:
        home.put(mail)
        self.homes[mail.id] = home
        for key in _sendings(mail, home.version):
            self.sent[key][id(home)] = (home, mail)
        if not mail.subject.numbered and not mail.subject.versioned:
            self.singles[_author(mail)].append((home, mail))

    def _version(self, mail: Mail) -> int:
        """Return the version that a part belongs to, also when its subject forgot to say it."""
        subject = mail.subject
        if subject.versioned or mail.kind is Kind.COVER:
            return subject.version
        above = self.conversation.parent(mail)
        if not subject.numbered:
            return self._version_of_repeated(mail)
        if above and (above.kind is Kind.COVER or (above.kind is Kind.PATCH and above.subject.number == 1)):
            return above.subject.version
        return subject.version

    def _version_of_repeated(self, mail: Mail) -> int:
        """Count the postings of a single patch whose author does not number versions."""
        if mail.subject.resend or not mail.subject.patch:
            return mail.subject.version
        repeated = [
            batch.version
            for batch, single in self.singles[_author(mail)][-10:]
            if single.message.date < mail.message.date and _is_alike(single.subject.name, mail.subject.name)
        ]
        return max(repeated, default=0) + 1

    def _home(self, mail: Mail, version: int) -> Batch | None:
        """Return the batch that a part belongs to, None when it starts its own."""
        if not mail.subject.numbered:
            return None
        above, anchor = self.conversation.parent(mail), self.conversation.anchor(mail)
        batch = self.homes.get(above.id) if above else None
        if batch and above and _misnamed(mail, batch, above):
            batch.version = version
            return batch
        if batch and above and batch.version == version and _joins(mail, batch, above):
            return batch
        batch = self.homes.get(anchor.id) if anchor else None
        if batch and anchor and batch.version == version and _follows_up(mail, batch, anchor):
            return batch
        for key in _sendings(mail, version):
            for batch, part in reversed(self.sent[key].values()):
                if self._is_sibling(mail, batch, part):
                    return batch
        return None

    def _is_sibling(self, mail: Mail, batch: Batch, part: Mail) -> bool:
        """Tell whether a part was sent along with one of a batch without any link to it."""
        if batch.holder(mail):
            return False
        if mail.message.parent and mail.message.parent == part.message.parent:
            return _is_near(mail, part, _AT_ONCE) or mail.subject.total == batch.announced
        linked = mail.subject.versioned or self.conversation.parent(mail) is None
        return linked and mail.subject.total == batch.announced and _is_near(mail, part)

    def _naked_cover(self, batch: Batch) -> Mail | None:
        """Return the mail that introduces a batch without being numbered 0."""
        for mail in batch.patches:
            above = self.conversation.parent(mail)
            if above is None or above.kind is not Kind.OTHER or above.id in self.homes:
                continue
            if above.diffstat or (_author(above) == _author(mail) and not above.message.parent):
                return above
        return None

    def _is_repeated(self, batch: Batch) -> bool:
        """Tell whether a cover without patches was only sent again with another batch."""
        names = {(other.version, other.cover.subject.name) for other in self.found if other.cover and other.slots}
        return batch.cover is not None and (batch.version, batch.cover.subject.name) in names

    def _complete_reroll(self, batch: Batch) -> None:
        """Fill a version that re-posts only some patches, each as an answer to the one it replaces."""
        if batch.version < 2 or len(batch.slots) >= batch.total or batch.cover:
            return
        bases = [self._latest(self._replaced(mail, batch), batch.version) for mail in batch.patches]
        base = bases[0]
        if base is None or any(other is not base for other in bases):
            return
        batch.base, batch.cover = base, base.cover
        self.built[id(base)] = batch
        for number, mails in base.slots.items():
            batch.slots.setdefault(number, mails)

    def _latest(self, base: Batch | None, version: int) -> Batch | None:
        """Return the highest version below one that builds on a batch, else the batch itself."""
        while base and (above := self.built.get(id(base))) and above.version < version:
            base = above
        return base

    def _replaced(self, mail: Mail, batch: Batch) -> Batch | None:
        """Return the earlier batch whose patch of the same number a part answers, maybe through replies."""
        above: Mail | None = mail
        for _ in range(100):
            above = self.conversation.anchor(above) if above else None
            if above is None:
                return None
            if (above.subject.number, above.subject.total) == (mail.subject.number, mail.subject.total):
                home = self.homes.get(above.id)
                return home if home and home.version < batch.version and above.kind is Kind.PATCH else None
        return None


def _order(mail: Mail) -> tuple[bool, datetime, int]:
    """Sort covers first, then patches as they were sent; parts of one second by their numbers."""
    return mail.kind is Kind.PATCH, mail.message.date, mail.subject.number


def _author(mail: Mail) -> str:
    return mail.message.author.email.lower()


def _sendings(mail: Mail, version: int) -> Iterator[tuple[object, ...]]:
    """Yield what the parts of one posting have in common: what they answer, or how many they are."""
    if mail.message.parent:
        yield _author(mail), version, "answers", mail.message.parent
    yield _author(mail), version, "of", mail.subject.total


def _is_alike(one: str, other: str) -> bool:
    """Tell whether two names are the same but for some words."""
    matcher = SequenceMatcher(None, one.lower()[:200], other.lower()[:200])
    return matcher.quick_ratio() > _ALIKE and matcher.ratio() > _ALIKE


def _is_near(one: Mail, other: Mail, within: timedelta = _SITTING) -> bool:
    return abs(one.message.date - other.message.date) <= within


def _misnamed(mail: Mail, batch: Batch, cover: Mail) -> bool:
    """Tell whether a patch belongs to a cover that says another version, by mistake."""
    return (
        batch.cover is cover
        and not batch.slots
        and mail.subject.version != batch.version
        and _author(mail) == _author(cover)
        and _is_near(mail, cover, _AT_ONCE)
        and abs(mail.subject.total - cover.subject.total) <= 1
    )


def _joins(mail: Mail, batch: Batch, above: Mail) -> bool:
    """Tell whether a part that answers the cover or a patch directly belongs to their batch."""
    same = _author(mail) == _author(above)
    total, there = batch.announced, batch.holder(mail)
    if there is None:
        return mail.subject.total == total or (same and (_is_near(mail, above) or mail.subject.number > total))
    if not same or mail.kind is Kind.COVER or mail.subject.total != total:
        return False
    return there is above or (_is_near(mail, there) and there.message.parent == mail.message.parent)


def _follows_up(mail: Mail, batch: Batch, anchor: Mail) -> bool:
    """Tell whether a part further down the discussion adds to a batch or replaces what is discussed."""
    if _author(mail) != _author(anchor):
        return False
    total, there = batch.announced, batch.holder(mail)
    if there is None:
        return mail.subject.total == total or mail.subject.number > total
    return mail.subject.total == total and there is anchor and mail.kind is Kind.PATCH
