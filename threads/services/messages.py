"""Keeping mails: each once, with its bytes as received."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from reviewbot.mail.message import Address, Message
from reviewbot.mail.parse import is_derived, parse_message
from threads import fulltext, models
from threads.conversion import compress, storable
from threads.models import MESSAGE_ID_LENGTH, MailingList, Person
from threads.services.bulk import insert
from threads.services.copies import tell_apart
from threads.services.tying import chunks, join_threads, sending_of, subject_of, tie


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of some mails.

    :ivar message_ids: of all of them.
    :ivar threads: that they are in.
    :ivar rows: of the new ones, and of those that were only known in part before, by Message-ID.
    """

    message_ids: tuple[str, ...]
    threads: frozenset[str]
    rows: Mapping[str, models.Message] = field(repr=False)

    @property
    def new(self) -> int:
        """How many were not there before, or not whole."""
        return len(self.rows)

    @property
    def grown(self) -> frozenset[str]:
        """The threads that have new mails."""
        return frozenset(row.thread for row in self.rows.values())


def keep(raw_mails: Iterable[bytes], *, mailing_list: MailingList | None = None) -> Kept:
    """Keep mails as rows, in one transaction; a mail that is there is only noted on more lists.

    What several mails under one Message-ID are is decided by :mod:`threads.services.copies`.
    """
    return keep_parsed(map(parse_message, raw_mails), mailing_list=mailing_list)


def keep_parsed(messages: Iterable[Message], *, mailing_list: MailingList | None = None, page: str = "") -> Kept:
    """Keep mails that were parsed before, as :func:`keep` does.

    :param page: where a mail that has no bytes was read.
    """
    arrived: dict[str, list[Message]] = {}
    for message in messages:
        name = storable(message.message_id)[:MESSAGE_ID_LENGTH]
        named = message if name == message.message_id else replace(message, message_id=name)
        arrived.setdefault(name, []).append(named)
    with transaction.atomic():
        filled = {} if page else _fill_pages({name: found[0] for name, found in arrived.items()})
        there = _there(arrived)
        copies = tell_apart(
            arrived, {name: row.digest for name, row in there.items()}, trusted=mailing_list is not None
        )
        mails = copies.letters
        there |= _there(mails.keys() - arrived.keys())
        filled |= _complete(copies.whole)
        rows = filled | _insert({name: found[0] for name, found in mails.items() if name not in there}, page)
        keys = {name: row.pk for name, row in (there | rows).items()}
        old = {row.pk for row in there.values()}
        _note_lists([(keys[name], one) for name, found in mails.items() for one in found], mailing_list, old)
    return Kept(tuple(mails), frozenset(row.thread for row in (there | rows).values()), rows)


class _There(NamedTuple):
    """A mail that is there; "" is the digest of one that was read from a page."""

    pk: int
    thread: str
    digest: str


def _there(names: Iterable[str]) -> dict[str, _There]:
    """Return those mails that are there, by Message-ID."""
    there: dict[str, _There] = {}
    for chunk in chunks(names):
        found = models.Message.objects.filter(message_id__in=chunk).values_list("message_id", "pk", "thread", "digest")
        there |= {name: _There(key, thread, digest) for name, key, thread, digest in found}
    return there


def _complete(whole: Mapping[str, Message]) -> dict[str, models.Message]:
    """Put whole mails in the place of their beginnings; the diffs in them are read again."""
    rows = {}
    for chunk in chunks(whole):
        for row in models.Message.objects.filter(message_id__in=chunk).select_related("author"):
            models.Patch.objects.filter(message=row).update(patch_id="")
            rows[row.message_id] = _rewrite(row, whole[row.message_id])
    return rows


def _insert(fresh: Mapping[str, Message], page: str) -> dict[str, models.Message]:
    people = _people(fresh.values())
    threads = tie(list(fresh.values()))
    rows = {
        name: fill(models.Message(message_id=name, thread=threads[message.message_id], page=page), message, people)
        for name, message in fresh.items()
    }
    # Another process may have kept one of them in the meantime; then that one's key is found.
    names = [field.attname for field in models.Message._meta.concrete_fields if not field.primary_key]
    insert(models.Message, names, ([getattr(row, name) for name in names] for row in rows.values()))
    for name, row in _there(rows).items():
        rows[name].pk = row.pk
    fulltext.add(list(rows.values()))
    return rows


def _fill_pages(arrived: Mapping[str, Message]) -> dict[str, models.Message]:
    """Put mails in the place of the pages of archives that they were read from before; return the rows of these."""
    of_pages = models.Message.objects.filter(page__gt="", digest="")
    # Pages are few, and the days of a batch may be years: asked for both, a database would read all mails of these.
    waiting = list(of_pages.values_list("pk", "date"))
    if not (arrived and waiting):
        return {}
    from reviewbot.lore.html.page import SAME_MAIL  # it loads what reads HTML: a tenth of a short import's time

    dates = [message.date for message in arrived.values()]
    first, last = min(dates) - SAME_MAIL, max(dates) + SAME_MAIL
    near = [key for key, date in waiting if first <= date <= last]
    filled = {}
    for row in (row for chunk in chunks(near) for row in of_pages.filter(pk__in=chunk).select_related("author")):
        shown = arrived.get(row.message_id) or next((one for one in arrived.values() if shows(row, one)), None)
        taken = shown and models.Message.objects.filter(message_id=shown.message_id).exclude(pk=row.pk).exists()
        if shown and shown.raw and not taken:
            filled[shown.message_id] = _fill_page(row, shown)
    return filled


