"""Assemble the real mail beside the project, and compare with what b4 sees in it.

    benchmarks/series/run [--corpus DIR] [--list]

The folder holds ``linux-arch-sample.bundle`` (a public-inbox epoch) and
``ground-truth.jsonl`` (one line for each thread and version). Every difference
must stand in ``differences.md``, with who is right. Exit status: 0 when all do
and at least 99 % of the lines agree or are right, 1 when not, 3 when the folder is not there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.series.compare import FIELDS, Difference, Explanation, Line, Ours, differences, explanations
from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message
from reviewbot.series.assemble import assemble
from reviewbot.series.show import as_dict
from reviewbot.series.topics import link_versions

HERE = Path(__file__).parent
CORPUS = HERE.parent.parent.parent / "shared" / "corpus"
GOAL = 99.0


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--list", action="store_true", help="print every difference with both sides")
    options = parser.parse_args()
    if not (options.corpus / "ground-truth.jsonl").exists():
        print(f"There is no ground-truth.jsonl in {options.corpus}.", file=sys.stderr)
        return 3
    lines = [json.loads(line) for line in (options.corpus / "ground-truth.jsonl").read_text().splitlines()]
    ours = _ours(options.corpus / "linux-arch-sample.bundle")
    found = list(differences(lines, ours))
    if options.list:
        for one in found:
            print(f"{one.root} v{one.version}: {', '.join(sorted(one.what))}")
            print("".join(f"    {detail[:600]}\n" for detail in one.details), end="")
    return _report(lines, found, explanations(HERE / "differences.md"))


def _ours(bundle: Path) -> Ours:
    started = time.process_time()
    messages = [parse_message(raw) for raw in mails(bundle)]
    parsed = time.process_time()
    series = [as_dict(one) for one in link_versions(assemble(messages)) if one.patches]
    ended = time.process_time()
    print(
        f"{len(messages)} mails: read and parsed in {parsed - started:.1f} s, "
        f"{len(series)} series assembled and linked in {ended - parsed:.1f} s of processor time"
    )
    return Ours(series, _threads(messages))


def _threads(messages: list[Message]) -> dict[str, str]:
    """Name the thread of each mail as the written lines know it: by references alone, also to absent mails."""
    above: dict[str, str] = {}

    def top(msgid: str) -> str:
        while (up := above.setdefault(msgid, msgid)) != msgid:
            msgid = up
        return msgid

    for message in messages:
        for msgid in filter(None, (*message.references, message.in_reply_to)):
            above[top(msgid)] = top(message.message_id)
    return {message.message_id: top(message.message_id) for message in messages}


def mails(bundle: Path) -> Iterator[bytes]:
    """Yield the mails of a public-inbox epoch, oldest first."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "-q", "--bare", bundle, folder], check=True)
        listed = subprocess.run(["git", "-C", folder, "rev-list", "--reverse", "HEAD"], capture_output=True, check=True)
        names = Path(folder) / "names"
        names.write_bytes(b"".join(commit + b":m\n" for commit in listed.stdout.split()))
        with names.open("rb") as wanted:
            reader = ["git", "-C", folder, "cat-file", "--batch"]
            git = subprocess.Popen(reader, stdin=wanted, stdout=subprocess.PIPE)
        assert git.stdout
        while header := git.stdout.readline().split():
            if header[-1] != b"missing":
                yield git.stdout.read(int(header[2]))
                git.stdout.read(1)
        git.wait()


def _report(lines: list[Line], found: list[Difference], known: dict[tuple[str, str], Explanation]) -> int:
    total = len(lines)
    unexplained = [one for one in found if not _covers(known.get((one.root, one.version)), one)]
    rights = Counter(known[one.root, one.version].right for one in found if one not in unexplained)
    wrong = len(unexplained) + rights["b4"]
    for word in ("series", *FIELDS):
        differ = [one for one in found if word in one.what]
        bad = [one for one in differ if one in unexplained or known[one.root, one.version].right == "b4"]
        print(f"{word:>9}: {_share(total - len(differ), total)} equal, {_share(total - len(bad), total)} right")
    print(f"{total} lines: {_share(total - len(found), total)} equal, {_share(total - wrong, total)} right")
    print(f"{len(found)} differences: {', '.join(f'{right} {count}' for right, count in sorted(rights.items()))}")
    for one in unexplained:
        print(f"not explained in differences.md: {one.root} v{one.version}: {', '.join(sorted(one.what))}")
    stale = known.keys() - {(one.root, one.version) for one in found}
    for root, version in sorted(stale):
        print(f"explained in differences.md, and no difference any more: {root} v{version}")
    return 1 if unexplained or stale or 100 * (total - wrong) / total < GOAL else 0


def _covers(explanation: Explanation | None, difference: Difference) -> bool:
    return explanation is not None and difference.what <= explanation.what


def _share(part: int, total: int) -> str:
    return f"{part} of {total} ({100 * part / total:.1f} %)"


if __name__ == "__main__":
    sys.exit(main())
