"""Taking mails from a mail server that hands them on by LMTP; RFC 2033.

One connection after the other, for the mail server of the same machine or
network: who may connect is the operator's to say, as for every LMTP server. A
mail is acknowledged when it was read to its end, so that none is lost; one that
cannot be read now stays with the mail server.
"""

from __future__ import annotations

import contextlib
import logging
import smtplib
import socketserver
import stat
from pathlib import Path

from django.db import close_old_connections

from reviewbot.errors import OperatorError, ReviewError
from reviewbot.mail.parse import MAX_MAIL
from threads.services.receiving import receive

log = logging.getLogger(__name__)

#: seconds of silence after which a connection is closed
TIMEOUT = 60
#: bytes of a command, and of one line of a mail; recipients of one mail
_MAX_COMMAND, _MAX_LINE, _MAX_RECIPIENTS = 1024, 65_536, 100
_GREETING = ["250-reviewbot", "250-8BITMIME", "250-ENHANCEDSTATUSCODES", "250-PIPELINING", f"250 SIZE {MAX_MAIL}"]
_ANSWERS = {"NOOP": "250 2.0.0 Here.", "VRFY": "252 2.1.5 Try it."}
_LATER = "451 4.3.0 It cannot be read now."


class _Session(socketserver.StreamRequestHandler):
    """One connection: any number of mails."""

    timeout = TIMEOUT
    sender: str | None
    recipients: list[str]

    def handle(self) -> None:
        """Answer commands until the client goes; one that falls silent or breaks off has handed over nothing more."""
        self._forget()
        with contextlib.suppress(OSError):
            self._say("220 reviewbot LMTP")
            while line := self.rfile.readline(_MAX_COMMAND):
                if not line.endswith(b"\n"):
                    self._say("500 5.5.2 The line is too long.")
                    return
                verb, _, rest = line.decode("ascii", "replace").strip().partition(" ")
                if verb.upper() == "QUIT":
                    self._say("221 2.0.0 Bye.")
                    return
                self._obey(verb.upper(), rest)

    def _obey(self, verb: str, rest: str) -> None:
        if verb == "DATA":
            self._data()
            return
        if verb in ("LHLO", "RSET"):
            self._forget()
            self._say(*(_GREETING if verb == "LHLO" else ["250 2.0.0 Forgotten."]))
        elif verb == "MAIL" and rest.upper().startswith("FROM:"):
            self._forget()
            self.sender = _address(rest)
            self._say("250 2.1.0 Whoever that is.")
        elif verb == "RCPT" and rest.upper().startswith("TO:"):
            self._recipient(_address(rest))
        else:
            self._say(_ANSWERS.get(verb, "500 5.5.1 This is LMTP: LHLO, MAIL, RCPT, DATA, RSET, NOOP, VRFY, QUIT."))

    def _recipient(self, address: str) -> None:
        if self.sender is None:
            self._say("503 5.5.1 MAIL comes first.")
        elif len(self.recipients) == _MAX_RECIPIENTS:
            self._say("452 4.5.3 These are many recipients.")
        else:
            self.recipients.append(address)
            self._say("250 2.1.5 Here.")

    def _data(self) -> None:
        if not self.recipients:
            self._say("503 5.5.1 RCPT comes first.")
            return
        self._say("354 Go on.")
        envelope = [f"Return-Path: <{self.sender}>", *(f"Delivered-To: {one}" for one in self.recipients)]
        mail = self._mail("".join(f"{line}\r\n" for line in envelope).encode("ascii", "replace"))
        answer = "552 5.3.4 The mail is too large." if mail is None else _read(mail)
        self._say(*[answer] * len(self.recipients))
        self._forget()

    def _mail(self, mail: bytes) -> bytes | None:
        """Read a mail to its last dot; None when it is too large.

        :raises OSError: when it has no last dot.
        """
        lines, size, begins = [mail], 0, True
        while line := self.rfile.readline(_MAX_LINE):
            if begins and line == b".\r\n":
                return b"".join(lines) if size <= MAX_MAIL else None
            size += len(line)
            if size <= MAX_MAIL:
                lines.append(line[1:] if begins and line.startswith(b".") else line)
            begins = line.endswith(b"\r\n")  # nothing else ends a line, or a mail could hold another one
        raise ConnectionError("the mail has no end")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode("ascii", "replace"))

    def _forget(self) -> None:
        self.sender, self.recipients = None, []


def _read(mail: bytes) -> str:
    """Do what a mail asks for; return the answer to its sender's server."""
    close_old_connections()
    try:
        outcome = receive(mail)
    except Exception as error:  # whatever it is: the mail must not be lost, nor bounce to whoever it names
        if not isinstance(error, ReviewError):
            log.exception("a mail could not be read")
        return _LATER
    finally:
        close_old_connections()
    return f"250 2.0.0 {' '.join(outcome.split())[:400]}"


def _address(rest: str) -> str:
    return rest.partition(":")[2].partition("<")[2].partition(">")[0][:320]


class _OnPort(socketserver.TCPServer):
    """A server that takes its port again at once when it is started anew."""

    allow_reuse_address = True


def server(address: str) -> socketserver.BaseServer:
    """Return a server that takes mails once ``serve_forever`` is called.

    :param address: path of a socket that is made (mode 0660, for the mail server's group), or ``host:port``.
    :raises OperatorError: when that cannot be had.
    """
    host, _, port = address.rpartition(":")
    try:
        if "/" not in address and port.isdecimal():
            return _OnPort((host.strip("[]"), int(port)), _Session)
        path = Path(address)
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode) and not _answers(path):
            path.unlink()  # its server was killed
        made = socketserver.UnixStreamServer(address, _Session)
        path.chmod(0o660)
    except (OSError, OverflowError) as error:
        raise OperatorError(f"Mails cannot be taken at {address}: {error}.") from error
    return made


def _answers(path: Path) -> bool:
    """True when a server is at the socket, also one that is busy."""
    try:
        smtplib.LMTP(str(path.absolute()), timeout=5).close()
    except ConnectionRefusedError:
        return False
    except (OSError, smtplib.SMTPException):
        return True
    return True
