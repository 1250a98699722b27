"""``manage.py backup FILE``: everything that cannot be fetched or computed again, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from threads.management import keeping
from threads.management.base import Command as BaseCommand


class Command(BaseCommand):
    """Write a backup."""

    help = "write database, mail policy and secret key into one file, while the service runs"

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask where."""
        parser.add_argument("file", type=Path, help="a new file, e.g. backup-2026-03-09.tar.gz; it holds secrets")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Write it."""
        size = keeping.backup(options["file"])
        self.stdout.write(f"{options['file']}: {size / 1e6:.1f} MB. Keep it as you keep the secrets: it holds them.")
        self.stdout.write(
            "Kernel trees and build folders are not in it; manage.py doctor --mend reads the trees again."
        )
