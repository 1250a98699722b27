"""``manage.py import SOURCE``: take in a mailbox."""

from __future__ import annotations

import time
from itertools import islice
from typing import Any

from django.core.management.base import CommandParser

from reviewbot.errors import NotFoundError
from reviewbot.lore.mbox import read_mailbox
from threads import models
from threads.management.base import Command as BaseCommand
from threads.services import assembly, messages

_BATCH = 200


class Command(BaseCommand):
    """Keep the mails of a mailbox and assemble their series; nothing is applied or built."""

    help = "keep the mails of an mbox, mboxrd or maildir, and assemble their series"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be asked for."""
        parser.add_argument("source", help="mbox or mboxrd file, maildir, or - for standard input")
        parser.add_argument("--list", help="mailing list the mails were read from")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Keep batch by batch: an interrupted import goes on from where it was when it is started again."""
        mailing_list = None
        if options["list"]:
            mailing_list = models.MailingList.objects.filter(name=options["list"]).first()
            if mailing_list is None:
                known = ", ".join(models.MailingList.objects.values_list("name", flat=True))
                raise NotFoundError(f"There is no list named {options['list']}; known are {known}.")
        start, seen, new, series = time.monotonic(), 0, 0, set()
        mails = read_mailbox(options["source"])
        while batch := list(islice(mails, _BATCH)):
            kept = messages.keep(batch, mailing_list=mailing_list)
            series |= {row.pk for row in assembly.assemble_threads(kept.threads)}
            seen, new = seen + len(batch), new + kept.new
            rate = seen / (time.monotonic() - start)
            self.stdout.write(f"{seen} mails, {new} new, {len(series)} series, {rate:.0f} mails/s")
