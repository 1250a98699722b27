"""Measure how findings are recognised in other versions, and what a thread is taken to say about them.

    benchmarks/findings/run carry  [--corpus DIR] [--tree DIR]
    benchmarks/findings/run raised [--corpus DIR] [--list]

Exit status: 0 as wanted, 1 not, 3 when the corpus is not there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.findings import carry, raised
from benchmarks.series.__main__ import CORPUS, mails
from reviewbot.mail.parse import parse_message
from reviewbot.series.assemble import assemble
from reviewbot.series.model import Series
from reviewbot.series.topics import link_versions


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one measurement and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["carry", "raised"])
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--tree", type=Path, metavar="DIR", help="an unpacked kernel, for made-up rebases")
    parser.add_argument("--files", type=int, default=60, help="of that kernel; default %(default)s")
    parser.add_argument("--misses", type=int, default=10, help="that are printed; default %(default)s")
    parser.add_argument("--list", action="store_true", help="print every claim with its mark and the words")
    options = parser.parse_args(arguments)
    bundle = options.corpus / "linux-arch-sample.bundle"
    if not bundle.exists():
        print(f"There is no {bundle}.", file=sys.stderr)
        return 3
    messages = [*mails(bundle), *(path.read_bytes() for path in sorted((options.corpus / "seed-thread").glob("*.eml")))]
    series = [one for one in link_versions(assemble([parse_message(raw) for raw in messages])) if one.patches]
    if options.part == "raised":
        return raised.run(series, show=options.list)
    return _carry(series, options.tree, options.files, options.misses)


def _carry(series: Sequence[Series], tree: Path | None, files: int, misses: int) -> int:
    tally, pairs = carry.of_versions(series)
    fine = carry.show(f"{pairs} pairs of real versions", tally, misses)
    if tree:
        for name, one in carry.through_rebases(tree, files, seed=1).items():
            fine = carry.show(name, one, misses) and fine
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
