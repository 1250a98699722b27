"""``manage.py doctor``: what is wrong with the service, and mending it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from reviewbot.errors import ReviewError
from threads.management.base import Command as BaseCommand
from threads.services import doctor


class Command(BaseCommand):
    """Look the service over."""

    help = "say what is wrong with the service, and mend it; ends with 1 when something is left that is wrong"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say how far to go."""
        parser.add_argument("--mend", action="store_true", help="mend what can be mended")
        parser.add_argument("--thorough", action="store_true", help="read every mail, log, report and object: minutes")

    def work(self, **options: Any) -> int:  # noqa: ANN401
        """Look, and mend when asked to; never stop at the first."""
        left = found = 0
        for ailment in doctor.examine(thorough=options["thorough"]):
            found += 1
            self.stdout.write(f"- {ailment.words}")
            if ailment.mend is None:
                left += 1
            elif not options["mend"]:
                left += 1
                self.stdout.write("  --mend does that.")
            else:
                left += self._mended(ailment)
        if not found:
            self.stdout.write("Nothing is wrong with the service.")
        return 1 if left else 0

    def _mended(self, ailment: doctor.Ailment) -> int:
        """Mend; return 0 when that succeeds."""
        try:
            if ailment.mend is not None:
                ailment.mend()
        except ReviewError as error:
            self.stdout.write(f"  It could not be mended: {error}")
            return 1
        self.stdout.write("  Mended.")
        return 0
