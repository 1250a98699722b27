"""Measure the builds on a real kernel: their speed next to make by hand, and what they say of real series."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.build import corpus, everywhere, speed

NEIGHBOUR = Path(__file__).resolve().parents[3] / "shared" / "corpus"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one measurement and return its exit status: 0 as wanted, 1 not."""
    parser = argparse.ArgumentParser(prog="benchmarks/build/run", description=__doc__)
    parts = parser.add_subparsers(required=True, metavar="PART")
    one = parts.add_parser("speed", help="one file, nine patches, a header; warm, by hand, from nothing, from the mail")
    one.add_argument("--rounds", type=int, default=2, help="how often the warm builds and those by hand take turns")
    one.add_argument("--only", action="append", default=[], choices=[*speed.CASES, "mail"], help="may be repeated")
    one.set_defaults(run=lambda options: speed.run(options.tree, options.work, options.rounds, options.only))
    two = parts.add_parser("corpus", help="every real series that applies, built patch by patch; goes on where it was")
    two.add_argument("--corpus", type=Path, default=NEIGHBOUR, metavar="DIR")
    two.set_defaults(run=lambda options: corpus.run(options.corpus, options.tree, options.work))
    three = parts.add_parser("everywhere", help="one object in each configuration and architecture")
    three.set_defaults(run=lambda options: everywhere.run(options.tree, options.work))
    for part in (one, two, three):
        part.add_argument("tree", metavar="TREE", help="a kernel: directory, tar archive, or REPOSITORY@REVISION")
        part.add_argument("--work", required=True, type=Path, metavar="DIR", help="for stores, sources, outputs; 10 GB")
    options = parser.parse_args(arguments)
    return int(options.run(options))


if __name__ == "__main__":
    sys.exit(main())
