"""Signing a mail as the last steps before it is handed over: with patatt, and with DKIM (RFC 6376)."""

from __future__ import annotations

import email.policy
import re
from datetime import datetime
from email.utils import parseaddr

import dkim
import patatt
from nacl.exceptions import CryptoError

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


def attest(mail: bytes, *, selector: str, key: str, at: datetime) -> bytes:
    r"""Return a mail with a developer's signature above its own fields, as patatt and b4 check it.

    What patatt signs is what git-mailinfo(1) makes of a mail: of a text of ours
    the sender, the subject without its prefixes, and the text.

    :param mail: with ``\n`` line ends.
    :param key: seed of an Ed25519 key, in base64.
    :raises OperatorError: when the key cannot be used.
    """
    read = email.message_from_bytes(mail, policy=email.policy.default)
    name, address = parseaddr(str(read["From"]))
    said = re.sub(rb"\A(?:[ \t]*\n)+", b"", bytes(read.get_payload(decode=True) or b"")).rstrip(b"\r\n")
    text = said.replace(b"\n", b"\r\n") + b"\r\n"
    fields = {"from": f"{name or address} <{address}>", "subject": _bare(str(read["Subject"]))}
    fields["message-id"] = str(read["Message-ID"])
    signature = patatt.DevsigHeader()
    signature.set_headers([f"{field}: {value}".encode() for field, value in fields.items()], mode="sign")
    signature.set_body(text)
    for field, value in {"l": len(text), "i": address, "s": selector, "t": int(at.timestamp())}.items():
        signature.set_field(field, str(value))
    signature.set_field("a", "ed25519-sha256")
    try:
        signed, public = signature.sign(key)
    except (CryptoError, ValueError, TypeError) as error:
        raise OperatorError("The mail cannot be signed by patatt; check PATATT_KEY.") from error
    lines = b"X-Developer-Signature: " + signed.replace(b" ", b"\n ")
    return lines + b"\nX-Developer-Key: i=%b; a=ed25519;\n pk=%b\n" % (address.encode(), public) + mail


def _bare(subject: str) -> str:
    """Return what git-mailinfo(1) takes for the subject."""
    text = re.sub(r"\s+", " ", subject)
    while (shorter := re.sub(r"^(?:[ \t:]|re:(?=.)|\[[^\]]*\])", "", text, flags=re.IGNORECASE)) != text:
        text = shorter
    return text.strip()
