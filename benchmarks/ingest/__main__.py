"""Measure taking mails in: against Patchwork's parsearchive, as the database grows, and killed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ingest import compare, growth, kills


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one measurement and return its exit status: 0 as wanted, 1 not."""
    parser = argparse.ArgumentParser(prog="benchmarks/ingest/run", description=__doc__)
    parts = parser.add_subparsers(required=True, metavar="PART")
    one = parts.add_parser("compare", help="one mailbox by manage.py import and by Patchwork, one after the other")
    one.add_argument("mbox", type=Path)
    one.add_argument("--work", required=True, type=Path, metavar="DIR", help="for the databases; emptied")
    one.add_argument(
        "--patchwork", type=Path, metavar="DIR",
        help="a checkout of https://github.com/getpatchwork/patchwork with its requirements-test.txt and Django "
        "installed in DIR/.venv; without it only our side is measured",
    )  # fmt: skip
    one.add_argument("--list-id", default="linux-arch.vger.kernel.org", help="of the mails, for Patchwork's project")
    one.set_defaults(run=lambda options: compare.run(options.mbox, options.work, options.patchwork, options.list_id))
    other = parts.add_parser("growth", help="the same mails over and over, as if by others: cost per mail, and memory")
    other.add_argument("mbox", type=Path)
    other.add_argument("--work", required=True, type=Path, metavar="DIR", help="for the database; emptied")
    other.add_argument("--times", type=int, default=13)
    other.set_defaults(run=lambda options: growth.run(options.mbox, options.work, options.times))
    third = parts.add_parser("kills", help="a follower that is killed at random: every mail of the epochs, and once")
    third.add_argument("mbox", type=Path)
    third.add_argument("--work", required=True, type=Path, metavar="DIR", help="for the epochs and the database")
    third.add_argument("--times", type=int, default=50)
    third.add_argument("--seed", type=int, default=1)
    third.set_defaults(run=lambda options: kills.run(options.mbox, options.work, options.times, options.seed))
    options = parser.parse_args(arguments)
    return int(options.run(options))


if __name__ == "__main__":
    sys.exit(main())