def shows(row: models.Message, message: Message) -> bool:
    """Tell whether the page that a row was read from shows a mail."""
    from reviewbot.lore.html import ArchivedPage, same_mail  # as above

    name = "" if is_derived(row.message_id) else row.message_id
    author = Address(row.author_name, row.author.email)
    return same_mail(ArchivedPage(row.page, "", name, row.subject, author, row.date, row.body), message)


def _fill_page(row: models.Message, message: Message) -> models.Message:
    """Write a mail over what a page showed of it; answers and series stay where they are."""
    before = row.message_id
    _rewrite(row, message)
    if before != row.message_id:
        for answer in models.Message.objects.filter(parent_msgid=before).only("references", "in_reply_to"):
            answer.references = [row.message_id if name == before else name for name in answer.references]
            answer.in_reply_to = answer.parent_msgid = row.message_id
            answer.save(update_fields=["references", "in_reply_to", "parent_msgid"])
        models.Series.objects.filter(root_msgid=before).update(root_msgid=row.message_id)
    return row


def _rewrite(row: models.Message, message: Message) -> models.Message:
    """Let a row say what a mail says; its thread is one with that of the mail."""
    thread = row.thread
    fulltext.remove(row)
    row.message_id = message.message_id
    row.thread = tie([message])[message.message_id]
    fill(row, message, _people([message]))
    row.save()
    fulltext.add([row])
    join_threads(thread, row.thread)
    return row


def fill(row: models.Message, message: Message, people: Mapping[str, Person]) -> models.Message:
    """Write what a mail says into a row."""
    row.subject = storable(message.subject)
    row.author = people[email_of(message)]
    row.author_name = storable(message.author.name)[:500]
    row.date = message.date
    row.in_reply_to = storable(message.in_reply_to)[:MESSAGE_ID_LENGTH]
    row.parent_msgid = storable(message.parent)[:MESSAGE_ID_LENGTH]
    row.references = [storable(reference)[:MESSAGE_ID_LENGTH] for reference in message.references]
    row.subject_key, row.answer = subject_of(message)
    row.sending = sending_of(message)
    row.to = _addresses(message.to)
    row.cc = _addresses(message.cc)
    row.list_ids = [storable(name) for name in message.lists]
    row.body = storable(message.body)
    row.oddities = [storable(oddity) for oddity in message.oddities]
    row.received_at = row.received_at or datetime.now(UTC)
    row.raw = compress(message.raw) if message.raw else b""
    row.digest = hashlib.sha256(message.raw).hexdigest() if message.raw else ""
    return row


@lru_cache(maxsize=1024)  # the mails of one thread have the same recipients
def _addresses(people: tuple[Address, ...]) -> list[list[str]]:
    return [[storable(part) for part in address] for address in people]


def email_of(message: Message) -> str:
    """Return the address that a person is known by."""
    return storable(message.author.email).lower()[:320] or "unknown"


def _people(messages: Iterable[Message]) -> dict[str, Person]:
    names = {email_of(message): storable(message.author.name)[:255] for message in messages}
    people: dict[str, Person] = {}
    for chunk in chunks(names):
        people |= {person.email: person for person in Person.objects.filter(email__in=chunk)}
    new = [Person(email=email, name=name) for email, name in names.items() if email not in people]
    Person.objects.bulk_create(new, ignore_conflicts=True)
    for chunk in chunks(person.email for person in new):
        people |= {person.email: person for person in Person.objects.filter(email__in=chunk)}
    return people


def _note_lists(mails: Sequence[tuple[int, Message]], mailing_list: MailingList | None, old: set[int]) -> None:
    """Put the mails on the list they were read from, and on every known list that their headers name.

    :param old: keys of those that may be on lists already.
    """
    known = list(MailingList.objects.all())
    by_name = {one.list_id: one.pk for one in known if one.list_id} | {
        one.address: one.pk for one in known if one.address
    }
    pairs = {(key, mailing_list.pk) for key, _ in mails if mailing_list}
    for key, message in mails:
        names = {*message.lists, *(address.email.lower() for address in (*message.to, *message.cc))}
        pairs |= {(key, by_name[name]) for name in names & by_name.keys()}
    through = models.Message.lists.through
    there: set[tuple[int, int]] = set()
    for chunk in chunks(sorted({key for key, _ in pairs} & old)):
        there |= set(through.objects.filter(message_id__in=chunk).values_list("message_id", "mailinglist_id"))
    insert(through, ("message_id", "mailinglist_id"), sorted(pairs - there))
    _note_newest(known, pairs, {key: message.date for key, message in mails})


def _note_newest(known: Sequence[MailingList], pairs: set[tuple[int, int]], dates: Mapping[int, datetime]) -> None:
    """Note the date of the newest mail of each list; a date that lies ahead counts as today's."""
    now = timezone.now()
    newest: dict[int, datetime] = {}
    for key, name in pairs:
        newest[name] = max(newest.get(name, dates[key]), dates[key])
    for one in known:
        if one.pk in newest and (one.seen_at is None or one.seen_at < newest[one.pk]):
            MailingList.objects.filter(pk=one.pk).update(seen_at=min(newest[one.pk], now))
