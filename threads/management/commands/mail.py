"""``manage.py mail``: the outbox from a terminal."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import CommandParser

from reviewbot.errors import NotFoundError
from threads import models
from threads.management.base import Command as BaseCommand
from threads.selectors import outbox as selectors
from threads.services import outbox, sending

#: mails that are listed without being asked for a stage: those that something will become of
_OPEN = ("draft", "waiting", "approved", "sending", "unclear", "refused")


class Command(BaseCommand):
    """Show, approve, reject and send mails; stop them all."""

    help = "show, approve, reject and send the mails of the outbox, or stop them all"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be done."""
        parser.add_argument("--by", default=getpass.getuser(), help="who decides, for the log (default: %(default)s)")
        actions = parser.add_subparsers(dest="action", required=True)
        listed = actions.add_parser("list", help="list what is open, or one stage")
        listed.add_argument("stage", nargs="?", choices=models.Delivery.Stage.values)
        for name, words in (("show", "write a mail as it would leave"), ("approve", "let a mail go that waits")):
            actions.add_parser(name, help=words).add_argument("number", type=int)
        reject = actions.add_parser("reject", help="keep a mail that waits, with the reason")
        reject.add_argument("number", type=int)
        reject.add_argument("why")
        actions.add_parser("send", help="send what is approved and due, now")
        actions.add_parser("stop", help="let no mail go out any more").add_argument("why")
        actions.add_parser("start", help="lift every stop")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Do it."""
        getattr(self, f"_{options['action']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        if stop := selectors.standing_stop():
            self.stdout.write(f"No mail goes out since {stop.at:%Y-%m-%d %H:%M} ({stop.by}): {stop.why}")
        stages = [options["stage"]] if options["stage"] else _OPEN
        rows = models.Delivery.objects.filter(stage__in=stages).order_by("pk")
        if not rows:
            self.stdout.write(
                f"There is no mail that is {options['stage']}." if options["stage"] else "Nothing is open."
            )
        for row in rows:
            self.stdout.write(f"{row.pk:>6}  {row.stage:9}  {row.subject}\n{'':19}{row.reason}")

    def _show(self, options: dict[str, Any]) -> None:
        row = selectors.mail(options["number"])
        if row is None:
            raise NotFoundError(f"There is no mail {options['number']}; see manage.py mail list.")
        self.stderr.write(f"{row.get_stage_display()}: {row.reason} To {', '.join(row.recipients)}.")
        self.stdout.write(bytes(row.raw).decode("utf-8", "replace"), ending="")

    def _approve(self, options: dict[str, Any]) -> None:
        outbox.approve(options["number"], options["by"])

    def _reject(self, options: dict[str, Any]) -> None:
        outbox.reject(options["number"], options["by"], options["why"])

    def _send(self, options: dict[str, Any]) -> None:
        taken = sending.send_due()
        self.stdout.write(f"The server took {taken}." if taken else "Nothing was sent; mail list says why.")

    def _stop(self, options: dict[str, Any]) -> None:
        outbox.stop(options["by"], options["why"])

    def _start(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"Stops that were lifted: {outbox.lift(options['by'])}.")
