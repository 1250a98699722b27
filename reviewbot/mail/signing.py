"""Signing a mail with DKIM, as the last step before it is handed over; RFC 6376."""

from __future__ import annotations

import dkim

from reviewbot.errors import OperatorError
from reviewbot.mail.compose import to_wire

#: what a forwarder must not change: all that says who wrote what to whom, in answer to what
_SIGNED = (
    *(b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to", b"references"),
    *(b"auto-submitted", b"mime-version", b"content-type", b"content-transfer-encoding"),
)


def sign(mail: bytes, *, domain: str, selector: str, key: str) -> bytes:
    r"""Return a mail with ``\r\n`` line ends and a DKIM-Signature above its own fields.

    Lists append a footer to the body at most; headers and body are signed
    relaxed, since lists fold anew what they hand on.

    :param key: the private key: RSA as PEM, or the seed of an Ed25519 key in base64 (RFC 8463).
    :raises OperatorError: when the key cannot be used.
    """
    wire = to_wire(mail)
    header = wire.partition(b"\r\n\r\n")[0].lower()
    present = [name for name in _SIGNED if b"\r\n" + name + b":" in b"\r\n" + header]
    try:
        signature = dkim.sign(
            wire,
            selector.encode("idna"),
            domain.encode("idna"),
            key.encode("ascii"),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=present,
            signature_algorithm=b"rsa-sha256" if "PRIVATE KEY" in key else b"ed25519-sha256",
        )
    except (dkim.DKIMException, ValueError, TypeError) as error:
        raise OperatorError(
            f"The mail cannot be signed: {error}; check DKIM_KEY, DKIM_DOMAIN and DKIM_SELECTOR."
        ) from error
    return bytes(signature) + wire
