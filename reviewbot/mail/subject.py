"""Subjects: what stands before the words that the author chose."""

from __future__ import annotations

import re

# Prefixes of answers and forwards as mailers of several languages write them, counted and bracketed ones too.
_REPLY = re.compile(
    r"\s*(?:(?:re|aw|sv|antw|odp|vs|res|rif|回复|答复)(?:\[\d+\]|\(\d+\)|\^\d+)?\s*[:\uff1a]|\[external\])\s*",
    re.IGNORECASE,
)
_FORWARD = re.compile(r"\s*(?:fwd?|wg|转发)\s*[:\uff1a]\s*", re.IGNORECASE)
_BRACKET = re.compile(r"\s*\[[^\[\]]{0,200}\]\s*")
_WAS = re.compile(r"\s*\(\s*was:?\s.*\)\s*$", re.IGNORECASE)


def strip_reply(subject: str) -> tuple[str, bool]:
    """Return the subject without ``Re:`` and its like, and whether it had one; a forward is an answer too."""
    rest, found = subject, False
    for _ in range(20):
        match = _REPLY.match(rest) or _FORWARD.match(rest)
        if not match:
            break
        rest, found = rest[match.end() :], True
    return rest.strip(), found


def bare(subject: str) -> str:
    """Return the words alone: no ``Re:``, no leading brackets, no ``(was: …)``."""
    rest, _ = strip_reply(_WAS.sub("", subject))
    for _ in range(20):
        match = _BRACKET.match(rest)
        if not match:
            break
        rest, _ = strip_reply(rest[match.end() :])
    return rest.strip()


def is_patch(subject: str) -> bool:
    """Return whether the subject announces a patch or a cover letter and is no answer."""
    rest, answer = strip_reply(subject)
    bracket = _BRACKET.match(rest)
    return not answer and bool(bracket and re.search(r"\b(?:patch|rfc)", bracket[0], re.IGNORECASE))
