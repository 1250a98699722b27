"""public-inbox's own pages: one ``pre`` with header and body for each mail, and the thread drawn beneath."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from bs4.element import NavigableString, Tag

from reviewbot.lore.html.page import ArchivedPage, Source, moment, person
from reviewbot.mail.headers import message_ids, one_line

# "2019-02-18 23:13   ` " before each link of the thread; two more blanks are one level deeper
_BRANCH = re.compile(r"(?:\d{4}-\d\d-\d\d +\d{1,2}:\d\d|[ ]{16}|[ ]{5}\[not found\]) (?P<indent> *)(?P<tick>` )?<?")
# the anchor of each mail on the page of a thread; no mail can write one
_ANCHOR = re.compile(r"m[0-9a-f]{40}")
_SENT = re.compile(r"^From: (?P<name>[^\n]*) @ (?P<date>\d{4}-\d\d-\d\d +\d{1,2}:\d\d) UTC \(", re.MULTILINE)
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
    children = []
    own: int | None = None
    for depth, anchor in _entries(source):
        if anchor.get("id") == "r":
            own = depth
        elif own is not None:
            if depth <= own:
                break
            if depth == own + 1:
                children.append(source.link(anchor))
    return [child for child in dict.fromkeys(children) if child]


def _entries(source: Source) -> Iterator[tuple[int, Tag]]:
    """Yield the mails of the drawing: their level, from 0, and the link."""
    drawing = next((block for block in source.soup.find_all("pre") if _THREAD in block.get_text()[:2000]), None)
    text = ""
    for node in drawing.descendants if drawing else ():
        if not isinstance(node, Tag):
            text = (text + str(node))[-400:]
        elif node.name == "a" and "href" in node.attrs:
            depth = _depth(text.rpartition("\n")[2])
            if depth is not None:
                yield depth, node


def _depth(line: str) -> int | None:
    """Return the level of an entry: none for a root, each level draws two columns."""
    branch = _BRANCH.fullmatch(line)
    return (len(branch["indent"]) // 2 + 1 if branch["tick"] else 0) if branch else None


def read_thread(source: Source) -> tuple[ArchivedPage, ...]:
    """Return the mails of a page that shows a whole thread (``/T/``, ``/t/``), in its order; none for any other page.

    A mail that the page shows only in part, as it was cut, is left out. Such
    pages have the names of the authors without their addresses.
    """
    mails: dict[str, ArchivedPage] = {}
    for anchor in source.soup.find_all("a", id=_ANCHOR):
        mail = _shown(source, anchor)
        if mail:
            mails[str(anchor["id"])] = mail
    return tuple(_tied(source, mails))


def thread_mbox(page: ArchivedPage, url: str) -> str:
    """Return where public-inbox has all mails of a thread as a compressed mbox, "" when this is no page of a thread.

    :param page: a mail that was read there.
    :param url: of the page itself, which ends in ``/T/`` or ``/t/``.
    """
    place = urlsplit(url)
    shows_thread = page.format == "public-inbox" and re.fullmatch(r"(.*/)[Tt]/?", place.path)
    return f"{place.scheme}://{place.netloc}{shows_thread[1]}t.mbox.gz" if shows_thread else ""


def _shown(source: Source, anchor: Tag) -> ArchivedPage | None:
    """Return the mail below an anchor: up to the one that stands at its end, before the next mail begins."""
    end = "e" + str(anchor["id"])[1:]
    text = url = subject = ""
    for node in anchor.next_elements:
        if isinstance(node, Tag):
            name = str(node.get("id", ""))
            if name == end:
                break
            if _ANCHOR.fullmatch(name):
                return None
            if node.name == "b":
                subject = subject or node.get_text()
            elif node.name == "a" and not url and node.get_text() == "permalink":
                url = source.link(node)
        elif type(node) is NavigableString:
            text += str(node)
    else:
        return None
    sent = _SENT.search(text)
    if not (sent and url):
        return None
    # What stands above the body is the archive's own, so that the first "From:" line is.
    body = text[sent.end() :].partition("\n\n")[2]
    return ArchivedPage(
        url=url,
        format="public-inbox",
        message_id=unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2]),
        subject=one_line(subject),
        author=person(sent["name"]),
        date=moment(sent["date"]),
        body=_PART.sub("", body.strip("\n") + "\n"),
    )


def _tied(source: Source, mails: dict[str, ArchivedPage]) -> Iterator[ArchivedPage]:
    """Yield the mails with their parents and answers, as the drawing of the thread has them."""
    parents: dict[str, str] = {}
    answers: dict[str, list[str]] = {}
    above: list[str] = []  # the mail of each level that was drawn last
    for depth, link in _entries(source):
        href = str(link["href"])
        name = href[1:] if href.startswith("#") else href
        del above[depth:]
        if above and above[-1] in mails and name in mails:
            parents[name] = above[-1]
            answers.setdefault(above[-1], []).append(mails[name].url)
        above += [""] * (depth - len(above)) + [name]
    for name, mail in mails.items():
        parent = mails.get(parents.get(name, ""))
        yield replace(
            mail,
            in_reply_to=parent.message_id if parent else "",
            parent=parent.url if parent else "",
            children=tuple(answers.get(name, ())),
        )
