"""``python -m reviewbot.series FILE ...``: what series are in these mailboxes."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterable, Sequence

from reviewbot.errors import ReviewError
from reviewbot.lore.mbox import read_mailbox
from reviewbot.mail.parse import parse_message
from reviewbot.series.assemble import assemble
from reviewbot.series.model import Series
from reviewbot.series.rangediff import RangeDiff, range_diff
from reviewbot.series.show import as_dict, as_text, changes_as_list, talk_as_dict
from reviewbot.series.talk import talk_of
from reviewbot.series.topics import link_versions

_FILE = "mbox or mboxrd, plain or gzipped; a maildir; one mail; a clone or bundle of an archive; - for standard input"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the series of mailboxes; return 0, or 2 when one cannot be read."""
    options = _parser().parse_args(arguments)
    try:
        messages = [parse_message(raw) for name in options.file for raw in read_mailbox(name)]
    except ReviewError as error:
        print(f"python -m reviewbot.series: {error}", file=sys.stderr)
        return 2
    series = link_versions(assemble(messages))
    if options.format == "json":
        _print_json(series)
    else:
        _print_text(series, by_line=options.range_diff)
        if not series:
            print(f"No series among {len(messages)} mails.")
    return 0


def _print_json(series: Sequence[Series]) -> None:
    versions = _Versions(series)
    entries = [
        {**as_dict(one), "changes": changes_as_list(versions.since_previous(one)), **talk_as_dict(talk_of(one))}
        for one in series
        if one.patches
    ]
    json.dump(entries, sys.stdout, indent=1)
    print()


def _print_text(series: Sequence[Series], *, by_line: bool) -> None:
    versions = _Versions(series)
    apart = ""
    for one in sorted(series, key=lambda one: not one.patches):  # covers alone come last
        note = "" if one.patches else "A cover letter whose patches are not here: "
        difference = versions.since_previous(one)
        print(f"{apart}{note}{as_text(one, talk=talk_of(one), difference=difference, by_line=by_line)}")
        apart = "\n"


class _Versions:
    """The series by what ``previous`` names them."""

    def __init__(self, series: Iterable[Series]) -> None:
        self._known = {(one.root_msgid, one.version): one for one in series}

    def since_previous(self, series: Series) -> RangeDiff | None:
        was = self._known.get((series.previous.root_msgid, series.previous.version)) if series.previous else None
        return range_diff(was, series) if was and series.patches else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reviewbot.series",
        description="Print the patch series in mailboxes: versions and what changed between them, patches, trailers "
        "from replies, and the questions and objections that are open or answered.",
        epilog="Exit status: 0, or 2 when a mailbox cannot be read.",
    )
    parser.add_argument("file", nargs="+", metavar="FILE", help=_FILE)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--range-diff", action="store_true", help="show changed lines since the previous version too")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly with the reader: | head
    sys.exit(main())
