"""Several mails under one Message-ID: copies of one letter, a copy that was cut, or another letter altogether.

A letter that came over two lists differs in its header, its footer and perhaps
its encoding; archives keep the first one. Two things are not copies: a mail whose
beginning alone was kept (a mailbox that ended, a size that was capped), in whose
place the whole one is put, and another letter under a name that is taken, which
is kept under a name of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reviewbot.mail.message import Message
from reviewbot.mail.parse import derived_message_id
from threads import conversion, models
from threads.services.tying import chunks

#: noted on a mail whose Message-ID was taken
TAKEN = "another mail has its Message-ID, kept under a derived one"
#: letters that share fewer of their words than this are not copies
_ALIKE = 0.5
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Copies:
    """Mails by the name that each letter is kept under, the one to keep first.

    :ivar whole: of letters that are here, those of which only a beginning is.
    """

    letters: dict[str, list[Message]] = field(default_factory=dict)
    whole: dict[str, Message] = field(default_factory=dict)


def tell_apart(mails: Mapping[str, list[Message]], digests: Mapping[str, str], *, trusted: bool) -> Copies:
    """Return which letters some mails are.

    :param mails: by Message-ID, in the order in which they came.
    :param digests: of those that are here, by Message-ID; "" for one that was read from a page.
    :param trusted: whether they come from a followed list, whose word counts even where the headers differ.
    """
    here = _here(name for name, found in mails.items() if digests.get(name) and _differ(found, digests[name]))
    copies = Copies()
    for name, found in mails.items():
        same = copies.letters.setdefault(name, [])
        kept = here.get(name)
        if kept is None and (len(found) == 1 or name in digests):
            same += found
            continue
        best = kept or found[0]
        for one in found:
            if is_cut(best, one, trusted=trusted):
                best = one
                same.insert(0, one)
            elif is_cut(one, best, trusted=True) or alike(one, best):
                same.append(one)
            else:
                other = _renamed(one)
                copies.letters.setdefault(other.message_id, []).append(other)
        if kept and best is not kept:
            copies.whole[name] = best
    return copies


def is_cut(part: Message, whole: Message, *, trusted: bool) -> bool:
    """Return whether one mail is but the beginning of another."""
    beginning = part.raw.rstrip()
    if len(beginning) < len(whole.raw.rstrip()) and whole.raw.startswith(beginning):
        return True
    inside = bool(part.body) and not part.body.endswith("\n") and len(part.body) < len(whole.body.rstrip())
    said = (part.author.email.lower(), part.subject, part.date)
    return trusted and inside and whole.body.startswith(part.body) and said == (
        whole.author.email.lower(), whole.subject, whole.date,
    )  # fmt: skip


def alike(one: Message, other: Message) -> bool:
    """Return whether two mails say the same, but for footers, encodings and what else happens on the way."""
    words, others = (set(_WORD.findall(mail.body)) for mail in (one, other))
    return len(words & others) >= _ALIKE * min(len(words), len(others))


def _differ(found: Iterable[Message], digest: str) -> bool:
    return any(hashlib.sha256(one.raw).hexdigest() != digest for one in found if one.raw)


def _here(names: Iterable[str]) -> dict[str, Message]:
    rows: dict[str, Message] = {}
    for chunk in chunks(names):
        for row in models.Message.objects.filter(message_id__in=chunk).select_related("author"):
            rows[row.message_id] = conversion.message(row)
    return rows


def _renamed(mail: Message) -> Message:
    said = (mail.message_id, mail.author.email, mail.subject, mail.date.isoformat(), mail.body.strip())
    return replace(mail, message_id=derived_message_id(said), oddities=(*mail.oddities, TAKEN))
