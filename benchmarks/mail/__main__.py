"""Measure sending: killed at random, through a simulated month, and through Postfix to those who read mails."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one measurement and return its exit status: 0 as wanted, 1 not."""
    parser = argparse.ArgumentParser(prog="benchmarks/mail/run", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parts = parser.add_subparsers(required=True, dest="part", metavar="PART")
    kills = parts.add_parser("kills", help="a sender that is killed at random: nothing twice, nothing lost")
    kills.add_argument("--times", type=int, default=200)
    kills.add_argument("--mails", type=int, default=100)
    month = parts.add_parser("month", help="a month of series through policy and limits, with a clock of its own")
    month.add_argument("--series", type=int, default=10_000)
    parts.add_parser("postfix", help="mails through a Postfix of our own into a maildir: byte for byte (needs root)")
    readers = parts.add_parser("readers", help="what public-inbox, mutt, b4 and Patchwork make of it (needs root)")
    readers.add_argument("--patchwork", type=Path, help="a checkout of Patchwork, with its environment in .venv")
    parts.add_parser("imap", help="the mailbox that people write to, on a Dovecot of our own (needs root)")
    parts.add_parser("lmtp", help="mails that a Postfix of our own hands on to us by LMTP (needs root)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reviewbot-mail-") as work:
        _set_up(Path(work))
        return _run(options, Path(work))


def _set_up(work: Path) -> None:
    """Wire the project to a database of its own."""
    os.environ |= {"REVIEWBOT_TEST_VAR": str(work), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _run(options: argparse.Namespace, work: Path) -> int:
    if options.part == "kills":
        from benchmarks.mail import kills

        return kills.run(work, options.times, options.mails, options.seed)
    if options.part == "month":
        from benchmarks.mail import month

        return month.run(options.series, options.seed)
    if options.part == "readers":
        from benchmarks.mail import readers

        return readers.run(work, options.patchwork)
    if options.part == "imap":
        from benchmarks.mail import imap

        return imap.run(work)
    if options.part == "lmtp":
        from benchmarks.mail import lmtp

        return lmtp.run(work)
    from benchmarks.mail import postfix

    return postfix.run(work)


if __name__ == "__main__":
    sys.exit(main())
