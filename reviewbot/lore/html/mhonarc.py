"""MHonArc: comments with an X- name hold the header of the mail and mark the parts of the page."""

from __future__ import annotations

import re

from reviewbot.lore.html.page import ArchivedPage, Source, moment, person, unescape
from reviewbot.mail.message import Address

_FIELD = re.compile(r"\s*X-(Subject|From|From-R13|Date|Message-Id|Reference):\s*(.*?)\s*", re.DOTALL | re.IGNORECASE)
# mrot13 of mhonarc.el: the 28 characters from @ to [ and the letters, each turned by half
_ROT13 = str.maketrans(
    "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[abcdefghijklmnopqrstuvwxyz", "NOPQRSTUVWXYZ[@ABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm"
)


def read(source: Source) -> ArchivedPage | None:
    """Return the mail of a page that MHonArc made, None for any other page."""
    body = source.between("<!--X-Body-of-Message-->", "<!--X-Body-of-Message-End-->")
    if body is None:
        return None
    fields: dict[str, list[str]] = {}
    for comment in source.comments:
        if field := _FIELD.fullmatch(comment):
            fields.setdefault(field[1].lower(), []).append(unescape(field[2]))
    references = fields.get("reference", [])
    ancestors = source.links_labelled("references", "reference")
    return ArchivedPage(
        url=source.url,
        format="mhonarc",
        message_id=_first(fields, "message-id").strip("<>"),
        subject=_first(fields, "subject"),
        author=_author(fields),
        date=moment(_first(fields, "date")),
        body=body,
        in_reply_to=references[-1].strip("<>") if references else "",
        parent=ancestors[-1] if ancestors else "",
        children=tuple(source.links_labelled("follow-ups", "follow-up")),
    )


def _first(fields: dict[str, list[str]], name: str) -> str:
    return next(iter(fields.get(name, [])), "")


def _author(fields: dict[str, list[str]]) -> Address:
    hidden = _first(fields, "from-r13")
    return person(hidden.translate(_ROT13) if hidden else _first(fields, "from"))
