"""``manage.py replay SOURCE``: let mails arrive again, on the side, and compare what comes of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import serializers
from django.core.management.base import CommandParser

from reviewbot.errors import NotFoundError, OperatorError
from threads import models
from threads.management import wizard
from threads.management.base import Command as BaseCommand
from threads.management.base import workers
from threads.services import pipeline, replaying

_OUTCOMES = "outcomes.json"
_PAUSE, _SWEEP = 0.5, 10.0


class Command(BaseCommand):
    """Process a mailbox in a service of its own, which sends nothing, and tell what differs from this one."""

    help = (
        "process a mailbox as if it arrived, in a data folder of its own, and compare with what is here: "
        "for trying policy and rules. Exit status: 0 the same, 1 something differs"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for a mailbox, and what is to be otherwise."""
        parser.add_argument(
            "source", help="as for manage.py import: mbox, maildir, clone of an epoch of a public-inbox"
        )
        parser.add_argument("--list", default="linux-mm", help="list on which the mails arrive (default: %(default)s)")
        for name, which in (("--since", "first"), ("--until", "one after the last")):
            parser.add_argument(name, type=_date, metavar="YYYY-MM-DD", help=f"the {which} day that counts, UTC")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting to try")
        parser.add_argument(
            "--into", type=Path, help="new data folder (default: replay-DATE in the one of the service)"
        )
        parser.add_argument("--here", action="store_true", help="process in this very service; nothing is compared")

    def work(self, **options: Any) -> int:  # noqa: ANN401
        """Replay here, or somewhere else and compare.

        :raises NotFoundError: when there is no such list.
        :raises OperatorError: when the other service cannot be set up, or the replay fails.
        """
        if options["here"]:
            self._replay(options)
            return 0
        into = options["into"] or settings.VAR / f"replay-{datetime.now(UTC):%Y%m%dT%H%M%S}"
        if into.exists():
            raise OperatorError(f"{into} is there already; name a folder that is not.")
        into.mkdir(parents=True, mode=0o700)
        values = self._beside(into.absolute()) | dict(one.partition("=")[::2] for one in options["set"])
        self._set_up(into, values)
        words = [options["source"], "--here", "--list", options["list"]]
        for name in ("since", "until"):
            words += [f"--{name}", f"{options[name]:%Y-%m-%d}"] if options[name] else []
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "replay", *words]
        if subprocess.run(command, env=os.environ | values, check=False).returncode:
            raise OperatorError(f"The replay failed; what there is of it is in {into}.")
        return self._compare(json.loads((into / _OUTCOMES).read_text("utf-8")), into)

    def _beside(self, into: Path) -> dict[str, str]:
        """Return the settings of the other service: the trees and builds of this one, and no way to anybody."""
        secrets = ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "IMAP_URL")
        return {
            "REVIEWBOT_VAR": str(into),
            "REVIEWBOT_STORE": str(settings.STORE),
            "REVIEWBOT_BUILDS": str(settings.BUILDS),
            "MAIL_POLICY": str(settings.MAIL_POLICY),
            "SENDING": "no",
            **{f"{name}{tail}": "" for name in secrets for tail in ("", "_FILE")},
        }

    def _set_up(self, into: Path, values: dict[str, str]) -> None:
        """Give the other service the lists, which nobody follows there, and the trees."""
        lists = list(models.MailingList.objects.all())
        for row in lists:
            row.epochs = row.cursor = ""
        known = into / "known.json"
        known.write_text(serializers.serialize("json", [*lists, *models.Tree.objects.all()]), "utf-8")
        for words in (("migrate", "--verbosity", "0"), ("loaddata", "--verbosity", "0", str(known))):
            status, said = wizard.run(values, *words)
            if status:
                raise OperatorError(f"The other service cannot be set up: {said[-500:]}")

    def _replay(self, options: dict[str, Any]) -> None:
        mailing_list = models.MailingList.objects.filter(name=options["list"]).first()
        if mailing_list is None:
            raise NotFoundError(f"There is no list named {options['list']}; see manage.py lists.")
        began = time.monotonic()
        with workers() as alive:
            count = replaying.arrive(options["source"], mailing_list, options["since"], options["until"])
            self.stdout.write(f"{count} mails arrived.")
            swept = time.monotonic()
            while replaying.under_way():
                alive()
                time.sleep(_PAUSE)
                if time.monotonic() - swept > _SWEEP:
                    swept = time.monotonic()
                    pipeline.sweep()
        found = replaying.outcomes()
        (settings.VAR / _OUTCOMES).write_text(json.dumps(found, indent=1), "utf-8")
        self.stdout.write(f"{len(found)} series were looked at in {time.monotonic() - began:.0f} s.")

    def _compare(self, there: dict[str, dict[str, Any]], into: Path) -> int:
        here = replaying.outcomes(there)
        both = [root for root in there if root in here]
        changed = [(root, [name for name in there[root] if there[root][name] != here[root][name]]) for root in both]
        differing = [(root, names) for root, names in changed if names]
        for root, names in differing:
            self.stdout.write(f"<{root}>")
            for name in names:
                self.stdout.write(f"  {name}: here {_short(here[root][name])}, there {_short(there[root][name])}")
        self.stdout.write(
            f"{len(both) - len(differing)} of {len(there)} series are as they are here, {len(differing)} differ,"
            f" {len(there) - len(both)} were not looked at here. Everything about them is in {into}."
        )
        return 1 if differing else 0


def _date(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return (text if len(text) <= 200 else f"{text[:200]} …") or "nothing"
