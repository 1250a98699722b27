"""``manage.py worker``: take work from queues, those that this machine is able to serve."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from reviewbot import capabilities, sandbox
from reviewbot.builds import toolchains
from reviewbot.embedded import broker_answers
from reviewbot.errors import OperatorError, ReviewError
from threads.management.base import Command as BaseCommand
from threads.selectors import health
from threads.services import doctor


class Command(BaseCommand):
    """Become a worker of Celery."""

    help = "take work from queues: from all that this machine is able to serve, or from those that are named"

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for queues and how many processes; ``--join`` is for a machine that is new."""
        parser.add_argument("queues", nargs="*", metavar="QUEUE", help=f"of {', '.join(settings.QUEUES)}")
        parser.add_argument("-c", "--concurrency", type=int, default=2, help="processes (default: %(default)s)")
        parser.add_argument("--name", default="celery", help="name of the worker before its host's, unique there")
        parser.add_argument(
            "--join", action="store_true", help="first read the trees that the store here does not have"
        )

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Look whether the machine is ready, say what it can do, and give way to Celery.

        :raises OperatorError: when there is no such queue, or nothing that it could do.
        """
        if unknown := set(options["queues"]) - set(settings.QUEUES):
            raise OperatorError(
                f"No queue is called {', '.join(sorted(unknown))}; there are {', '.join(settings.QUEUES)}."
            )
        broker_answers()
        if options["join"]:
            self._join()
        queues = list(capabilities.expand(options["queues"] or self._able()))
        self.stdout.write(f"Takes work of {', '.join(queues)}.")
        self.stdout.flush()
        command = [
            sys.executable, "-m", "celery", "--quiet", "-A", "reviewbot", "worker", "-Q", ",".join(queues),
            "-c", str(options["concurrency"]), "--hostname", f"{options['name']}@%h",
            "--without-gossip", "--without-mingle",
        ]  # fmt: skip
        os.execv(sys.executable, command)  # noqa: S606 - there is no shell in it

    def _able(self) -> Iterator[str]:
        """Yield the queues that this machine is able to serve; say why not the others."""
        for queue in settings.QUEUES:
            try:
                if queue == capabilities.BUILD:
                    sandbox.require()
                    toolchains.find()
            except ReviewError as error:
                self.stdout.write(f"Takes no builds: {error}")
            else:
                yield queue

    def _join(self) -> None:
        """Bring the store of a new machine to what the database knows.

        :raises OperatorError: when the database does not fit this program, which is the same on all machines.
        """
        for problem in health.problems():
            if problem.blocks:
                raise OperatorError(problem.words)
        for ailment in doctor.store(thorough=False):
            self.stdout.write(ailment.words)
            if ailment.mend is not None:
                ailment.mend()
