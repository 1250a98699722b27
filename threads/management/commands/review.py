"""``manage.py review TARGET``: one series the whole way, in the terminal."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from reviewbot.errors import NotFoundError
from reviewbot.lore.mbox import read_mailbox
from reviewbot.reports import status, text
from threads import links, models
from threads.management.base import Command as BaseCommand
from threads.management.base import workers
from threads.progress import Watch, exit_status
from threads.selectors import series as selectors
from threads.services import checking, intake, pipeline, trees


class Command(BaseCommand):
    """Review a series: fetch, apply, check, build, report."""

    help = (
        "review the series of a Message-ID, an archive link, an mbox file or standard input (-). "
        "Exit status: 0 clean, 1 findings, 2 does not apply or is incomplete, 3 our fault."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be asked for."""
        parser.add_argument("target", help="Message-ID, archive link, file, or - for standard input")
        parser.add_argument("--tree", action="append", default=[], help="name of a tree, or a directory or archive to "
                            "take as one; may be repeated, the first that fits is used")  # fmt: skip
        parser.add_argument("--version", dest="wanted", type=int, help="which version (default: the target's own)")
        parser.add_argument("--check", action="append", default=[], help="only this check; may be repeated")
        parser.add_argument("--no-build", action="store_true", help="do not cross-build")
        parser.add_argument("--rerun", action="store_true", help="do it again even when it is done")
        parser.add_argument("--json", action="store_true", help="print the facts as the API answers them")

    def work(self, **options: Any) -> int:  # noqa: ANN401
        """Bring the series to its end and print the report."""
        watch_to = self.stderr if options["json"] else self.stdout
        asked = {
            "trees": [trees.ensure(name).name for name in options["tree"]],
            "checks": options["check"],
            "build": not options["no_build"],
            "version": options["wanted"],
        }
        checking.chosen(options["check"])
        trees.require_any()
        series = self._series(options["target"], asked)
        with workers() as alive:
            with transaction.atomic():
                pipeline.want(series, asked, again=options["rerun"])
            Watch(watch_to.write, alive).series([row for row in (series, series.previous) if row])
        self._print(series, as_json=options["json"])
        return exit_status(series)

    def _series(self, target: str, asked: dict[str, Any]) -> models.Series:
        if target == "-" or (target and Path(target).exists()):
            return intake.take_in(read_mailbox(target), version=asked["version"])
        try:
            return intake.fetch_now(target, asked)
        except NotFoundError as error:
            if "@" in target:
                raise
            raise NotFoundError(f"{error} There is no file of that name either.") from error

    def _print(self, series: models.Series, *, as_json: bool) -> None:
        series.refresh_from_db()
        report = selectors.report_of(series)
        if as_json:
            urls = links.SiteUrls(next(iter(report.lists), ""))
            facts = status.as_dict(report, urls, selectors.beside(series, report))
            self.stdout.write(json.dumps(facts, indent=2, ensure_ascii=False))
            return
        width = min(shutil.get_terminal_size().columns, 120)
        self.stdout.write(text.render(report, colour=sys.stdout.isatty(), width=width))
