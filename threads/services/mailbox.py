"""Reading the mailbox that people write to, by IMAP; RFC 9051."""

from __future__ import annotations

import imaplib
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

from reviewbot.errors import OperatorError, TransientError
from reviewbot.mail.parse import MAX_MAIL
from threads.services.receiving import receive

log = logging.getLogger(__name__)

#: seconds for each answer of the server
TIMEOUT = 60
#: mails that are read at once; the rest waits for the next time
MOST = 200


def read(url: str) -> list[str]:
    """Read the mails that nobody has read; return what became of each.

    One that has to wait stays unread, and so does one that breaks us: neither keeps the others.

    :param url: ``imaps://user:secret@host/FOLDER``; ``imap://`` without TLS for a server on this machine.
    :raises OperatorError: when the address is none, or the server does not let us in.
    :raises TransientError: when the server does not answer.
    """
    outcomes = []
    with _opened(url) as server:
        _, found = server.uid("SEARCH", "UNSEEN", "SMALLER", str(MAX_MAIL))
        for uid in (found[0] or b"").split()[:MOST]:
            _, parts = server.uid("FETCH", uid.decode("ascii"), "(BODY.PEEK[])")
            raw = next((part[1] for part in parts if isinstance(part, tuple)), b"")
            if not raw:  # somebody has removed it meanwhile
                continue
            try:
                outcomes.append(receive(raw))
            except TransientError as error:
                log.warning("a mail is left unread: %s", error)
                continue
            except Exception:  # whatever it is: the mails behind it must not wait for it
                log.exception("mail %s of the mailbox could not be read", uid.decode("ascii"))
                continue
            server.uid("STORE", uid.decode("ascii"), "+FLAGS.SILENT", r"(\Seen)")
    return outcomes


@contextmanager
def _opened(url: str) -> Iterator[imaplib.IMAP4]:
    """Open the folder of an address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise OperatorError("IMAP_URL is no address of a mailbox; the operator must correct it.") from error
    if parts.scheme not in ("imap", "imaps") or not host:
        raise OperatorError("IMAP_URL takes imaps://user:secret@host/FOLDER.")
    try:
        server = (
            imaplib.IMAP4_SSL(host, port or 993, ssl_context=ssl.create_default_context(), timeout=TIMEOUT)
            if parts.scheme == "imaps"
            else imaplib.IMAP4(host, port or 143, TIMEOUT)
        )
    except OSError as error:
        raise TransientError(f"The mailbox cannot be reached: {error}.") from error
    try:
        server.login(unquote(parts.username or ""), unquote(parts.password or ""))
        folder = unquote(parts.path.strip("/")) or "INBOX"
        if server.select('"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"')[0] != "OK":
            raise OperatorError(f"The mailbox has no folder {folder}.")
        yield server
    except (imaplib.IMAP4.abort, OSError) as error:
        raise TransientError(f"The connection to the mailbox broke: {error}.") from error
    except imaplib.IMAP4.error as error:
        raise OperatorError(f"The mailbox refuses us: {error}.") from error
    finally:
        server.shutdown()
