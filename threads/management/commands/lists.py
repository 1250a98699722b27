"""``manage.py lists``: the mailing lists that are followed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count

from threads import models
from threads.management.base import Command as BaseCommand
from threads.services import lists


class Command(BaseCommand):
    """Show, follow and forget lists."""

    help = "show the mailing lists, follow one, or follow it no longer"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be done."""
        actions = parser.add_subparsers(dest="action")
        actions.add_parser("show", help="show the lists (the default)")
        follow = actions.add_parser("follow", help="follow a list: its new mails are read, its series reviewed")
        follow.add_argument("name", help="one of the known lists, or a new one with --address")
        follow.add_argument("source", nargs="?", default="", help="URL or folder of its public-inbox")
        follow.add_argument("--address", default="", help="where one posts, for a new list")
        forget = actions.add_parser("forget", help="follow a list no longer; its mails stay")
        forget.add_argument("name")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Do it."""
        getattr(self, f"_{options['action'] or 'show'}")(options)

    def _show(self, options: dict[str, Any]) -> None:
        rows = models.MailingList.objects.annotate(mails=Count("messages")).order_by("name")
        width = max((len(row.name) for row in rows), default=0)
        for row in rows:
            how = f"follows {row.epochs}" if row.epochs else "not followed"
            seen = f", newest {row.seen_at:%Y-%m-%d %H:%M}" if row.seen_at else ""
            self.stdout.write(f"{row.name:{width}}  {row.mails:>7} mails{seen}  {how}")

    def _follow(self, options: dict[str, Any]) -> None:
        row = lists.follow(options["name"], options["source"], options["address"])
        self.stdout.write(f"{row.name}: follows {row.epochs} from now on; the service reads it every few minutes.")
        self.stdout.write(f"What is older is taken in by: manage.py import SOURCE --list {row.name}")

    def _forget(self, options: dict[str, Any]) -> None:
        lists.forget(options["name"])
        self.stdout.write(f"{options['name']}: followed no longer.")
