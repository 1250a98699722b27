"""hypermail: the header of the mail in comments, the body between two more."""

from __future__ import annotations

import re

from reviewbot.lore.html.page import ArchivedPage, Source, moment, unescape
from reviewbot.mail.headers import message_ids
from reviewbot.mail.message import Address

_FIELD = re.compile(r"\s*(received|isoreceived|sent|isosent|name|email|subject|id|inreplyto)=\"(.*)\"\s*", re.DOTALL)
_START, _END = '<!-- body="start" -->', '<!-- body="end" -->'
_TITLE = re.compile(r"^.*?(?:Archive|archive):\s*")


def read(source: Source) -> ArchivedPage | None:
    """Return the mail of a page that hypermail made, None for any other page."""
    body = source.between(_START, _END)
    fields = {match[1]: unescape(match[2]) for comment in source.comments if (match := _FIELD.fullmatch(comment))}
    if body is None or not fields.keys() & {"sent", "isosent", "id", "name"}:
        return None
    title = source.soup.title.get_text() if source.soup.title else ""
    parents = source.links_labelled("in reply to")
    return ArchivedPage(
        url=source.url,
        format="hypermail",
        message_id=_message_id(fields.get("id", "")),
        subject=fields.get("subject") or _TITLE.sub("", unescape(title)),
        author=Address(fields.get("name", ""), fields.get("email", "")),
        date=moment(*(fields.get(name, "") for name in ("sent", "isosent", "received", "isoreceived"))),
        body=body,
        in_reply_to=_message_id(fields.get("inreplyto", "")),
        parent=parents[0] if parents else "",
        children=tuple(source.links_labelled("reply")),
    )


def _message_id(value: str) -> str:
    """Return a Message-ID; older pages hold a phrase, or a domain that the archive hid."""
    bracketed = message_ids(value)
    text = bracketed[-1] if bracketed else value.strip()
    usable = "@" in text and " " not in text and not re.search(r"@x+(?:\.x+)*$", text)
    return text if usable else ""
