"""What the commands share: errors become their sentence and exit status, and an embedded queue is at hand."""

from __future__ import annotations

import contextlib
import re
import sys
import traceback
from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from reviewbot.errors import ReviewError

#: exit status for a command line that makes no sense, sysexits.h; 1 and 2 have a meaning of their own here
EX_USAGE = 64

_NOT_MIGRATED = re.compile(r"no such (?:table|column)|(?:relation|column) .* does not exist")


class _Parser(CommandParser):
    """A parser that ends with EX_USAGE."""

    def error(self, message: str) -> NoReturn:
        ArgumentParser.print_usage(self, sys.stderr)
        self.exit(EX_USAGE, f"{self.prog}: {message}\n")


class Command(BaseCommand, ABC):
    """A command whose errors are sentences."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:  # noqa: ANN401
        """Return a parser with the exit status of our own."""
        parser = _Parser(prog=f"{prog_name} {subcommand}", description=self.help or None, **kwargs)
        self.add_base_argument(parser, "--traceback", action="store_true", help="show where an error comes from")
        for name in ("--settings", "--pythonpath"):
            self.add_base_argument(parser, name, help="as for every Django command")
        for flag in ("--no-color", "--force-color", "--skip-checks"):
            self.add_base_argument(parser, flag, action="store_true", help="as for every Django command")
        self.add_base_argument(parser, "-v", "--verbosity", default=1, type=int, choices=[0, 1, 2, 3], help="0 to 3")
        self.add_arguments(parser)
        return parser

    def handle(self, **options: Any) -> None:  # noqa: ANN401
        """Run, and turn an error into its sentence and exit status."""
        try:
            status = self.work(**options)
        except ReviewError as error:
            if options.get("traceback"):
                raise
            self.stderr.write(f"{error}")
            raise SystemExit(error.exit_status) from error
        except KeyboardInterrupt:
            self.stderr.write("Interrupted; what was done is kept, the same command goes on from there.")
            raise SystemExit(130) from None
        except Exception as error:  # Python's own status for this is 1, which says "findings" here
            if options.get("traceback"):
                self.stderr.write(traceback.format_exc())
            hint = " Is it up to date? manage.py migrate makes it so." if _NOT_MIGRATED.search(str(error)) else ""
            self.stderr.write(
                f"This failed on our side ({type(error).__name__}: {error}).{hint} --traceback shows where."
            )
            raise SystemExit(ReviewError.exit_status) from error
        if status:
            raise SystemExit(status)

    @abstractmethod
    def work(self, **options: Any) -> int | None:  # noqa: ANN401
        """Do what the command is for; return the exit status."""


@contextlib.contextmanager
def workers() -> Iterator[Callable[[], None]]:
    """Have workers for a while, and yield what raises when they are gone.

    With a shared queue its workers are used, and those of another terminal's
    stack for as long as it stands; else a private stack is started and stopped
    at the end.
    """
    # A tenth of a second to load, which a command without workers need not spend.
    from reviewbot.embedded import Stack, broker_answers, running
    from threads.services import pipeline

    stack = Stack()
    if settings.REDIS_URL:
        broker_answers()
        yield lambda: None
        return

    def alive() -> None:
        if stack.processes:
            stack.check()
        elif stack.take():
            stack.start_broker()
            pipeline.forget_leases()
            stack.start_workers()

    with running(stack):
        alive()
        if not stack.processes:
            broker_answers()
        yield alive
