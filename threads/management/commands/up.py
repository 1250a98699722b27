"""``manage.py up``: web, worker and scheduler in one terminal."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviewbot.embedded import Stack, broker_answers, running
from reviewbot.errors import ReviewError
from threads.services import pipeline


class Command(BaseCommand):
    """Start everything that one machine needs, until Ctrl-C."""

    help = "start web, worker and scheduler in this terminal; Ctrl-C stops them"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be chosen."""
        parser.add_argument("--bind", default="127.0.0.1:8000", help="address of the web server (default: %(default)s)")
        parser.add_argument("--workers", type=int, default=2, help="worker processes (default: %(default)s)")

    def handle(self, **options: Any) -> None:  # noqa: ANN401
        """Run until it is told to stop, or until one of the processes ends by itself again and again."""
        with running(Stack()) as stack:
            try:
                self._start(stack, options["bind"], options["workers"])
                while True:
                    stack.check()
                    time.sleep(0.5)
            except KeyboardInterrupt:
                self.stdout.write("\nStopping …")
            except ReviewError as error:
                raise CommandError(str(error), returncode=3) from error
        self.stdout.write("Stopped.")

    def _start(self, stack: Stack, bind: str, workers: int) -> None:
        if not stack.take():
            raise CommandError(f"Another terminal already serves {settings.VAR}; stop it first.", returncode=3)
        stack.start_broker()
        broker_answers()
        if not settings.REDIS_URL:
            pipeline.forget_leases()
        stack.start_workers(workers)
        stack.start_scheduler()
        stack.start_web(bind)
        self.stdout.write(f"Dashboard:  http://{bind}/\nLogs:       {stack.logs}\nCtrl-C stops everything.")
