"""``manage.py restore FILE``: a service as it was when the backup was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser

from threads.management import keeping
from threads.management.base import Command as BaseCommand


class Command(BaseCommand):
    """Read a backup back."""

    help = "bring back what manage.py backup has written; stop the service before"

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask what, and whether something may be lost by it."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="also where there is a database with mails in it")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Read it back, and bring it up to date with this program."""
        made = keeping.restore(options["file"], force=options["force"])
        call_command("migrate", verbosity=0)
        self.stdout.write(f"This is the state of {made}. manage.py doctor --mend reads the kernel trees again.")
