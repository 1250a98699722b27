"""Patches that somebody sends to be tried on a tree: they become a series like any other, on no list."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from django.conf import settings

from reviewbot.errors import AuthorError, NotFoundError
from reviewbot.mail.diff import find_diff
from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message
from reviewbot.mail.subject import strip_reply
from reviewbot.series.subject import parse_subject
from reviewbot.tree.maintainers import same_repository
from threads import links, models
from threads.services import arrivals, intake, pipeline, posting


def find_tree(words: Sequence[str]) -> models.Tree:
    """Return the registered tree that ``TREE [BRANCH]`` names: by its name, by a word for it, or by its address.

    Nothing is fetched because a mail asks for it.

    :raises NotFoundError: when there is none.
    """
    name, branch = [*words, "", ""][:2]
    for tree in models.Tree.objects.all():
        called = name.lower() in {tree.name.lower(), *(str(word).lower() for word in tree.words)}
        if (called or same_repository(name, tree.source)) and branch in ("", tree.branch):
            return tree
    known = ", ".join(f"{tree.name} {tree.branch}".strip() for tree in models.Tree.objects.all()) or "none"
    raise NotFoundError(f"There is no tree {' '.join((name, branch)).strip() or 'named'} here; known are: {known}.")


def submit(mail: Message, tree: models.Tree) -> models.Series:
    """Take the patch in a mail in as a series of its own, and ask for its review on one tree.

    :raises AuthorError: when it is no patch.
    """
    raw = as_patch(mail)
    arrivals.take_in([raw], None)
    series = intake.series_of(parse_message(raw).message_id)
    if series is None:
        raise AuthorError("The mail holds a diff, but no patch that can be applied.")
    pipeline.want(series, {"trees": [tree.name], "answer": True})
    return series


def as_patch(mail: Message) -> bytes:
    """Return a patch mail with the diff of another mail; the same one for the same mail.

    It starts a thread of its own: in that of a series it would be taken for a part of it.
    """
    at = find_diff(mail.body)
    digest = hashlib.sha256(f"{mail.message_id}\0{mail.body[at:]}".encode("utf-8", "surrogateescape")).hexdigest()
    patch = EmailMessage()
    patch["From"] = formataddr((mail.author.name, mail.author.email))
    patch["To"] = posting.answers_to()
    patch["Subject"] = f"[PATCH] {parse_subject(strip_reply(mail.subject)[0]).name or 'a patch to be tried'}"
    patch["Date"] = format_datetime(mail.date)
    patch["Message-ID"] = f"<test.{digest[:32]}@{posting.answers_to().rpartition('@')[2]}>"
    patch.set_content(f"Sent to be tried.\n---\n{mail.body[at:]}\n", cte="quoted-printable")
    return patch.as_bytes()


def page(series: models.Series) -> str:
    """Return the address of the page of a series."""
    names = list(series.lists.values_list("name", flat=True)[:1])
    return settings.SITE_URL + links.to_series(names[0] if names else links.ANY_LIST, series.root_msgid)
