"""Single mails and patches."""

from __future__ import annotations

from reviewbot.mail.diff import find_diff
from threads.models import Message, Patch
from threads.selectors.series import bare_msgid

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


def commit_message(body: str) -> str:
    """Return what stands before the diff of a patch mail, without the line ``---`` and what follows it."""
    start = find_diff(body)
    text = body[:start] if start >= 0 else body
    return text.partition("\n---\n")[0].rstrip()
