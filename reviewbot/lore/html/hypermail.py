"""hypermail: the header of the mail in comments, the body between two more."""

from __future__ import annotations

import re

from reviewbot.lore.html.page import ArchivedPage, Source, moment, own_id, text_of, unescape
from reviewbot.mail.message import Address

_FIELD = re.compile(r"\s*(received|isoreceived|sent|isosent|name|email|subject|id|inreplyto)=\"(.*)\"\s*", re.DOTALL)
_START, _END = 'body="start"', 'body="end"'
_TITLE = re.compile(r"^.*?(?:Archive|archive):\s*")
#: what hypermail 2.2 and later write around the text of the mail
_OWN = "address.headers, span#received, a#start, a[name=start]"


def read(source: Source) -> ArchivedPage | None:
    """Return the mail of a page that hypermail made, None for any other page."""
    body = source.part(_START, _END)
    comments = source.before(_START).comments
    fields = {match[1]: unescape(match[2]) for comment in comments if (match := _FIELD.fullmatch(comment))}
    if body is None or not fields.keys() & {"sent", "isosent", "id", "name"}:
        return None
    title = source.soup.title.get_text() if source.soup.title else ""
    parents = source.links_labelled("in reply to") or source.links_labelled("maybe in reply to")
    return ArchivedPage(
        url=source.url,
        format="hypermail",
        message_id=own_id(fields.get("id", "")),
        subject=fields.get("subject") or _TITLE.sub("", unescape(title)),
        author=Address(fields.get("name", ""), fields.get("email", "").replace("_at_", "@")),
        date=moment(*(fields.get(name, "") for name in ("sent", "isosent", "isoreceived", "received"))),
        body=text_of(body, _OWN),
        in_reply_to=own_id(fields.get("inreplyto", "")),
        parent=parents[0] if parents else "",
        children=tuple(source.links_labelled("reply", "maybe reply")),
    )
