"""``manage.py import SOURCE``: take in a mailbox."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from reviewbot.errors import NotFoundError
from threads import models
from threads.management.base import Command as BaseCommand
from threads.services import importing
from threads.services.importing import Progress

#: series without all their parts that are named at the end
MAX_INCOMPLETE = 20


class Command(BaseCommand):
    """Keep the mails of a mailbox and assemble their series; nothing is applied or built."""

    # They load every page and the API, and take longer than a second import of the same mailbox.
    requires_system_checks = ()
    help = "keep the mails of a mailbox and assemble their series; an interrupted import goes on from where it was"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be asked for."""
        parser.add_argument(
            "source",
            help="mbox or mboxrd file, plain or gzipped; maildir or folder of mails; public-inbox folder, clone or "
            "bundle of an epoch; - for standard input; or the address of the page of a mail or a thread in an archive",
        )
        parser.add_argument("--list", help="mailing list the mails were read from")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Take everything in, and say after every batch how far it is."""
        mailing_list = None
        if options["list"]:
            mailing_list = models.MailingList.objects.filter(name=options["list"]).first()
            if mailing_list is None:
                known = ", ".join(models.MailingList.objects.values_list("name", flat=True))
                raise NotFoundError(f"There is no list named {options['list']}; known are {known}.")
        if options["source"].startswith(("http://", "https://")):
            from threads.services import pages  # it loads what reads HTML, which a mailbox does not need

            for mail in pages.take_in(options["source"], mailing_list):
                self.stdout.write(f"{mail.subject}\n<{mail.message_id}>")
                for oddity in mail.oddities:
                    self.stdout.write(f"  {oddity}")
            return
        progress = importing.take_in(options["source"], mailing_list, tell=self._tell)
        if not progress.seen:
            self._tell(progress)
        self._tell_incomplete(importing.incomplete(progress))

    def _tell_incomplete(self, rows: list[models.Series]) -> None:
        """Say which series lack parts, and which parts."""
        if rows:
            self.stdout.write(f"{len(rows)} series lack{'s' if len(rows) == 1 else ''} parts:")
        for row in rows[:MAX_INCOMPLETE]:
            self.stdout.write(f"  {row.date:%Y-%m-%d} {row.subject[:120]} <{row.root_msgid}>\n    {row.reason}")
        if len(rows) > MAX_INCOMPLETE:
            self.stdout.write(f"  and {len(rows) - MAX_INCOMPLETE} more; a search for state:incomplete lists them all")

    def _tell(self, progress: Progress) -> None:
        count = progress.earlier + progress.seen
        said = [f"{count} mails, {progress.new} new, {len(progress.series)} series, {progress.rate:.0f} mails/s"]
        if progress.done is not None:
            said.append(f"{progress.done:.0%}")
        if progress.left is not None and progress.done is not None and progress.done < 1:
            minutes, seconds = divmod(round(progress.left), 60)
            said.append(f"{minutes} min {seconds:02} s left" if minutes else f"{seconds} s left")
        self.stdout.write(", ".join(said))
