"""Keeping mails: each once, with its bytes as received."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message
from threads import models
from threads.conversion import compress, storable
from threads.models import MESSAGE_ID_LENGTH, MailingList, Person


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of some mails: their Message-IDs, how many were new, and the threads they touch."""

    message_ids: tuple[str, ...]
    new: int
    threads: frozenset[str]


def keep(raw_mails: Iterable[bytes], *, mailing_list: MailingList | None = None) -> Kept:
    """Keep mails as rows, in one transaction; a mail that is there is only noted on one more list.

    Another mail under a Message-ID that is taken (a resend, a forgery, a list's
    footer) does not replace the first one: archives behave the same.
    """
    parsed = {message.message_id[:MESSAGE_ID_LENGTH]: message for message in map(parse_message, raw_mails)}
    with transaction.atomic():
        known = set(models.Message.objects.filter(message_id__in=parsed).values_list("message_id", flat=True))
        fresh = [message for name, message in parsed.items() if name not in known]
        _insert(fresh)
        rows = list(models.Message.objects.filter(message_id__in=parsed).defer("raw", "body"))
        _note_lists(rows, mailing_list)
    return Kept(tuple(parsed), len(fresh), frozenset(row.thread for row in rows))


def _insert(messages: list[Message]) -> None:
    people = _people(messages)
    threads = _threads(messages)
    rows = [
        models.Message(
            message_id=message.message_id[:MESSAGE_ID_LENGTH],
            subject=storable(message.subject),
            author=people[_email(message)],
            author_name=storable(message.author.name)[:500],
            date=message.date,
            parent_msgid=message.parent[:MESSAGE_ID_LENGTH],
            references=[storable(reference)[:MESSAGE_ID_LENGTH] for reference in message.references],
            thread=threads[message.message_id],
            to=[[storable(part) for part in address] for address in message.to],
            cc=[[storable(part) for part in address] for address in message.cc],
            list_ids=[storable(name) for name in message.lists],
            body=storable(message.body),
            oddities=list(message.oddities),
            raw=compress(message.raw),
            digest=hashlib.sha256(message.raw).hexdigest(),
        )
        for message in messages
    ]
    models.Message.objects.bulk_create(rows, ignore_conflicts=True)


def _email(message: Message) -> str:
    return storable(message.author.email).lower()[:320] or "unknown"


def _people(messages: list[Message]) -> dict[str, Person]:
    names = {_email(message): storable(message.author.name)[:255] for message in messages}
    Person.objects.bulk_create([Person(email=email, name=name) for email, name in names.items()], ignore_conflicts=True)
    return {person.email: person for person in Person.objects.filter(email__in=names)}


def _threads(messages: list[Message]) -> dict[str, str]:
    """Say for each new mail which thread it belongs to: the oldest ancestor that anybody names.

    A mail that arrives after its answers, and itself answers another, joins the
    two: its thread's rows are renamed.
    """
    ancestors = {message.message_id: _ancestors(message) for message in messages}
    wanted = {name for names in ancestors.values() for name in names}
    known = dict(models.Message.objects.filter(message_id__in=wanted).values_list("message_id", "thread"))
    for message in sorted(messages, key=lambda one: len(one.references)):
        names = ancestors[message.message_id]
        thread = next((known[name] for name in names if name in known), names[0] if names else message.message_id)
        known[message.message_id] = thread[:MESSAGE_ID_LENGTH]
    for message in messages:
        thread = known[message.message_id]
        if thread != message.message_id:
            models.Message.objects.filter(thread=message.message_id).update(thread=thread)
            for name, other in known.items():
                if other == message.message_id:
                    known[name] = thread
    return {message.message_id: known[message.message_id] for message in messages}


def _ancestors(message: Message) -> list[str]:
    names = [*message.references, *([message.in_reply_to] if message.in_reply_to else [])]
    return [storable(name)[:MESSAGE_ID_LENGTH] for name in dict.fromkeys(names) if name != message.message_id]


def _note_lists(rows: list[models.Message], mailing_list: MailingList | None) -> None:
    """Put the mails on the list they were read from, and on every known list that their headers name."""
    known = list(MailingList.objects.all())
    by_name = {one.list_id: one for one in known if one.list_id} | {one.address: one for one in known if one.address}
    pairs = {(row.pk, mailing_list.pk) for row in rows if mailing_list}
    for row in rows:
        names = [*row.list_ids, *(email.lower() for _, email in (*row.to, *row.cc))]
        pairs |= {(row.pk, by_name[name].pk) for name in names if name in by_name}
    through = models.Message.lists.through
    through.objects.bulk_create(
        [through(message_id=mail, mailinglist_id=one) for mail, one in sorted(pairs)], ignore_conflicts=True
    )
