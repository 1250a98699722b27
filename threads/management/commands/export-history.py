"""``manage.py export-history``: the whole public history as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from threads.management.base import Command as BaseCommand
from threads.services import bulkfile


class Command(BaseCommand):
    """Write the files."""

    help = "write the whole public history as SQLite and JSON lines, as it is served under /bulk/"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be asked for."""
        parser.add_argument("--folder", type=Path, default=settings.BULK, help="where to (%(default)s)")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Write them."""
        number = bulkfile.write(options["folder"], settings.SITE_URL)
        self.stdout.write(f"{number} series in {options['folder'] / bulkfile.SQL} and {bulkfile.LINES}.")
