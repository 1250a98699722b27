"""Whether a mail is by whom it says: a DKIM signature of the domain of its From that holds; RFC 6376, RFC 7489.

A mail that only claims to be somebody's must change nothing, and is not
answered: the answer would go to whoever was named.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

import dkim
from dkim.dnsplug import get_txt

from reviewbot.errors import AuthorError, TransientError
from reviewbot.mail.message import Message

#: signatures of the right domain that are tried; a mail has one or two
_MOST_SIGNATURES = 4
#: seconds for one answer of the DNS
_TIMEOUT = 10
#: what must be signed where a mail has it: who, when, and in answer to what
_BOUND = ("from", "date", "in-reply-to")

#: returns the TXT record of a name, None when there is none; called with ``timeout=`` in seconds
Lookup = Callable[..., bytes | None]


@dataclass(frozen=True, slots=True)
class Seal:
    """A signature that holds.

    :ivar domain: who vouches for the mail.
    :ivar digest: 64 hexadecimal digits that name what was signed: a copy has the same, whatever
        Message-ID somebody gave it.
    """

    domain: str
    digest: str


def authenticate(mail: Message, lookup: Lookup = get_txt) -> Seal:
    """Return the signature by which a mail is from the domain of its author.

    The signature has to cover the whole body (no ``l=``) and From, Date and
    In-Reply-To; fields of which a mail has two are not believed.

    :param lookup: asks the DNS.
    :raises AuthorError: when nothing shows that the mail is from there.
    :raises TransientError: when the DNS does not answer.
    """
    asked = _Asked(lookup)
    try:
        checker = dkim.DKIM(re.sub(rb"\A>?From [^\n]*\n", b"", mail.raw), timeout=_TIMEOUT)
    except (dkim.DKIMException, IndexError) as error:
        raise AuthorError("The mail cannot be read by the rules of DKIM.") from error
    names = [name.lower().decode("ascii", "replace") for name, _ in checker.headers]
    domain = mail.author.email.rpartition("@")[2].lower()
    if any(names.count(name) > 1 for name in (*_BOUND, "message-id")) or not domain:
        raise AuthorError("The mail has two of a field that it may have once, or no author.")
    tried = 0
    for index in range(min(names.count("dkim-signature"), 20)):
        signature = _signature(checker, index)
        if tried < _MOST_SIGNATURES and _vouches(signature, domain) and _covers(signature, names):
            tried += 1
            if _holds(checker, index, asked):
                return Seal(_signer(signature), hashlib.sha256(b"".join(signature[b"b"].split())).hexdigest())
    if asked.failed:
        raise TransientError("The DNS does not answer, so that a signature cannot be checked now.")
    raise AuthorError(f"No DKIM signature of {domain} holds that covers the text and {', '.join(_BOUND)}.")


class _Asked:
    """Asks the DNS, and remembers whether it failed: dkimpy takes a time-out for a bad signature."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.failed = False

    def __call__(self, name: bytes, timeout: int = _TIMEOUT) -> bytes | None:
        try:
            return self._lookup(name, timeout=timeout)
        except Exception as error:  # whatever the resolver raises, it gave no answer
            self.failed = True
            raise dkim.DnsTimeoutError(str(error)) from error


def _signature(checker: dkim.DKIM, index: int) -> dict[bytes, bytes]:
    values = [value for name, value in checker.headers if name.lower() == b"dkim-signature"]
    try:
        return dict(dkim.util.parse_tag_value(values[index]))
    except dkim.util.InvalidTagValueList:
        return {}


def _vouches(signature: dict[bytes, bytes], domain: str) -> bool:
    """True when the signature is of the domain of the author, or of one above it that is no top-level domain."""
    signer = _signer(signature)
    return signer == domain or ("." in signer and domain.endswith(f".{signer}"))


def _signer(signature: dict[bytes, bytes]) -> str:
    return signature.get(b"d", b"").decode("ascii", "replace").lower().strip(".")


def _covers(signature: dict[bytes, bytes], names: list[str]) -> bool:
    signed = {name.strip().lower().decode("ascii", "replace") for name in signature.get(b"h", b"").split(b":")}
    return b"l" not in signature and b"b" in signature and all(name in signed for name in _BOUND if name in names)


def _holds(checker: dkim.DKIM, index: int, lookup: Lookup) -> bool:
    try:
        return bool(checker.verify(index, dnsfunc=lookup))
    except (dkim.DKIMException, ValueError, TypeError, LookupError, ArithmeticError):
        return False
