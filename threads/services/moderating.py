"""Moderation by mail: an answer to the copy of a waiting mail decides about it, once.

The word that lets an answer decide stands in the address to answer to, and
nowhere else; the row keeps its digest alone.
"""

from __future__ import annotations

import re

from django.conf import settings

from reviewbot.errors import AuthorError
from reviewbot.mail.blocks import Kind, parse_blocks
from reviewbot.mail.message import Message
from threads import models
from threads.services import outbox
from threads.services.posting import digest_of

_TOKEN = re.compile(r"[^@\s<>]{1,64}\+(?P<token>[0-9a-f]{32})@", re.IGNORECASE)


def is_decision(addressed: str) -> bool:
    """True when a mail is addressed to a word that decides.

    :param addressed: the fields of the mail that say where it went.
    """
    return bool(_TOKEN.search(addressed)) and bool(settings.MODERATORS)


def decide(mail: Message, addressed: str) -> str:
    """Do what a moderator answers; return what was done.

    :raises AuthorError: when the sender is no moderator, the word is used up, or the answer is not understood.
    """
    who = mail.author.email.lower()
    if who not in {address.lower() for address in settings.MODERATORS}:
        raise AuthorError("The sender is none of the moderators.")
    row = None
    for match in _TOKEN.finditer(addressed):
        row = row or models.Delivery.objects.filter(token=digest_of(match["token"].lower())).first()
    if row is None:
        raise AuthorError("The mail was decided about already, or replaced by a newer one.")
    word, _, why = _first_line(mail.body).partition(":")
    if word.strip().lower() == "approve":
        outbox.approve(row.pk, who)
        return f"Approved mail {row.pk}."
    if word.strip().lower() == "reject":
        outbox.reject(row.pk, who, why)
        return f"Rejected mail {row.pk}."
    raise AuthorError('The answer begins neither with "approve" nor with "reject: why".')


def _first_line(body: str) -> str:
    said = (line for block in parse_blocks(body) if block.kind is Kind.COMMENT for line in block.lines)
    return next((line.strip() for line in said if line.strip()), "")
