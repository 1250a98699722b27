"""``manage.py init``: from nothing to a service that follows a list, by a few questions."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from reviewbot.environment import file_of_settings, read_file
from reviewbot.errors import OperatorError
from threads.management import wizard
from threads.management.base import Command as BaseCommand

_PASSWORD = "DJANGO_SUPERUSER_PASSWORD"  # noqa: S105 - the name of a variable


class Command(BaseCommand):
    """Ask, keep the answers, and do what they ask for; doing it again changes what is answered otherwise."""

    help = "set the service up: settings, database, an account, a list, a tree; can be run again at any time"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer every answer as an option."""
        parser.add_argument("--noinput", action="store_true", help="ask nothing; take the options and the defaults")
        parser.add_argument("--file", type=Path, help="file of the settings (default: .env beside manage.py)")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any setting")
        parser.add_argument(
            "--account", default="operator", help="account that may do everything (default: %(default)s)"
        )
        parser.add_argument("--list", default="linux-mm", help="list to follow, NAME or NAME=SOURCE; - for none")
        parser.add_argument("--tree", default="mm-unstable", help="kernel tree, NAME or NAME=SOURCE; - for none")

    def work(self, **options: Any) -> int:  # noqa: ANN401
        """Go through it; what cannot be done is said and keeps nothing else from being done.

        :raises OperatorError: when there is no database to go on with.
        """
        path = (options["file"] or file_of_settings()).expanduser().absolute()
        values = self._settings(path, options)
        wizard.keep(path, values)
        self.stdout.write(f"{path}: the settings; only you can read them.")
        values |= {"REVIEWBOT_ENVIRONMENT": str(path)}
        status, said = wizard.run(values, "migrate", "--verbosity", "0")
        if status:
            raise OperatorError(f"The database cannot be used: {said.splitlines()[-1] if said else 'it says nothing'}")
        self.stdout.write("The database is up to date.")
        failed = self._account(values, options)
        for command, answer in (("lists follow", options["list"]), ("tree add", options["tree"])):
            what = answer if options["noinput"] else self._ask(f"{command.title()} (- for none)", answer)
            if what not in ("-", ""):
                failed |= self._do(values, *command.split(), *what.split("=", 1))
        self.stdout.write("The doctor says:")
        self.stdout.write(wizard.run(values, "doctor")[1])
        named = "" if path == file_of_settings() else f"export REVIEWBOT_ENVIRONMENT={path}; "
        self.stdout.write(f"{named}manage.py up starts everything on this machine.")
        return 1 if failed else 0

    def _settings(self, path: Path, options: dict[str, Any]) -> dict[str, str]:
        known = {**read_file(path), **{k: v for k, v in os.environ.items() if v}}
        given = dict(one.partition("=")[::2] for one in options["set"])
        values = {}
        for question in wizard.questions(known | given):
            asked = not options["noinput"] and question.name not in given
            values[question.name] = self._ask(question.words, question.default) if asked else question.default
        return {**({} if "ALLOWED_HOSTS" in known else wizard.derived(values)), **values, **given}

    def _ask(self, words: str, default: str) -> str:
        return input(f"{words} [{default}]: ").strip() or default

    def _account(self, values: dict[str, str], options: dict[str, Any]) -> bool:
        name = options["account"] if options["noinput"] else self._ask("Name of your account", options["account"])
        secret = os.environ.get(_PASSWORD, "")
        if not secret and not options["noinput"]:
            secret = getpass.getpass(f"Password of {name} (empty: set it later): ")
        status, said = wizard.run(
            values | ({_PASSWORD: secret} if secret else {}),
            "createsuperuser", "--noinput", "--username", name, "--email", f"{name}@localhost",
        )  # fmt: skip
        if "already taken" in said:
            self.stdout.write(f"The account {name} is there already, and stays as it is.")
            return False
        later = "" if secret else f"; manage.py changepassword {name} gives it a password"
        self.stdout.write(said if status else f"The account {name} may do everything{later}.")
        return bool(status)

    def _do(self, values: dict[str, str], *arguments: str) -> bool:
        status, said = wizard.run(values, *arguments)
        self.stdout.write(said)
        if status:
            self.stdout.write(f"Later: manage.py {' '.join(arguments)}")
        return bool(status)
