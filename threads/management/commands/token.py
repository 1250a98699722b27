"""``manage.py token``: tokens of the API."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from threads.management.base import Command as BaseCommand
from threads.models import Token
from threads.services import tokens


class Command(BaseCommand):
    """Make, list and revoke tokens."""

    help = "make, list and revoke tokens of the API; one is shown once, when it is made"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be asked for."""
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a token and print it")
        create.add_argument("name", help="small letters, digits and dashes; also the name that its doings stand under")
        scopes = "; ".join(f"{name}: {what}" for name, what in tokens.SCOPES.items())
        create.add_argument("--scope", required=True, help=f"words between commas. {scopes}")
        revoke = actions.add_parser("revoke", help="let one open nothing any more")
        revoke.add_argument("name")
        actions.add_parser("list", help="show the tokens, without what is secret")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Do it."""
        if options["action"] == "create":
            scopes = [scope.strip() for scope in options["scope"].split(",") if scope.strip()]
            self.stdout.write(tokens.create(options["name"], scopes))
        elif options["action"] == "revoke":
            tokens.revoke(options["name"])
        else:
            for row in Token.objects.order_by("name"):
                until = (
                    f"revoked {row.revoked_at:%Y-%m-%d}" if row.revoked_at else f"last used {row.used_on or 'never'}"
                )
                self.stdout.write(f"{row.name}\t{row.scopes}\t{until}")
