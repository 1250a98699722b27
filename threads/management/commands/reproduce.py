"""``manage.py reproduce RUN``: a build once more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from threads.management.base import Command as BaseCommand
from threads.services import again


class Command(BaseCommand):
    """Print the shell lines that do a build again elsewhere, or do it again here."""

    help = (
        "print the shell lines that do a build again on another machine; with --here, do it again and compare. "
        "Exit status: 0 the same came of it, 1 something else, 3 our fault."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be asked for."""
        parser.add_argument("run", type=int, help="number of the build, as in the address of its page")
        parser.add_argument("--here", action="store_true", help="build once more on this machine")

    def work(self, **options: Any) -> int:  # noqa: ANN401
        """Print, or build and compare."""
        run = again.find(options["run"])
        if not options["here"]:
            self.stdout.write("\n".join(again.lines(run)))
            return 0
        done = again.again(run)
        if not done.differences and done.state == run.state:
            self.stdout.write(f"The same came of it: {done.state}.")
            return 0
        self.stdout.write(f"Then it {run.state}, now it {done.state}.")
        for line in done.differences:
            self.stdout.write(line)
        return 1
