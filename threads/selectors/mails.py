"""Single mails and patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models.functions import Left

from reviewbot.mail.diff import find_diff
from reviewbot.series.model import Trailer
from threads.conversion import trailers
from threads.models import Message, Patch, Person
from threads.selectors.series import BODY_SIZE, THREAD_SIZE, bare_msgid

#: answers to one mail on one page
REPLIES = 200


def patch_of(message_id: str) -> Patch | None:
    """Return the patch of a mail with its series, report and body (1 query).

    Where later versions carry the mail as their own, it is that of the first.
    """
    return (
        Patch.objects.filter(message__message_id=bare_msgid(message_id))
        .select_related("message__author", "series__author", "series__report")
        .defer("message__raw")
        .order_by("series__version", "pk")
        .first()
    )


def neighbours(patch: Patch) -> list[Patch]:
    """Return all patches of a patch's series with their Message-IDs, by number (1 query)."""
    return list(
        Patch.objects.filter(series_id=patch.series_id)
        .select_related("message")
        .only("number", "subject", "series_id", "message__message_id")
    )


def replies_to(message: Message) -> list[Message]:
    """Return the mails that answer a mail directly, oldest first (1 query)."""
    return list(
        Message.objects.filter(parent_msgid=message.message_id)
        .exclude(message_id=message.message_id)
        .select_related("author")
        .defer("raw")
        .order_by("date", "id")[:REPLIES]
    )


def mails_about(patch: Patch) -> list[Message]:
    """Return the patch's mail and every mail of its series that is neither patch nor cover, with body (1 query)."""
    others = Patch.objects.filter(series_id=patch.series_id).exclude(pk=patch.pk).values("message_id")
    mails = (
        Message.objects.filter(series_id=patch.series_id).exclude(pk__in=others).exclude(pk=patch.series.cover_id or 0)
    )
    return list(mails.select_related("author").defer("raw").order_by("date", "id")[:REPLIES])


def mail_of(message_id: str) -> Message | None:
    """Return one mail with its series and its bytes (1 query)."""
    return (
        Message.objects.filter(message_id=bare_msgid(message_id))
        .select_related("author", "series__author", "series__report")
        .first()
    )


def person_of(email: str) -> Person | None:
    """Return a person by address, however it is capitalised (1 query)."""
    return Person.objects.filter(email__iexact=bare_msgid(email)).order_by("pk").first()


def latest_of(person: Person, size: int = 30) -> list[Message]:
    """Return the latest mails of a person without their text (1 query)."""
    return list(person.messages.defer("raw", "body").order_by("-date", "-id")[:size])


def thread_of(mail: Message) -> tuple[list[Message], bool]:
    """Return the mails of the thread of a mail, oldest first, and whether there are more (1 query).

    ``text`` of each is its body up to :data:`threads.selectors.series.BODY_SIZE` characters.
    """
    rows = Message.objects.filter(thread=mail.thread).select_related("author").defer("raw", "body")
    found: list[Message] = list(rows.annotate(text=Left("body", BODY_SIZE)).order_by("date", "id")[: THREAD_SIZE + 1])
    return found[:THREAD_SIZE], len(found) > THREAD_SIZE


def patch_numbers(mails: Sequence[Message]) -> dict[str, int]:
    """Return the number of each patch among some mails, by Message-ID (1 query)."""
    rows = Patch.objects.filter(message__in=[mail.pk for mail in mails])
    return dict(rows.values_list("message__message_id", "number"))


def commit_message(body: str) -> str:
    """Return what stands before the diff of a patch mail, without the line ``---`` and what follows it."""
    start = find_diff(body)
    text = body[:start] if start >= 0 else body
    return text.partition("\n---\n")[0].rstrip()


class Given(NamedTuple):
    """A trailer as it came: in whose mail, and whether it was given to an earlier version.

    :ivar who: sender of that mail, "" when it is not kept here.
    """

    trailer: Trailer
    who: str = ""
    carried: bool = False


def given(kept: list[list[Any]], own: int | None = None) -> list[Given]:
    """Return trailers with who gave them where (1 query, none when there are none).

    :param own: how many of them this posting was given; those behind are carried over. None for all.
    """
    found = trailers(kept)
    names = Message.objects.filter(message_id__in={one.via for one in found if one.via})
    who = {
        message_id: author_name or name or email
        for message_id, author_name, name, email in (
            names.values_list("message_id", "author_name", "author__name", "author__email") if found else ()
        )
    }
    return [Given(one, who.get(one.via, ""), own is not None and at >= own) for at, one in enumerate(found)]
