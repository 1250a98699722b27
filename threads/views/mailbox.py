"""Mails as a file that ``git am`` and mail readers take: mboxrd, see mbox(5)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SEPARATOR = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
_FROM = re.compile(rb"^(>*From )", re.MULTILINE)


def mboxrd(mails: Iterable[bytes]) -> bytes:
    """Join mails; lines that look like a separator are quoted by one ``>`` more."""
    parts = []
    for mail in mails:
        body = _FROM.sub(rb">\1", mail.replace(b"\r\n", b"\n"))
        parts.append(_SEPARATOR + body + (b"" if body.endswith(b"\n") else b"\n") + b"\n")
    return b"".join(parts)
