"""``python -m reviewbot.series FILE ...``: what series are in these mailboxes."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence

from reviewbot.errors import ReviewError
from reviewbot.lore.mbox import read_mailbox
from reviewbot.mail.parse import parse_message
from reviewbot.series.assemble import assemble
from reviewbot.series.show import as_dict, as_text
from reviewbot.series.topics import link_versions

_FILE = (
    "mbox or mboxrd, plain or gzipped; a maildir; a single mail; a clone or bundle of an archive; - for standard input"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the series of mailboxes; return 0, or 2 when one cannot be read."""
    options = _parser().parse_args(arguments)
    try:
        messages = [parse_message(raw) for name in options.file for raw in read_mailbox(name)]
    except ReviewError as error:
        print(f"reviewbot.series: {error}", file=sys.stderr)
        return 2
    series = link_versions(assemble(messages))
    posted = [one for one in series if one.patches]
    if options.format == "json":
        json.dump([as_dict(one) for one in posted], sys.stdout, indent=1)
        print()
        return 0
    print("\n\n".join(map(as_text, posted)) or f"No series among {len(messages)} mails.")
    for one in series:
        if not one.patches:
            print(f"\nA cover letter whose patches are not here: {as_text(one)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reviewbot.series",
        description="Print the patch series in mailboxes: versions, patches, trailers from replies.",
        epilog="Exit status: 0, or 2 when a mailbox cannot be read.",
    )
    parser.add_argument("file", nargs="+", metavar="FILE", help=_FILE)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly with the reader: | head
    sys.exit(main())
