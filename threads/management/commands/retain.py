"""``manage.py retain``: give up what was kept for long enough."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from threads.management.base import Command as BaseCommand
from threads.services import retention


class Command(BaseCommand):
    """Do at once what the service does every day."""

    help = "give up logs, bytes of mails and trees of builds that are older than KEEP_…_DAYS; the service does it daily"

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to change nothing."""
        parser.add_argument("--pretend", action="store_true", help="only count the logs and the mails")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Give up, and say how much."""
        given = retention.rows(pretend=options["pretend"])
        verb = "could be" if options["pretend"] else "were"
        self.stdout.write(
            f"{given.logs} logs of runs {verb} emptied; of {given.mails} mails the bytes {verb} forgotten."
        )
        if not options["pretend"]:
            self.stdout.write(f"{retention.builds()} trees of builds were removed on this machine.")
