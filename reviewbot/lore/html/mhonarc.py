"""MHonArc: comments with an X- name hold the header of the mail and mark the parts of the page.

Every archive draws its own page around them: spinics.net keeps MHonArc's,
mail-archive.com has one of its own, and lkml.iu.edu since 2003 makes its pages
look like those of hypermail, which it used before.
"""

from __future__ import annotations

import re
from datetime import datetime

from bs4.element import Tag

from reviewbot.lore.html.page import ArchivedPage, Source, moment, own_id, person, text_of, unescape
from reviewbot.mail.message import Address

_FIELD = re.compile(r"\s*X-(Subject|From|From-R13|Date|Message-Id|Reference):\s*(.*?)\s*", re.DOTALL | re.IGNORECASE)
# mrot13 of mhonarc.el: the 28 characters from @ to [ and the letters, each turned by half
_ROT13 = str.maketrans(
    "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[abcdefghijklmnopqrstuvwxyz", "NOPQRSTUVWXYZ[@ABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm"
)
_BODY = "X-Body-of-Message"
#: the first is the right one; versions before 2.4 and cut pages have others
_ENDS = ("X-Body-of-Message-End", "X-MsgBody-End", "X-Follow-Ups", "X-References", "X-BotPNI")


def read(source: Source) -> ArchivedPage | None:
    """Return the mail of a page that MHonArc made, None for any other page."""
    body = source.part(_BODY, *_ENDS)
    if body is None:
        return None
    fields = _fields(source.before(_BODY))
    references = fields.get("reference", [])
    ancestors = source.links_between("X-References", "X-References-End") or source.links_labelled("in reply to")
    parent, children = _slice(source)
    answered = own_id(references[-1] if references else _first(fields, "in-reply-to"))
    return ArchivedPage(
        url=source.url,
        format="mhonarc",
        message_id=own_id(_first(fields, "message-id") or source.attribute("input[name=msgid]", "value")),
        subject=_first(fields, "subject") or source.attribute("meta[name=Subject]", "content") or source.shown("h1"),
        author=_author(fields, source),
        date=_date(fields, source),
        body=text_of(body),
        in_reply_to=answered,
        parent=ancestors[-1] if ancestors else parent,
        children=tuple(
            source.links_between("X-Follow-Ups", "X-Follow-Ups-End") or source.links_labelled("reply") or children
        ),
    )


def _fields(source: Source) -> dict[str, list[str]]:
    """Return the fields by lower-case name: from the comments, and what these lack from the header that is shown."""
    fields: dict[str, list[str]] = {}
    for comment in source.comments:
        if field := _FIELD.fullmatch(comment):
            fields.setdefault(field[1].lower(), []).append(unescape(field[2]))
    for entry in source.soup.find_all("li"):
        name, colon, value = unescape(entry.get_text()).partition(":")
        if colon and name.strip().lower() in ("from", "date", "message-id", "in-reply-to"):
            fields.setdefault(name.strip().lower(), []).append(value.strip())
    return fields


def _first(fields: dict[str, list[str]], name: str) -> str:
    return next(iter(fields.get(name, [])), "")


def _author(fields: dict[str, list[str]], source: Source) -> Address:
    hidden = _first(fields, "from-r13").translate(_ROT13)
    shown = source.attribute("meta[name=Author]", "content") or source.shown("[itemprop=author], span.sender")
    return person(hidden or _first(fields, "from") or shown)


def _date(fields: dict[str, list[str]], source: Source) -> datetime:
    return moment(_first(fields, "date"), source.shown("span.date"))


def _slice(source: Source) -> tuple[str, tuple[str, ...]]:
    """Return parent and answers as mail-archive.com draws them: an inner list below the entry that it answers."""
    own = source.soup.select_one("li.tSliceCur")
    if own is None or own.parent is None:
        return "", ()
    around = own.parent.parent
    above = around.find_previous_sibling("li") if isinstance(around, Tag) and around.name == "li" else None
    below = own.find_next_sibling("li")
    inner = below.find("ul", recursive=False) if isinstance(below, Tag) else None
    answers = inner.select(":scope > li.icons-email > span.subject a") if isinstance(inner, Tag) else []
    children = map(source.link, answers)
    parent = source.link(above.find("a")) if isinstance(above, Tag) else ""
    return parent, tuple(dict.fromkeys(child for child in children if child))
