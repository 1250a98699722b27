"""Measure the API."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one measurement and return its exit status: 0 as wanted, 1 not."""
    parser = argparse.ArgumentParser(prog="benchmarks/api/run", description=__doc__)
    parts = parser.add_subparsers(required=True, metavar="PART")
    speed = parts.add_parser("speed", help="time and queries with many invented series")
    speed.add_argument("--work", required=True, type=Path, metavar="DIR", help="for the database; emptied, or kept")
    speed.add_argument("--series", type=int, default=100_000)
    speed.add_argument("--times", type=int, default=200, help="requests of each kind")
    speed.add_argument("--keep", action="store_true", help="use the database that is there")
    speed.add_argument("--patchwork", type=Path, metavar="DIR", help="a checkout of Patchwork, measured beside it")
    speed.add_argument(
        "--python", type=Path, metavar="FILE", help="with Patchwork's requirements; DIR/.venv/bin/python"
    )
    speed.set_defaults(run=_speed)
    fuzz = parts.add_parser("fuzz", help="schemathesis over the API on a few invented series")
    fuzz.add_argument("--work", required=True, type=Path, metavar="DIR", help="for the database; emptied")
    fuzz.add_argument("--examples", type=int, default=300, help="requests that are tried of each operation")
    fuzz.set_defaults(run=_fuzz)
    schema = parts.add_parser("schema", help="our answers against Patchwork's published schema, and SARIF's")
    schema.add_argument("--work", required=True, type=Path, metavar="DIR", help="for the database; emptied")
    schema.add_argument("--patchwork", type=Path, metavar="DIR", help="docs/api/schemas of Patchwork")
    schema.add_argument("--sarif", type=Path, metavar="FILE", help="sarif-schema-2.1.0.json")
    schema.set_defaults(run=_schema)
    options = parser.parse_args(arguments)
    return int(options.run(options))


def _django(work: Path, *, keep: bool = False) -> None:
    """Set Django up on a database of its own in a folder."""
    if not keep:
        shutil.rmtree(work, ignore_errors=True)
    os.environ |= {"REVIEWBOT_VAR": str(work.absolute()), "DATABASE_URL": "", "ALLOWED_HOSTS": "*",
                   "API_READS": "100000000", "API_WRITES": "100000000", "OPEN_SUBMISSIONS": "0",
                   "DJANGO_SETTINGS_MODULE": "reviewbot.settings"}  # fmt: skip
    import django
    from django.core.management import call_command

    django.setup()
    if not keep:
        call_command("migrate", verbosity=0)


def _speed(options: argparse.Namespace) -> int:
    _django(options.work, keep=options.keep)
    from django.db import connection

    from benchmarks.api import data, speed

    if not options.keep:
        data.fill(options.series)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    checkout = options.patchwork
    theirs = (checkout, options.python or checkout / ".venv/bin/python", options.work / "patchwork")
    return 0 if speed.measure(options.series, options.times, theirs if checkout else None) else 1


def _fuzz(options: argparse.Namespace) -> int:
    _django(options.work)
    from benchmarks.api import data, fuzz

    data.fill(50)
    return 0 if fuzz.run(options.examples, data.root(7)) else 1


def _schema(options: argparse.Namespace) -> int:
    _django(options.work)
    from benchmarks.api import data, schema

    data.fill(50)
    return 0 if schema.run(options.patchwork, options.sarif) else 1


if __name__ == "__main__":
    sys.exit(main())
