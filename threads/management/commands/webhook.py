"""``manage.py webhook``: addresses that are told what happens."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count, Q

from reviewbot.reports.facts import State
from threads.management.base import Command as BaseCommand
from threads.models import Webhook
from threads.services import webhooks


class Command(BaseCommand):
    """Add, list and remove addresses."""

    help = "add, list and remove addresses that are told what happens; the key of the signatures is shown once"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be asked for."""
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="tell an address from now on; prints the key of the signatures")
        add.add_argument("name")
        add.add_argument("url")
        add.add_argument("--list", default="", help="only what is on this mailing list")
        remove = actions.add_parser("remove", help="tell an address no more")
        remove.add_argument("name")
        actions.add_parser("list", help="show the addresses and how they do")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Do it."""
        if options["action"] == "add":
            self.stdout.write(webhooks.add(options["name"], options["url"], options["list"]).secret)
        elif options["action"] == "remove":
            webhooks.remove(options["name"])
        else:
            waiting = Count("calls", filter=Q(calls__state=State.NOT_RUN))
            given_up = Count("calls", filter=Q(calls__state=State.FAILED))
            for row in Webhook.objects.annotate(waiting=waiting, given_up=given_up).order_by("name"):
                how = f"failing since {row.failing_since:%Y-%m-%d %H:%M} UTC" if row.failing_since else "well"
                self.stdout.write(f"{row.name}\t{row.url}\t{row.waiting} wait, {row.given_up} given up\t{how}")
