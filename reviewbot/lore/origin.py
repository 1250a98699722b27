"""Where an archive is, and which mail a reader means by what he pasted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from reviewbot.errors import NotFoundError

_URL = re.compile(r"https?://", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"[^\s<>/@\x00-\x1f\x7f]+(?:/[^\s<>/@\x00-\x1f\x7f]+)*@[^\s<>@\x00-\x1f\x7f]+")
_SCHEME = re.compile(r"(?:mid|cid|id|rfc822msgid|message-id|link|closes)\s*:\s*", re.IGNORECASE)
_MAX_TARGET = 2000


@dataclass(frozen=True, slots=True)
class Origin:
    """An archive that speaks public-inbox's addresses.

    :ivar url: base address with the inbox, e.g. ``https://lore.kernel.org/linux-mm``.
    :ivar timeout: for everything that one fetch does, in seconds.
    :ivar max_bytes: of all mails of one fetch together.
    """

    url: str = "https://lore.kernel.org/all"
    timeout: float = 90.0
    max_bytes: int = 128 * 1024 * 1024

    @property
    def host(self) -> str:
        """Host and port, lower case."""
        return urlsplit(self.url).netloc.lower()

    def at(self, inbox: str) -> Origin:
        """Return the same archive at another inbox."""
        parts = urlsplit(self.url)
        return Origin(f"{parts.scheme}://{parts.netloc}/{inbox}", self.timeout, self.max_bytes)


@dataclass(frozen=True, slots=True)
class Target:
    """One mail that somebody named.

    :ivar message_id: without angle brackets.
    :ivar host: of the URL it was named by, "" for a bare Message-ID.
    :ivar inbox: of that URL, "" when it names none (``/r/``, patch.msgid.link, Patchwork).
    """

    message_id: str
    host: str = ""
    inbox: str = ""


def parse_target(target: str) -> Target:
    """Read a Message-ID, with or without brackets, or the URL of a mail, as it stands or from a ``Link:`` line.

    Understood are the addresses of public-inbox (``/INBOX/MSGID/…``), the
    redirectors (``lkml.kernel.org/r/MSGID``, ``patch.msgid.link/MSGID``) and
    Patchwork's (``/project/LIST/patch/MSGID/``).

    :raises NotFoundError: when there is no Message-ID in it.
    """
    text = target.strip()[:_MAX_TARGET].strip("<>\"' ")
    if not _URL.match(text):
        text = _SCHEME.sub("", text, count=1).strip("<> ")
    if not _URL.match(text):
        text = unquote(text).strip("<> ")
        if _MESSAGE_ID.fullmatch(text):
            return Target(text)
        raise NotFoundError(f"{target[:200]!r} is neither a Message-ID nor the URL of a mail; give one of the two.")
    try:
        url = urlsplit(text)
    except ValueError:
        raise NotFoundError(f"{text[:200]!r} is no URL.") from None
    segments = [unquote(segment).strip("<>") for segment in url.path.split("/")]
    for position, segment in enumerate(segments):
        if _MESSAGE_ID.fullmatch(segment):
            before = [part for part in segments[:position] if part]
            inbox = before[0] if len(before) == 1 and before[0] not in ("r", "g") else ""
            return Target(segment, url.netloc.lower(), inbox)
    raise NotFoundError(f"The URL {text[:200]} names no mail; the Message-ID has to be part of it.")


def source_of(target: Target, origin: Origin) -> Origin:
    """Return where to ask for a target.

    Only the configured archive is ever asked: another inbox of the same host
    when the URL names one, and the configured one for the URLs of other hosts.
    """
    if target.inbox and target.host == origin.host and re.fullmatch(r"[A-Za-z0-9][\w.-]*", target.inbox):
        return origin.at(target.inbox)
    return origin
