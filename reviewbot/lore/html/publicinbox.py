"""public-inbox's own pages: one ``pre`` with header and body, and the thread drawn beneath."""

from __future__ import annotations

import re

from bs4.element import Tag

from reviewbot.lore.html.page import ArchivedPage, Source, moment, person
from reviewbot.mail.headers import message_ids

# "2019-02-18 23:13   ` " before each link of the thread; two more blanks are one level deeper
_BRANCH = re.compile(r"(?:\d{4}-\d\d-\d\d +\d{1,2}:\d\d|[ ]{16}) (?P<indent> *)(?P<tick>` )?")
_THREAD = "Thread overview:"
# what is written above each part of a mail that has several
_PART = re.compile(r"^\[-- (?:Attachment #\d+: |Type: |Warning: ).*--\]\n+", re.MULTILINE)


def read(source: Source) -> ArchivedPage | None:
    """Return the mail of a page that public-inbox made, None for any other page."""
    block = source.soup.find("pre", id="b")
    if not isinstance(block, Tag):
        return None
    head, _, body = block.get_text().partition("\n\n")
    fields = _fields(head)
    if "message-id" not in fields:
        return None
    in_reply_to = next(iter(message_ids(fields.get("in-reply-to", ""))), "")
    parent = next((anchor for anchor in block.find_all("a") if in_reply_to and anchor.get_text() == in_reply_to), None)
    return ArchivedPage(
        url=source.url,
        format="public-inbox",
        message_id=next(iter(message_ids(fields["message-id"])), ""),
        subject=fields.get("subject", ""),
        author=person(fields.get("from", "")),
        date=moment(fields.get("date", "").partition("\t")[0].partition("[")[0]),
        body=_PART.sub("", body.strip("\n") + "\n"),
        in_reply_to=in_reply_to,
        parent=source.link(parent),
        children=tuple(_children(source)),
    )


def _fields(head: str) -> dict[str, str]:
    lines = re.sub(r"\n[ \t]+", " ", head).split("\n")
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, found, value in pairs if found}


def _children(source: Source) -> list[str]:
    """Return the answers: one level below this mail in the drawing, before the next mail of its own level."""
    drawing = next((block for block in source.soup.find_all("pre") if _THREAD in block.get_text()[:2000]), None)
    if drawing is None:
        return []
    children = []
    own: int | None = None
    text = ""
    for node in drawing.descendants:
        if isinstance(node, Tag):
            if node.name != "a" or "href" not in node.attrs:
                continue
            depth = _depth(text.rpartition("\n")[2])
            if node.get("id") == "r":
                own = depth
            elif own is not None and depth is not None:
                if depth <= own:
                    break
                if depth == own + 1:
                    children.append(source.link(node))
        else:
            text = (text + str(node))[-400:]
    return [child for child in dict.fromkeys(children) if child]


def _depth(line: str) -> int | None:
    """Return the level of an entry: none for a root, each level draws two columns."""
    branch = _BRANCH.fullmatch(line)
    return (len(branch["indent"]) // 2 + 1 if branch["tick"] else 0) if branch else None
