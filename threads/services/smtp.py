"""Handing one mail to a server: the only place that sends mail.

What can go wrong is told apart by one question: may the mail be out? Before
the last dot of DATA it is not, and behind the server's answer it is known. In
between nobody knows, and it must not be sent again. See RFC 5321 section 4.2.5 and 6.1.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from reviewbot.errors import OperatorError
from reviewbot.mail.compose import to_wire

#: seconds for each answer of the server; RFC 5321 section 4.5.3.2 allows ten minutes behind the last dot
TIMEOUT = 120


class Handed(StrEnum):
    """What became of a mail: the server has it, will not, cannot now, or nobody knows."""

    TAKEN = "taken"
    REFUSED = "refused"
    LATER = "later"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mail, with the server's words."""

    handed: Handed
    words: str


@dataclass(frozen=True, slots=True)
class Server:
    """Where mails are handed in; ``smtp://``, ``smtps://`` (TLS) or ``smtp+starttls://``."""

    scheme: str
    host: str
    port: int
    user: str
    password: str

    @classmethod
    def read(cls, url: str) -> Server:
        """Read an address such as ``smtp+starttls://user:secret@mail.example.org:587``.

        :raises OperatorError: when it is none.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise OperatorError("SMTP_URL is no address of a mail server; the operator must correct it.") from error
        ports = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
        if parts.scheme not in ports or not parts.hostname:
            raise OperatorError("SMTP_URL takes smtp://, smtps:// or smtp+starttls:// and a host.")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.scheme, parts.hostname, port or ports[parts.scheme], user, password)

    def connect(self) -> smtplib.SMTP:
        """Return a connection that is ready to take a mail; a server whose certificate does not hold gets nothing."""
        trusted = ssl.create_default_context()
        server = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=trusted)
            if self.scheme == "smtps"
            else smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        )
        try:
            if self.scheme == "smtp+starttls":
                server.starttls(context=trusted)
            server.ehlo_or_helo_if_needed()
            if self.user:
                server.login(self.user, self.password)
        except BaseException:
            server.close()
            raise
        return server


def hand_over(
    server: Server, mail: bytes, sender: str, recipients: Sequence[str], claim: Callable[[], bool]
) -> Outcome | None:
    """Hand a mail to a server, and tell what is certain about it afterwards.

    :param mail: the whole mail; line ends may be of either kind.
    :param sender: where bounces go.
    :param claim: called once the server wants the mail, right before it gets it; what is false there ends it.
    :return: None when the mail was not to go after all.
    """
    try:
        connection = server.connect()
    except smtplib.SMTPResponseException as error:
        return Outcome(Handed.LATER, f"The mail server does not let us in: {_words(error.smtp_code, error.smtp_error)}")
    except (OSError, smtplib.SMTPException) as error:
        return Outcome(Handed.LATER, f"The mail server cannot be reached: {error}.")
    try:
        if refused := _offer(connection, mail, sender, recipients):
            return refused
        return _give(connection, to_wire(mail)) if claim() else None
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            connection.quit()


def _offer(connection: smtplib.SMTP, mail: bytes, sender: str, recipients: Sequence[str]) -> Outcome | None:
    """Name sender and recipients; None when the server wants the mail."""
    try:
        return _envelope(connection, mail, sender, recipients)
    except (OSError, smtplib.SMTPException) as error:
        return _broken(error)


def _give(connection: smtplib.SMTP, mail: bytes) -> Outcome:
    """Give the mail; nothing is out until the last dot was written."""
    try:
        code, answer = connection.docmd("DATA")
        if code != 354:
            return _refusal(code, answer)
        connection.send(b"\r\n".join(b"." + line if line.startswith(b".") else line for line in mail.split(b"\r\n")))
    except (OSError, smtplib.SMTPException) as error:
        return _broken(error)
    try:
        connection.send(b".\r\n" if mail.endswith(b"\r\n") else b"\r\n.\r\n")
        code, answer = connection.getreply()
    except (OSError, smtplib.SMTPException) as error:
        words = "The connection to the mail server broke while the mail was handed over, so it may have gone out"
        return Outcome(Handed.UNKNOWN, f"{words}: {error}.")
    if code // 100 == 2:  # RFC 5321 section 4.3.2: who does not know a code goes by its first digit
        return Outcome(Handed.TAKEN, _words(code, answer))
    if code // 100 in (4, 5):
        return _refusal(code, answer)
    words = "The mail server answered what is no answer, so the mail may have gone out"
    return Outcome(Handed.UNKNOWN, f"{words}: {_words(code, answer)}")


def _broken(error: Exception) -> Outcome:
    return Outcome(Handed.LATER, f"The connection to the mail server broke before it had the whole mail: {error}.")


def _envelope(connection: smtplib.SMTP, mail: bytes, sender: str, recipients: Sequence[str]) -> Outcome | None:
    """Name sender and recipients; None when the server wants the mail for at least one of them."""
    options = []
    if not mail.isascii():
        if not connection.has_extn("8bitmime"):
            return Outcome(
                Handed.REFUSED, "The mail server takes no 8-bit mails (RFC 6152); the operator needs another."
            )
        options = ["BODY=8BITMIME"]
    code, answer = connection.mail(sender, options)
    wanted = 0
    for recipient in recipients if code // 100 == 2 else ():
        code, answer = connection.rcpt(recipient)
        if code // 100 == 4:  # to try again for one of them alone would be two mails
            break
        wanted += code // 100 == 2
    if wanted and code // 100 != 4:
        return None
    connection.rset()
    return _refusal(code, answer)


def _refusal(code: int, answer: bytes) -> Outcome:
    return Outcome(
        Handed.REFUSED if code // 100 == 5 else Handed.LATER, f"The mail server says: {_words(code, answer)}"
    )


def _words(code: int, answer: bytes | str) -> str:
    text = answer if isinstance(answer, str) else answer.decode("utf-8", "replace")
    return f"{code} {' '.join(text.split())}"[:500]
