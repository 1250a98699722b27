"""Sorting the mails of a thread into batches: what was posted together as one version.

b4 knows one series per version and thread. Threads hold more than that: a
fix-up in the midst of a review, a second posting that forgot its ``v2``, someone
else's patch as an answer. A batch takes a part in only when number, total, author
and place in the thread say that it belongs there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import SequenceMatcher
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
#: parts that do not refer to each other belong together when they were sent within this time
SITTING = timedelta(hours=24)
_AT_ONCE = timedelta(hours=1)


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
    elif _NOTICE.match(message.subject) or (subject.pull and not (subject.numbered and diff)):
        kind = Kind.OTHER
    elif subject.numbered and subject.number == 0:
        kind = Kind.COVER
    elif diff:
        kind = Kind.PATCH
    elif message.parent and find_trailers(body):
        kind = Kind.REPLY
    return Mail(message, subject, kind, kind is not Kind.PATCH and bool(_DIFFSTAT.search(body)))


@dataclass(slots=True, eq=False)
class Batch:
    """Parts that were posted as one version.

    :ivar patches: those that are there, in order of their numbers.
    :ivar base: the batch from which the patches were taken that this one did not re-post.
    :ivar replaced: patches whose place another posting took.
    """

    version: int
    cover: Mail | None = None
    patches: list[Mail] = field(default_factory=list)
    base: Batch | None = None
    replaced: list[Mail] = field(default_factory=list)

    @property
    def parts(self) -> list[Mail]:
        """Return the cover and the patches that were posted with it."""
        taken = {id(mail) for mail in (self.base.cover, *self.base.patches)} if self.base else set()
        every = [self.cover, *self.patches] if self.cover else self.patches
        return [mail for mail in every if mail and id(mail) not in taken]

    @property
    def total(self) -> int:
        """Return how many patches were announced: what most of them say, at least as many as are there."""
        said = Counter(mail.subject.total for mail in self.patches)
        if not said:
            return self.cover.subject.total if self.cover else 0
        most = max(said.values())
        return max(*(total for total, count in said.items() if count == most), self.numbered()[-1][0])

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
        return next((patch for patch in self.patches if patch.subject.number == mail.subject.number), None)

    def put(self, mail: Mail) -> None:
        """Take a part in; a new posting of the same patch takes the place of the old one."""
        if mail.kind is Kind.COVER:
            self.cover = mail
            return
        there = self.holder(mail)
        if there and (mail.subject.name == there.subject.name or mail.message.parent == there.id):
            self.patches.remove(there)
            self.replaced.append(there)
        self.patches.append(mail)
        self.patches.sort(key=lambda patch: (patch.subject.number, patch.message.date))


class Thread:
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

    def anchor(self, mail: Mail) -> Mail | None:
        """Return the first mail above one that is no reply: what the discussion there is about."""
        path: list[str] = []
        above = self.parent(mail)
        path.append(mail.id)
        while above is not None and above.kind is Kind.REPLY and above.id not in path:
            if above.id in self._anchors:
                above = self._anchors[above.id]
                break
            path.append(above.id)
            above = self.parent(above)
        if above is not None and above.kind is Kind.REPLY:
            above = None  # a circle
        self._anchors.update(dict.fromkeys(path, above))
        return above

    def batches(self) -> list[Batch]:
        """Return the batches of the thread, oldest first."""
        found: list[Batch] = []
        parts = [mail for mail in self.mails.values() if mail.is_part]
        for mail in sorted(parts, key=lambda mail: mail.kind is Kind.PATCH):
            version = self._version(mail, found)
            home = self._home(mail, version, found)
            if home is None:
                home = Batch(version)
                found.append(home)
            home.put(mail)
        for batch in found:
            if not batch.cover:
                batch.cover = self._naked_cover(batch, found)
        real = [batch for batch in found if batch.patches or not _is_repeated(batch, found)]
        for batch in real:
            self._complete_reroll(batch, real)
        return sorted(real, key=lambda batch: min((mail.message.date, mail.id) for mail in batch.parts))

    def _version(self, mail: Mail, found: list[Batch]) -> int:
        """Return the version that a part belongs to, also when its subject forgot to say it."""
        subject = mail.subject
        if subject.versioned or mail.kind is Kind.COVER:
            return subject.version
        above = self.parent(mail)
        if above is None or not subject.numbered:
            repeated = [batch for batch in found if _is_older_posting(batch, mail)]
            # Somebody who does not number versions posts the same single patch again.
            return max(batch.version for batch in repeated) + 1 if repeated else subject.version
        if above.kind is Kind.COVER or (above.kind is Kind.PATCH and above.subject.number == 1 < subject.number):
            return above.subject.version
        return subject.version

    def _home(self, mail: Mail, version: int, found: list[Batch]) -> Batch | None:
        """Return the batch that a part belongs to, None when it starts its own."""
        if not mail.subject.numbered:
            return None
        fitting = [batch for batch in found if batch.version == version]
        above = self.parent(mail)
        anchor = self.anchor(mail)
        if above is not None and above.kind is Kind.COVER:
            for batch in found:
                if batch.cover is above and _misnamed(mail, batch, above):
                    batch.version = version
                    return batch
        for batch in reversed(fitting):
            if above is not None and (above is batch.cover or above in batch.parts) and _joins(mail, batch, above):
                return batch
        for batch in reversed(fitting):
            if anchor is not None and anchor in batch.parts and _follows_up(mail, batch, anchor):
                return batch
        for batch in reversed(fitting):
            if _is_sibling(mail, batch, self):
                return batch
        return None

    def _naked_cover(self, batch: Batch, found: list[Batch]) -> Mail | None:
        """Return the mail that introduces a batch without being numbered 0."""
        taken = {id(other.cover) for other in found}
        for mail in batch.patches:
            above = self.parent(mail)
            if above is None or above.kind is Kind.REPLY or above.kind is Kind.PATCH or id(above) in taken:
                continue
            same = above.message.author.email.lower() == mail.message.author.email.lower()
            if above.diffstat or (same and not above.message.parent):
                return above
        return None

    def _complete_reroll(self, batch: Batch, found: list[Batch]) -> None:
        """Fill a version that re-posts only some patches, each as an answer to the one it replaces."""
        if batch.version < 2 or len(batch.patches) >= batch.total or batch.cover:
            return
        bases = [self._replaced(mail, batch, found) for mail in batch.patches]
        base = bases[0]
        if base is None or any(other is not base for other in bases):
            return
        batch.base, batch.cover = base, base.cover
        batch.patches += [mail for mail in base.patches if not batch.holder(mail)]
        batch.patches.sort(key=lambda patch: patch.subject.number)

    def _replaced(self, mail: Mail, batch: Batch, found: list[Batch]) -> Batch | None:
        """Return the earlier batch whose patch of the same number a part answers, maybe through replies."""
        above: Mail | None = mail
        for _ in range(100):
            above = self.anchor(above) if above else None
            if above is None:
                return None
            if (above.subject.number, above.subject.total) == (mail.subject.number, mail.subject.total):
                homes = (b for b in found if b.version < batch.version and above in b.patches)
                return next(homes, None)
        return None


def is_alike(one: str, other: str) -> bool:
    """Tell whether two names are the same but for some words."""
    if one.lower() == other.lower():
        return True
    return SequenceMatcher(None, one.lower()[:200], other.lower()[:200]).ratio() > 0.75


def _is_from_same(one: Mail, other: Mail) -> bool:
    return one.message.author.email.lower() == other.message.author.email.lower()


def _is_near(one: Mail, other: Mail) -> bool:
    return abs(one.message.date - other.message.date) <= SITTING


def _misnamed(mail: Mail, batch: Batch, cover: Mail) -> bool:
    """Tell whether a patch belongs to a cover that says another version, by mistake."""
    return (
        batch.version == cover.subject.version != mail.subject.version
        and mail.kind is Kind.PATCH
        and not batch.patches
        and _is_from_same(mail, cover)
        and abs(mail.message.date - cover.message.date) < _AT_ONCE
        and abs(mail.subject.total - cover.subject.total) <= 1
    )


def _joins(mail: Mail, batch: Batch, above: Mail) -> bool:
    """Tell whether a part that answers the cover or a patch directly belongs to their batch."""
    same = _is_from_same(mail, above)
    total, there = batch.total, batch.holder(mail)
    if there is None:
        return mail.subject.total == total or (same and (_is_near(mail, above) or mail.subject.number > total))
    if not same or mail.kind is Kind.COVER or mail.subject.total != total:
        return False
    return there is above or (_is_near(mail, there) and there.message.parent == mail.message.parent)


def _follows_up(mail: Mail, batch: Batch, anchor: Mail) -> bool:
    """Tell whether a part further down the discussion adds to a batch or replaces what is discussed."""
    if not _is_from_same(mail, anchor):
        return False
    total, there = batch.total, batch.holder(mail)
    if there is None:
        return mail.subject.total == total or mail.subject.number > total
    return mail.subject.total == total and there is anchor


def _is_sibling(mail: Mail, batch: Batch, thread: Thread) -> bool:
    """Tell whether a part was sent along with a batch without any link to it."""
    if batch.holder(mail) or mail.subject.total != batch.total:
        return False
    return any(
        _is_from_same(mail, part)
        and _is_near(mail, part)
        and (mail.subject.versioned or thread.parent(mail) in (thread.parent(part), None))
        for part in batch.parts
    )


def _is_older_posting(batch: Batch, mail: Mail) -> bool:
    """Tell whether a batch is a single patch without version by the author of another such patch."""
    parts = batch.parts
    return (
        len(parts) == 1
        and not parts[0].subject.numbered
        and not parts[0].subject.versioned
        and not mail.subject.numbered
        and not mail.subject.resend
        and mail.subject.patch
        and _is_from_same(parts[0], mail)
        and parts[0].message.date < mail.message.date
        and is_alike(parts[0].subject.name, mail.subject.name)
    )


def _is_repeated(batch: Batch, found: list[Batch]) -> bool:
    """Tell whether a cover without patches was only sent again with another batch."""
    return any(
        other is not batch
        and other.cover is not None
        and batch.cover is not None
        and other.patches
        and other.version == batch.version
        and other.cover.subject.name == batch.cover.subject.name
        for other in found
    )
