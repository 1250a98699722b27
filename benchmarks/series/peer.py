"""Assemble the same threads with b4's own code and with ours, in one run.

    python -m benchmarks.series.peer [--corpus DIR] [--list]

Prints how many versions, patches and trailers both have, what only one side
has, and what each took in processor time. b4 is asked without a network, and
each thread is one mailbox for it, as ``b4 am -m`` has it.
"""

from __future__ import annotations

import argparse
import email
import logging
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import b4

from benchmarks.series.__main__ import CORPUS, mails
from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message
from reviewbot.series.assemble import assemble
from reviewbot.series.grouping import group_threads
from reviewbot.series.show import as_dict

#: by version: Message-IDs of the patches, and the trailers of each as text
Version = dict[str, frozenset[str]]
Versions = dict[int, Version]


def main() -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--list", action="store_true", help="print every version that differs")
    options = parser.parse_args()
    bundle = options.corpus / "linux-arch-sample.bundle"
    if not bundle.exists():
        print(f"There is no {bundle}.", file=sys.stderr)
        return 3
    logging.getLogger("b4").setLevel(logging.CRITICAL + 1)
    b4.can_network = False
    threads = group_threads(parse_message(raw) for raw in mails(bundle))
    counts: Counter[str] = Counter()
    spent = [0.0, 0.0]
    for thread in threads:
        started = time.process_time()
        ours = _ours(thread)
        between = time.process_time()
        theirs = _theirs(thread)
        spent[0] += between - started
        spent[1] += time.process_time() - between
        for version in sorted(ours.keys() | theirs.keys()):
            kind = _compare(ours.get(version), theirs.get(version))
            counts[kind] += 1
            if options.list and kind != "equal":
                print(f"{kind}: v{version} of {thread[0].message_id}")
    print(f"{len(threads)} threads; versions: " + ", ".join(f"{kind} {count}" for kind, count in counts.most_common()))
    print(f"processor time: ours {spent[0]:.1f} s (from parsed mails), b4 {spent[1]:.1f} s (it parses too)")
    return 0


def _compare(ours: Version | None, theirs: Version | None) -> str:
    if ours is None or theirs is None:
        return "only b4" if ours is None else "only ours"
    if list(ours) != list(theirs):
        return "other patches"
    return "equal" if ours == theirs else "other trailers"


def _ours(thread: list[Message]) -> Versions:
    """Return our versions; of several postings of one version the first, as b4 knows one alone."""
    found: Versions = {}
    for series in assemble(thread):
        told = as_dict(series)
        if told["patches"]:
            given = (frozenset(one["trailer"].partition("\n")[0].lower() for one in each) for each in told["trailers"])
            version = {part["msgid"]: said for part, said in zip(told["patches"], given, strict=True)}
            found.setdefault(series.version, version)
    return found


def _theirs(thread: list[Message]) -> Versions:
    box = b4.LoreMailbox()
    for message in sorted(thread, key=lambda message: message.date):
        try:
            box.add_message(email.message_from_bytes(message.raw, policy=b4.emlpolicy))
        except (IndexError, LookupError, ValueError, AttributeError):
            continue  # b4 gives up on this mail
    found: Versions = {}
    for version in sorted(box.series):
        series = box.get_series(version, codereview_trailers=False)
        if series is None:
            continue
        shared = list(series.patches[0].followup_trailers) if series.patches[0] else []
        found[version] = {
            patch.msgid: frozenset(_text(one) for one in [*patch.followup_trailers, *shared])
            for patch in series.patches[1:]
            if patch is not None
        }
    return found


def _text(trailer: Any) -> str:  # noqa: ANN401 (b4 has no types)
    return str(trailer.as_string()).partition("\n")[0].lower()


if __name__ == "__main__":
    sys.exit(main())
