"""What every archive's page amounts to, and what the readers of their formats share."""

from __future__ import annotations

import html as entities
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message as MimeHeader
from functools import cached_property
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup
from bs4.element import Comment, Tag

from reviewbot.mail.headers import UNKNOWN_DATE, message_ids, one_line, parse_addresses, parse_date
from reviewbot.mail.html import tree_to_text
from reviewbot.mail.message import Address, Message
from reviewbot.mail.parse import derived_message_id
from reviewbot.mail.subject import bare, strip_reply
from reviewbot.mail.text import decode

#: archives round the time of a mail, and some keep no seconds
SAME_MAIL = timedelta(minutes=1)
MAX_PAGE = 4 * 1024 * 1024
_ISO = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:[ T]*(\d{1,2}):?(\d\d)(?::?(\d\d))?)?")
_HIDDEN_DOMAIN = re.compile(r"@(?:x{3,}(?:\.x+)*|\[?(?:hidden|DOMAIN\.HIDDEN|removed)\]?|\.{3}.*)$", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^<>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ArchivedPage:
    """One mail as an archive shows it.

    :ivar format: ``hypermail``, ``public-inbox``, ``mhonarc`` or ``marc``.
    :ivar message_id: "" when the page does not have it.
    :ivar author: name and address; archives hide a part of the address.
    :ivar body: text with its quotes, ``> `` before each quoted line.
    :ivar in_reply_to: Message-ID of the parent, "" when the page does not say.
    :ivar parent: URL of the page of the parent, "" when there is no link.
    :ivar children: URLs of the pages of the answers.
    :ivar cut: the page is larger than what is read of it: this mail, or others behind it, may lack.
    """

    url: str
    format: str
    message_id: str
    subject: str
    author: Address
    date: datetime
    body: str
    in_reply_to: str = ""
    parent: str = ""
    children: tuple[str, ...] = ()
    cut: bool = False

    def as_message(self) -> Message:
        """Return the mail for the rooms that know nothing of archives; a missing Message-ID is derived."""
        said = (self.date.isoformat(), self.author.name, self.subject, self.body.strip())
        read = f"read from a page of {urlsplit(self.url).hostname or self.format}"
        return Message(
            message_id=self.message_id or derived_message_id(said),
            subject=self.subject,
            author=self.author,
            date=self.date,
            in_reply_to=self.in_reply_to,
            body=self.body,
            oddities=(read, f"that page is larger than {MAX_PAGE >> 20} MB, its rest was not read")[: 1 + self.cut],
        )


def same_mail(page: ArchivedPage, message: Message) -> bool:
    """Return whether a page shows this mail.

    Without a Message-ID on the page it takes the same author, the same subject
    and the same time, as far as the archive keeps them.
    """
    if page.message_id:
        return page.message_id == message.message_id
    if abs(page.date - message.date) > SAME_MAIL:
        return False
    names = [{word for word in re.split(r"\W+", who.name.lower()) if word} for who in (page.author, message.author)]
    addresses = [who.email.lower().partition("@")[0] for who in (page.author, message.author)]
    same_author = names[0] == names[1] if all(names) else bool(addresses[0]) and addresses[0] == addresses[1]
    answers = [strip_reply(subject)[1] for subject in (page.subject, message.subject)]
    return same_author and answers[0] == answers[1] and bare(page.subject).lower() == bare(message.subject).lower()


@dataclass(frozen=True)
class Source:
    """A page before it is known what it shows."""

    text: str
    url: str
    cut: bool = False

    @classmethod
    def of(cls, html: bytes, url: str, content_type: str) -> Source:
        """Decode the first 4 MB of a page."""
        declared = MimeHeader()
        declared["content-type"] = content_type.replace("\n", " ").replace("\r", " ") or "text/html"
        meta = _META_CHARSET.search(html[:4096])
        charset = declared.get_content_charset("") or (meta[1].decode("ascii") if meta else "")
        return cls(decode(html[:MAX_PAGE], charset)[0], url, len(html) > MAX_PAGE)

    @cached_property
    def soup(self) -> BeautifulSoup:
        """The whole page as a tree."""
        return BeautifulSoup(self.text, "lxml")

    @cached_property
    def comments(self) -> list[str]:
        """The HTML comments of the page: older archives keep the header of the mail there."""
        return [str(node) for node in self.soup.find_all(string=lambda node: isinstance(node, Comment))]

    def part(self, start: str, *ends: str) -> BeautifulSoup | None:
        """Return what stands between two comments, None when the first is missing.

        :param start: what is written in the comment.
        :param ends: the first of these that comes ends the part; else the page does.
        """
        opened = _marker(start).search(self.text)
        if not opened:
            return None
        closed = (_marker(end).search(self.text, opened.end()) for end in ends)
        end = min((match.start() for match in closed if match), default=len(self.text))
        return BeautifulSoup(self.text[opened.end() : end], "lxml")

    def before(self, marker: str) -> Source:
        """Return the page up to a comment: below it a mail could write comments of its own."""
        found = _marker(marker).search(self.text)
        return Source(self.text[: found.start()] if found else self.text, self.url)

    def links_between(self, start: str, end: str) -> list[str]:
        """Return the links between two comments below the mail, each once."""
        below = [match.start() for match in _marker(start).finditer(self.text)]
        part = Source(self.text[below[-1] :], self.url).part(start, end) if below else None
        links = map(self.link, part.find_all("a")) if part else ()
        return list(dict.fromkeys(link for link in links if link))

    def shown(self, selector: str) -> str:
        """Return the text of the first element that a selector of CSS names, on one line."""
        found = self.soup.select_one(selector)
        return one_line(found.get_text()) if found else ""

    def attribute(self, selector: str, name: str) -> str:
        """Return an attribute of the first such element, on one line."""
        found = self.soup.select_one(selector)
        value = found.get(name) if found else None
        return one_line(value) if isinstance(value, str) else ""

    def link(self, element: object) -> str:
        """Return where an anchor leads, "" for one that stays on the page or leaves the web."""
        href = element.get("href") if isinstance(element, Tag) else None
        if not isinstance(href, str) or href.startswith("#"):
            return ""
        try:
            target = urljoin(self.url, href)
        except ValueError:
            return ""
        return target if target.startswith(("http://", "https://")) else ""

    def links_labelled(self, *labels: str) -> list[str]:
        """Return the links of the list entries whose bold word is one of these."""
        found = []
        for entry in self.soup.find_all("li"):
            label = entry.find(["b", "strong", "dfn", "span"])
            if label and label.get_text().strip(" :\n").lower() in labels:
                found += [link for link in map(self.link, entry.find_all("a")) if link]
        return list(dict.fromkeys(found))


def _marker(text: str) -> re.Pattern[str]:
    return re.compile(rf"<!--[ \t]{{0,3}}{re.escape(text)}[ \t]{{0,3}}-->")


def text_of(part: BeautifulSoup, without: str = "") -> str:
    """Return the text of a part of a page, with quotes.

    :param without: a selector of CSS for what the archive itself wrote there.
    """
    for element in part.select(without) if without else ():
        element.decompose()
    return tree_to_text(part)


def own_id(value: str) -> str:
    """Return a Message-ID that a page shows, "" for a phrase, and for one whose domain the archive hid."""
    bracketed = message_ids(value)
    text = bracketed[-1] if bracketed else value.strip(" <>")
    if "@" not in text and text.count("_at_") == 1:
        text = text.replace("_at_", "@")
    usable = "@" in text and " " not in text and not _HIDDEN_DOMAIN.search(text)
    return text if usable else ""


def unescape(text: str) -> str:
    """Undo entities, on one line."""
    return one_line(entities.unescape(text))


def person(text: str) -> Address:
    """Read ``Ada Example <ada@example.org>`` and its like; a name alone is a name."""
    text = one_line(text)
    return next(iter(parse_addresses([text])), Address(text, ""))


def moment(*texts: str) -> datetime:
    """Return the first date that can be read: RFC 5322, or ISO 8601 in UTC."""
    for text in texts:
        if date := parse_date(text.strip()):
            return date
        if match := _ISO.fullmatch(text.strip()):
            try:
                year, month, day, hour, minute, second = (int(number or 0) for number in match.groups())
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            except ValueError:
                continue
    return UNKNOWN_DATE
