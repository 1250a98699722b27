"""Measure applying: its speed against git am, its trees, and its outcomes on real series."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.apply import corpus, differ, kills, messages, speed

NEIGHBOUR = Path(__file__).resolve().parents[3] / "shared" / "corpus"


def _tree(text: str) -> tuple[str, str]:
    name, equals, where = text.partition("=")
    if not (name and equals and where):
        raise argparse.ArgumentTypeError(f"{text} is not NAME=PLACE")
    return name, where


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one measurement and return its exit status: 0 as wanted, 1 not."""
    parser = argparse.ArgumentParser(prog="benchmarks/apply/run", description=__doc__)
    parts = parser.add_subparsers(required=True, metavar="PART")
    one = parts.add_parser(
        "speed", help="nine patches on one tree: on objects, by git am in a warm checkout, in a new one"
    )
    one.add_argument(
        "tree", metavar="SOURCE", help="a kernel tree: directory or tar archive, e.g. linux-source-6.12.tar.xz"
    )
    one.add_argument("--work", required=True, type=Path, metavar="DIR", help="for the store and the checkouts; 3 GB")
    one.add_argument("--rounds", type=int, default=5)
    one.set_defaults(run=lambda options: speed.run(options.tree, options.work, options.rounds))
    for name, run, text in (
        ("outcomes", corpus.outcomes, "whether each series applies, against what is known of it"),
        ("identity", corpus.identity, "the resulting trees against those of git am -3"),
        ("messages", messages.run, "the resulting commits against those of b4 am and git am -3"),
        ("bases", corpus.bases, "the base that is chosen for each series"),
    ):
        part = parts.add_parser(name, help=text)
        part.add_argument("--tree", required=True, action="append", type=_tree, metavar="NAME=PLACE",
                          help="5.0, 6.1, 6.12 or 6.14, and its directory, archive or REPOSITORY@REVISION")  # fmt: skip
        part.add_argument("--work", required=True, type=Path, metavar="DIR", help="for the stores")
        part.add_argument("--corpus", type=Path, default=NEIGHBOUR, metavar="DIR")
        part.set_defaults(run=lambda options, run=run: run(options.corpus, options.work, dict(options.tree)))
    other = parts.add_parser("differ", help="invented series, damaged as mail damages them, against git am -3")
    other.add_argument("--first", type=int, default=0, metavar="SEED")
    other.add_argument("--count", type=int, default=1000)
    other.set_defaults(run=lambda options: differ.run(options.first, options.count))
    last = parts.add_parser("kills", help="kill it at random points, and look at what it leaves")
    last.add_argument("--work", required=True, type=Path, metavar="DIR")
    last.add_argument("--times", type=int, default=100)
    last.set_defaults(run=lambda options: kills.run(options.work, options.times))
    options = parser.parse_args(arguments)
    return int(options.run(options))


if __name__ == "__main__":
    sys.exit(main())
