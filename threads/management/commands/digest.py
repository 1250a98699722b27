"""``manage.py digest``: what was found, fixed and marked as wrong on a list within a week."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from reviewbot.errors import NotFoundError
from reviewbot.reports import digest
from threads.management.base import Command as BaseCommand
from threads.services import digests


class Command(BaseCommand):
    """Show a digest, or send it."""

    help = "show what was found, fixed and marked as wrong on a list within the week before last midnight"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say which week of which list."""
        parser.add_argument("--list", required=True, dest="name", help="name of the list")
        parser.add_argument("--until", default="", help="the day behind the week, YYYY-MM-DD (default: today, UTC)")
        parser.add_argument("--send", action="store_true", help="put it into the outbox for who asked for mails")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Show it."""
        day = options["until"] or f"{datetime.now(UTC):%Y-%m-%d}"
        try:
            until = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError as error:
            raise NotFoundError(f"{day} is no day; write it as {datetime.now(UTC):%Y-%m-%d}.") from error
        week = digests.week(options["name"], until)
        self.stdout.write(f"Subject: {digest.subject(week)}\n\n{digest.write(week, settings.SITE_URL)}", ending="")
        if options["send"]:
            self.stderr.write(f"It is in the outbox, for {digests.send(week)} people.")
