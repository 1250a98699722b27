"""Pages of mail archives as mails, for discussions that are kept nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from io import BytesIO

from django.conf import settings
from django.db import transaction

from reviewbot.errors import NotFoundError
from reviewbot.lore.html import ArchivedPage, parse_pages, same_mail, thread_mbox
from reviewbot.lore.html.page import SAME_MAIL
from reviewbot.lore.http import Client, Manners, gunzip
from reviewbot.mail.mbox import split_mbox
from threads import conversion, models
from threads.services import arrivals, assembly, messages
from threads.services.tying import chunks, join_threads

#: of all mails of a thread together, in bytes
MAX_THREAD = 128 * 1024 * 1024


def take_in(url: str, mailing_list: models.MailingList | None = None) -> list[models.Message]:
    """Fetch a page of an archive and keep the mails that it shows; of those that are here already only their address.

    Of a thread whose page is too large to be read whole, the mails themselves are fetched.

    :returns: the mails in the order of the page: one, or those of a whole thread.

    :raises AuthorError: when the page shows no mail.
    :raises NotFoundError: when there is no such page.
    :raises OperatorError: when its host is not among ``ARCHIVE_HOSTS``.
    :raises TransientError: when the archive does not answer.
    """
    manners = Manners(settings.IDENTIFICATION, frozenset(settings.ARCHIVE_HOSTS), private=settings.PRIVATE_ARCHIVES)
    client = Client(manners)
    page = client.get(url)
    shown = parse_pages(page.body, page.url, page.content_type)
    if shown[0].cut and (mbox := thread_mbox(shown[0], page.url)):
        with suppress(NotFoundError):  # then what the page shows is kept, with a note
            return _keep_mbox(client.get(mbox).body, mailing_list)
    return keep(shown, mailing_list)


def _keep_mbox(packed: bytes, mailing_list: models.MailingList | None) -> list[models.Message]:
    """Keep the mails of a compressed mbox; return their rows in its order."""
    names: list[str] = []
    with transaction.atomic():
        for chunk in chunks(split_mbox(BytesIO(gunzip(packed, MAX_THREAD)))):
            names += arrivals.take_in(chunk, mailing_list)[0].message_ids
        rows = {
            row.message_id: row
            for chunk in chunks(names)
            for row in models.Message.objects.filter(message_id__in=chunk).defer("raw", "body")
        }
    return [rows[name] for name in dict.fromkeys(names)]


def keep(shown: Sequence[ArchivedPage], mailing_list: models.MailingList | None = None) -> list[models.Message]:
    """Keep the mails of pages, tied to the pages of their parents and their answers as far as they are here."""
    with transaction.atomic():
        keys = [_keep(page, mailing_list).pk for page in shown]
        threads = models.Message.objects.filter(pk__in=keys).values_list("thread", flat=True).distinct()
        assembly.assemble_threads(list(threads))
        rows = models.Message.objects.in_bulk(keys)
    return [rows[key] for key in keys]


def _keep(page: ArchivedPage, mailing_list: models.MailingList | None) -> models.Message:
    row = _shown(page) or _new(page, mailing_list)
    if not row.page:
        row.page = page.url[:1000]
        row.save(update_fields=["page"])
    _tie_answers(row, page)
    return row


def _shown(page: ArchivedPage) -> models.Message | None:
    """Return the mail that a page shows, if it is here."""
    rows = models.Message.objects.select_related("author").defer("raw")
    if page.message_id:
        return rows.filter(message_id=page.message_id).first()
    near = rows.filter(date__range=(page.date - SAME_MAIL, page.date + SAME_MAIL))
    return next((row for row in near if same_mail(page, conversion.message(row))), None)


def _new(page: ArchivedPage, mailing_list: models.MailingList | None) -> models.Message:
    message = page.as_message()
    if not message.in_reply_to and page.parent:
        parent = models.Message.objects.filter(page__gt="", page=page.parent).first()
        message = replace(message, in_reply_to=parent.message_id if parent else "")
    kept = messages.keep_parsed([message], mailing_list=mailing_list, page=page.url[:1000])
    return models.Message.objects.get(message_id=kept.message_ids[0])


def _tie_answers(row: models.Message, page: ArchivedPage) -> None:
    """Let the pages that this one names as answers answer it, where they did not say whom they answer."""
    answers = models.Message.objects.filter(page__gt="", page__in=page.children[:500], parent_msgid="")
    for answer in answers.exclude(pk=row.pk):
        answer.in_reply_to = answer.parent_msgid = row.message_id
        answer.save(update_fields=["in_reply_to", "parent_msgid"])
        join_threads(answer.thread, row.thread)
