"""Measure pages and answers of the server on many invented series."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write rows where there are none yet, ask for each kind of page, and return 0 when each is as wanted."""
    parser = argparse.ArgumentParser(prog="benchmarks/pages/run", description=__doc__)
    parser.add_argument("--work", required=True, type=Path, metavar="DIR", help="for the database; kept for a repeat")
    parser.add_argument("--series", type=int, default=100_000, help="ten mails each; default %(default)s")
    parser.add_argument("--times", type=int, default=100, help="each page; default %(default)s")
    parser.add_argument("--only", default="", metavar="WORDS", help="pages with these words in their names")
    parser.add_argument("--database", default="", metavar="URL", help="an empty PostgreSQL database; default: SQLite")
    parser.add_argument(
        "--patchwork", nargs=2, type=Path, metavar=("DIR", "FILE"),
        help="measure its list in the same run: a checkout with its requirements in DIR/.venv, and its SQLite database",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    os.environ |= {
        "REVIEWBOT_VAR": str(options.work / "var"),
        "DATABASE_URL": options.database,
        "DJANGO_SETTINGS_MODULE": "reviewbot.settings",
    }
    subprocess.run([sys.executable, str(ROOT / "manage.py"), "migrate", "-v0"], check=True)
    import django

    django.setup()
    _write(options.series)
    failed = _measure(options.series, options.times, options.only)
    if options.patchwork:
        _beside(*options.patchwork, options.times)
    return failed


def _write(series: int) -> None:
    from benchmarks.pages import rows
    from threads import models

    if models.Series.objects.exists():
        return
    rows.quick()
    start = time.monotonic()
    for count in rows.Writer().write(series):
        if not count % 5000 or count == series:
            print(f"{count} series, {count * rows.MAILS} mails, {time.monotonic() - start:.0f} s", flush=True)
    rows.settle()


def _measure(series: int, times: int, only: str) -> int:
    from benchmarks.pages import measure

    failed = 0
    print(f"{'page':26} {'p50 ms':>8} {'p95 ms':>8} {'own ms':>8} {'bytes':>8} {'queries':>8}")
    for name, choose in measure.pages(series).items():
        if only in name:
            cost = measure.measure(choose, times)
            failed += not cost.wanted
            note = "" if cost.wanted else "  more than wanted"
            print(
                f"{name:26} {cost.middle:8.1f} {cost.high:8.1f} {cost.own:8.1f} {cost.size:8} {cost.queries:8}{note}",
                flush=True,
            )
    return int(failed > 0)


def _beside(checkout: Path, database: Path, times: int) -> None:
    from benchmarks.pages import measure, patchwork

    ours = measure.measure(measure.pages(1)["list"], times)
    theirs = patchwork.measure(checkout, database, times)
    print(
        f"{f'Patchwork, {theirs.patches} patches':26} {theirs.middle:8.1f} {theirs.high:8.1f} {theirs.own:8.1f} "
        f"{theirs.size:8} {theirs.queries:8}"
    )
    print(
        f"{'our list beside it':26} {ours.middle:8.1f} {ours.high:8.1f} {ours.own:8.1f} {ours.size:8} {ours.queries:8}"
    )
    print(
        f"{theirs.own / ours.own:.1f} times the processor time of ours, {theirs.middle / ours.middle:.1f} by the clock"
    )


if __name__ == "__main__":
    sys.exit(main())
