"""What the subject of a mail says about its place in a series."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from reviewbot.mail.subject import strip_reply

_COUNTER = re.compile(r"(\d{1,4})/(\d{1,4})")
_VERSION = re.compile(r"-?v(\d{1,4})", re.IGNORECASE)
_GLUED = re.compile(r"\b(patch|rfc|rft|resend|repost)(?:[-_/]?(?=v\d+\b)|(?=\d+/\d+))", re.IGNORECASE)
# A two- or three-letter word before a bracket is "Re:" in a language that nobody listed.
_FOREIGN_REPLY = re.compile(r"\w{2,3}:\s*(?=\[)")
_LOOSE_PREFIX = re.compile(r"(rf[ct]):\s*(?=\[)", re.IGNORECASE)
# How the queues of the stable trees are marked, Documentation/process/stable-kernel-rules.rst
_STABLE = re.compile(
    r"autosel|(?:for-)?stable\b.*|(?:for-)?v?\d{1,2}\.\d{1,2}(?:\.y|-stable|\.\d{1,3})?", re.IGNORECASE
)
_SEPARATOR = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject, taken apart.

    :ivar name: without reply marks and leading brackets: the first line of the commit message.
    :ivar reply: starts with ``Re:`` or its like.
    :ivar number: n of ``[PATCH n/m]``, 0 for a cover, 1 when no counter is written.
    :ivar total: m, and never less than n.
    :ivar numbered: a counter is written.
    :ivar versioned: a version is written.
    :ivar prefixes: words of the brackets that are neither PATCH, version nor counter.
    :ivar patch: one of the brackets says PATCH, RFC or RFT.
    :ivar resend: one of the brackets says RESEND or REPOST.
    :ivar pull: asks to pull a branch and posts no patch: says GIT PULL, or PULL without a counter.
    """

    name: str
    reply: bool = False
    version: int = 1
    number: int = 1
    total: int = 1
    numbered: bool = False
    versioned: bool = False
    prefixes: tuple[str, ...] = ()
    patch: bool = False
    resend: bool = False
    pull: bool = False


@lru_cache(maxsize=4096)  # every step asks again
def parse_subject(text: str) -> Subject:
    """Take a decoded, one-line subject apart; of repeated counters and versions the last one counts."""
    rest, reply = strip_reply(text)
    rest = _LOOSE_PREFIX.sub(r"[\1] ", rest, count=1) if _LOOSE_PREFIX.match(rest) else rest
    if foreign := _FOREIGN_REPLY.match(rest):
        rest, reply = rest[foreign.end() :], True
    words, rest = _brackets(rest)
    version = number = total = None
    prefixes = []
    for word in words:
        if match := _COUNTER.fullmatch(word):
            number, total = int(match[1]), int(match[2])
        elif match := _VERSION.fullmatch(word):
            version = int(match[1])
        elif word.lower() not in ("patch", "patches"):
            prefixes.append(word)
    lower = [word.lower() for word in words]
    patch = any(word.startswith(("patch", "rfc", "rft")) for word in lower)
    return Subject(
        name=rest.strip(),
        reply=reply,
        version=1 if version is None else version,
        number=1 if number is None else number,
        total=max(total or 1, number or 0),
        numbered=number is not None,
        versioned=version is not None,
        prefixes=tuple(prefixes),
        patch=patch,
        resend=any(word.startswith(("resend", "repost")) for word in lower),
        pull="pull" in lower and not patch and (number is None or "git" in lower),
    )


def is_for_stable(prefixes: Iterable[str]) -> bool:
    """Tell whether a series is of a stable tree's queue: each of its patches goes to other lists, none gets all."""
    return any(_STABLE.fullmatch(word) for word in prefixes)


def _brackets(text: str) -> tuple[list[str], str]:
    """Return the words of all leading brackets, and what stands behind these."""
    words: list[str] = []
    while text.startswith("["):
        end = _closing(text)
        if not end:
            break
        inside = text[1 : end - 1].replace("[", " ").replace("]", " ")
        words += filter(None, _SEPARATOR.split(_GLUED.sub(r"\1 ", inside)))
        text = text[end:].lstrip()
    return words, text


def _closing(text: str) -> int:
    """Return the offset behind the bracket that closes the first one: ``[PATCH [v2] 1/3]`` is one bracket."""
    depth = 0
    for match in re.finditer(r"[\[\]]", text):
        depth += 1 if match[0] == "[" else -1
        if not depth:
            return match.end()
    return text.find("]") + 1
