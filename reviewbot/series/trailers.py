"""Trailers that followers give: ``Reviewed-by:`` and its like in the answers to a patch or a cover letter.

Which lines count, and when a sender does not match, follows b4, whose users
expect to find the same trailers here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import parseaddr
from urllib.parse import unquote

from reviewbot.mail.message import ATTACHED, Address, Message
from reviewbot.series.model import Trailer

_LINE = re.compile(r"\s*(\w\S+):\s+(\S.*)")
_ANY = re.compile(r"^[^\S\n]*\w\S+:[^\S\n]+\S", re.MULTILINE)
_PERSON = re.compile(r"\S@[^\s@.]+\.\S")
_NAME_AND_ADDRESS = re.compile(r"(.*?)\s*<([^>]+)>\s*$")
_MAILTO = re.compile(r"<mailto:[^>]+>")
_COMMENT = re.compile(r"(.*\S)(\s+#[^#]+)$")
_BRACKETED = re.compile(r"\s*\[[^]]*\]\s*$")
_OPEN_FIXES = re.compile(r"\S+:\s+[0-9a-f]+\s+\([^)]+$", re.IGNORECASE)
_OPEN_NAME = re.compile(r"\S+:\s+[^<]+$")
_ADDRESS_ALONE = re.compile(r"<[^>]+>$")
_COMMIT = re.compile(r"[0-9a-f]{6,}")
_LINKED = re.compile(r"https?://[^@]+/([^/]+@[^/]+)", re.IGNORECASE)
_EXTENSION = re.compile(r"\+[^@]+@")

_LINKS = {"link", "buglink", "closes"}
_WITHOUT_PERSON = _LINKS | {"fixes", "obsoleted-by"}
# Parts of quoted headers, of signatures and of commit metadata that look like trailers.
_NO_TRAILERS = {
    *("phone", "mail", "email", "e-mail", "prerequisite-message-id", "subject", "date", "from", "author"),
    *("cc", "to", "subscribe", "unsubscribe", "base-commit", "change-id", "message-id"),
}
_MAX_LINE = 1000
_MAX_TRAILERS = 200


def find_trailers(text: str) -> list[tuple[str, str]]:
    """Return the trailers among the lines of a mail that gives them, as name and value.

    A remark behind ``#`` or in brackets on the next line stays with the value.
    Quoted lines and what stands below the signature or in an attached file do not count, neither do
    links and persons under names that are known to be something else.
    """
    found: list[tuple[str, str]] = []
    first = _ANY.search(text)
    if not first:
        return found
    ends = [end for mark in ("\n-- \n", f"\n{ATTACHED}\n") if (end := text.find(mark)) >= 0]
    text = text[first.start() : min(ends, default=None)].strip()
    fresh = False  # the line before was a trailer
    for line in _unwrapped(text.split("\n")):
        if trailer := ":" in line and _trailer(line):
            found.append(trailer)
            fresh = True
            if len(found) == _MAX_TRAILERS:
                break
        elif fresh and _BRACKETED.match(line):
            name, value = found[-1]
            found[-1] = (name, f"{value}\n{line.strip()}")
            fresh = False
        else:
            fresh = False
    return found


def _unwrapped(lines: list[str]) -> list[str]:
    """Join the trailers that a mailer wrapped before the address, or within the title of ``Fixes:``."""
    joined: list[str] = []
    for line in lines:
        line = line.rstrip("\r")[:_MAX_LINE]
        last = joined[-1] if joined else ""
        wrapped = last and len(last) < _MAX_LINE
        if wrapped and (
            (_ADDRESS_ALONE.match(line) and _OPEN_NAME.match(last)) or (")" in line and _OPEN_FIXES.match(last))
        ):
            joined[-1] = f"{last} {line}"
        else:
            joined.append(line)
    return joined


def _trailer(line: str) -> tuple[str, str] | None:
    """Return name and value of a line that is a trailer."""
    match = _LINE.match(line)
    if not match:
        return None
    name, value = match[1], match[2]
    key = name.lower()
    if key in _NO_TRAILERS or not name.isascii():
        return None
    if key not in _WITHOUT_PERSON and not _PERSON.search(value):
        return None
    if key not in _LINKS and re.search(r"https?://", value):
        return None
    if key == "fixes" and not _COMMIT.match(value):
        return None
    comment = _COMMENT.match(value)
    if comment:
        return name, _normal(key, comment[1]) + comment[2]
    return name, _normal(key, value)


def _normal(key: str, value: str) -> str:
    """Return the value as it is compared and shown: a person is ``Name <address>``."""
    if key in _WITHOUT_PERSON or "://" in value or not _PERSON.search(value):
        return value
    address = person(value)
    return str(address) if address.name != address.email else address.email


def person(value: str) -> Address:
    """Return whom a trailer names; its text is no header field, so quotes, commas and parentheses stay."""
    value = _MAILTO.sub("", value)
    if match := _NAME_AND_ADDRESS.match(value):
        return Address(match[1].strip(), match[2].strip())
    return Address(*parseaddr(value))


def given_by(message: Message) -> tuple[Trailer, ...]:
    """Return the trailers that a mail gives, each once; those of another person than the sender are marked."""
    found: dict[tuple[str, str], Trailer] = {}
    for name, value in find_trailers(message.body):
        trailer = Trailer(name, value, message.message_id, not _is_from(name, value, message.author))
        found.setdefault(identity(trailer), trailer)
    return tuple(found.values())


def identity(trailer: Trailer) -> tuple[str, str]:
    """Return what makes two trailers the same: name and value without case; a link is the mail it names."""
    name, value = trailer.name.lower(), trailer.value.partition("\n")[0]
    if comment := _COMMENT.match(value):
        value = comment[1]
    if name == "link" and (match := _LINKED.match(unquote(value))):
        return name, match[1].lower()
    return name, value.lower()


def merged(own: Iterable[Trailer], *others: Iterable[Trailer]) -> tuple[Trailer, ...]:
    """Add to the trailers of a patch those of the same patch elsewhere, as far as they say something new."""
    found = list(own)
    have = {identity(trailer) for trailer in found}
    for trailers in others:
        new = [trailer for trailer in trailers if identity(trailer) not in have]
        have.update(map(identity, new))
        found += new
    return tuple(found)


def _is_from(name: str, value: str, sender: Address) -> bool:
    """Tell whether the sender of a mail may speak for whom the trailer names."""
    if name.lower() in _WITHOUT_PERSON or not _PERSON.search(value):
        return True
    named = person(value.partition("\n")[0])
    if _same_mailbox(named.email.lower(), sender.email.lower()):
        return True
    known = (sender.name or sender.email).lower()
    if named.name.lower() == known:
        return True
    # "Doe, John" in the header and "John Doe" in the trailer
    return "," in known and all(part.strip() in named.name.lower() for part in known.split(","))


def _same_mailbox(one: str, other: str) -> bool:
    """Compare addresses as people mean them: ``+tag`` and one label of a subdomain may differ."""
    if one == other:
        return True
    if "@" not in one or "@" not in other:
        return False
    one, other = _EXTENSION.sub("@", one), _EXTENSION.sub("@", other)
    (here, domain), (there, zone) = one.split("@", 1), other.split("@", 1)
    if here != there:
        return False
    near = abs(domain.count(".") - zone.count(".")) == 1
    return domain == zone or (near and (domain.endswith(f".{zone}") or zone.endswith(f".{domain}")))
