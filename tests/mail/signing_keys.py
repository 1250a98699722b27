"""Keys of the tests, and what the DNS would say about them."""

from __future__ import annotations

from functools import cache

from nacl.encoding import Base64Encoder
from nacl.signing import SigningKey

from reviewbot.mail.signing import sign


@cache
def _key(domain: str) -> SigningKey:
    return SigningKey.generate()


def signed(mail: bytes, domain: str = "example.org") -> bytes:
    """Return a mail with a signature of a domain."""
    key = _key(domain).encode(Base64Encoder).decode()
    return sign(mail, domain=domain, selector="test", key=key)


def lookup(name: bytes, timeout: int = 5) -> bytes | None:
    """Return the key of a domain that has signed something."""
    domain = name.decode().strip(".").removeprefix("test._domainkey.")
    return b"v=DKIM1; k=ed25519; p=" + _key(domain).verify_key.encode(Base64Encoder)
