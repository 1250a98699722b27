"""``manage.py receive``: mails that are written to this service, from a pipe, by LMTP, or from a mailbox.

A mail server hands each mail to the standard input and goes by the exit
status, of sysexits.h: 0 takes it, whatever it was; 75 lets it be offered again.
Or it hands them to a server of ours that stays, by LMTP.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from reviewbot.errors import OperatorError, ReviewError
from reviewbot.mail.parse import MAX_MAIL
from threads.management.base import Command as BaseCommand
from threads.services import lmtp, mailbox, receiving

log = logging.getLogger(__name__)

EX_TEMPFAIL = 75


class Command(BaseCommand):
    """Read mails that were written to this service."""

    help = "read a mail from the standard input, the mailbox of IMAP_URL, or what comes by LMTP; do what it asks for"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say where the mails are."""
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--imap", action="store_true", help="read what is unread in the mailbox of IMAP_URL")
        where.add_argument("--lmtp", metavar="ADDRESS", help="take mails by LMTP, until it is ended: the path of a "
                           "socket that is made, for the group of the mail server, or host:port")  # fmt: skip

    def work(self, **options: Any) -> int | None:  # noqa: ANN401
        """Read."""
        if options["imap"]:
            self._mailbox()
            return None
        if options["lmtp"]:
            with lmtp.server(options["lmtp"]) as server:
                self.stdout.write(f"Mails are taken at {options['lmtp']}.")
                server.serve_forever()
            return None
        try:
            self.stdout.write(receiving.receive(sys.stdin.buffer.read(MAX_MAIL)))
        except Exception as error:  # whatever it is: the mail must not be lost, nor bounce to whoever it names
            if not isinstance(error, ReviewError):
                log.exception("a mail could not be read")
            self.stderr.write(f"{error}")
            return EX_TEMPFAIL
        return None

    def _mailbox(self) -> None:
        if not settings.IMAP_URL:
            raise OperatorError("No mailbox is configured; set IMAP_URL.")
        for outcome in mailbox.read(settings.IMAP_URL):
            self.stdout.write(outcome)
