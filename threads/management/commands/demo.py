"""``manage.py demo``: the main job on a discussion that ships with the project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser

from reviewbot.errors import OperatorError
from threads import links
from threads.management.base import Command as BaseCommand
from threads.models import Series

DISCUSSION = settings.BASE_DIR / "demo" / "discussion.mbox"
KERNEL = Path("/usr/src/linux-source-6.12.tar.xz")


class Command(BaseCommand):
    """Review the discussion in ``demo/`` on Debian's kernel source, and say how to go on."""

    help = "review the discussion that ships with the project on Debian's linux-source-6.12"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be chosen."""
        parser.add_argument("--tree", default=str(KERNEL), help="kernel source (default: %(default)s)")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Run the review; findings are what the demonstration is about, so they are no failure."""
        kernel = Path(options["tree"])
        if not kernel.exists():
            raise OperatorError(f"There is no {kernel}; install Debian's package linux-source-6.12, or give --tree.")
        self.stdout.write(
            f"A discussion of an arm64 series in two versions ({DISCUSSION.relative_to(settings.BASE_DIR)})\n"
            f"is applied to {kernel.name}, checked, and cross-built after each patch.\n"
        )
        try:
            call_command("review", str(DISCUSSION), tree=[str(kernel)], stdout=self.stdout)
        except SystemExit as end:
            if end.code not in (0, 1):
                raise
        series = Series.objects.filter(wanted=True).latest("date")
        name = kernel.name.split(".tar")[0]
        self.stdout.write(
            f"\nThe drafted reply:   .venv/bin/python manage.py mail list, then mail show NUMBER"
            f"\nThe same as a page:  make up, then {links.SiteUrls('linux-mm').series(series.root_msgid)}\n"
            f"Any other series:    .venv/bin/python manage.py review --tree {name} MESSAGE-ID"
        )
