"""Compare what sentences of real replies are taken to do with what a person read in them.

    python -m benchmarks.series.opinions [--corpus DIR]

``opinions.tsv`` has the marks, without the texts. Exit status: 0 when at least
95 % of the marked sentences that are given a stance have the right one, 1 when not,
3 when the corpus is not there.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from pathlib import Path

from benchmarks.series.__main__ import CORPUS, mails
from reviewbot.mail.opinions import opinions
from reviewbot.mail.parse import parse_message

MARKS = Path(__file__).with_name("opinions.tsv")
GOAL = 95.0


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    bundle = parser.parse_args().corpus / "linux-arch-sample.bundle"
    if not bundle.exists():
        print(f"There is no {bundle}.", file=sys.stderr)
        return 3
    marks = read_marks(MARKS.read_text())
    wanted = {msgid for msgid, _ in marks}
    said: dict[tuple[str, str], str] = {}
    for message in map(parse_message, mails(bundle)):
        if message.message_id in wanted:
            said |= {(message.message_id, digest(one.sentence)): str(one.stance) for one in opinions(message)}
    return _report(marks, said)


def read_marks(text: str) -> dict[tuple[str, str], str]:
    """Return the stance of each marked sentence, by Message-ID and digest; ``none`` for no stance."""
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {(msgid, sentence): stance for msgid, sentence, stance in rows}


def digest(sentence: str) -> str:
    """Return what stands for a sentence in the table."""
    return hashlib.sha256(sentence.encode()).hexdigest()[:12]


def _report(marks: dict[tuple[str, str], str], said: dict[tuple[str, str], str]) -> int:
    given = Counter(said[key] for key in marks if key in said)
    right = Counter(said[key] for key, stance in marks.items() if said.get(key) == stance)
    meant = Counter(stance for stance in marks.values() if stance != "none")
    for stance in meant:
        print(f"{stance:>18}: {right[stance]} of {given[stance]} right, of {meant[stance]} marked")
    share = 100 * right.total() / max(1, given.total())
    print(f"{len(marks)} marked sentences: {given.total()} given a stance, {share:.1f} % of them the right one")
    return 0 if share >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
