"""What a thread is taken to have said about a finding, against marks that a person made.

For every call that the patches of marked threads add, the discussion is asked
whether the thread raised that its result is ignored, or that what it got is
leaked. Each claim stands in ``raised.tsv`` with the mark: ``right`` when the reply speaks of that line and
of such a fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from benchmarks.findings.calls import calls, function_of
from reviewbot.findings import Finding
from reviewbot.mail.diff import parse_diff
from reviewbot.series.discussion import Discussion
from reviewbot.series.model import Series
from reviewbot.series.remarks import Remark

MARKS = Path(__file__).with_name("raised.tsv")
GOAL = 95.0


class Claim(NamedTuple):
    """A reply is taken to raise a finding."""

    root: str
    reply: str
    file: str
    line: str
    about: str
    words: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What stands for it in the table: thread, reply, and a digest of place and kind."""
        return self.root, self.reply, sha256(f"{self.file} {self.line} {self.about}".encode()).hexdigest()[:12]


def claims(series: Series) -> Iterator[Claim]:
    """Yield what the thread of a series is taken to say about calls that its patches add."""
    discussion = Discussion(series.patches, series.replies, series.author.email)
    for about, finding in _asked(series):
        for said in discussion.about(finding):
            if said.remark is Remark.RAISED:
                place = finding.location
                yield Claim(series.root_msgid, said.message_id, place.file, place.text.strip(), about, said.words)


def _asked(series: Series) -> Iterator[tuple[str, Finding]]:
    for patch in series.patches:
        for file in parse_diff(patch.message.body).files:
            if not file.path.endswith((".c", ".h")):
                continue
            for hunk in file.hunks:
                function = function_of(hunk.section)
                added = ((0, line.new, function, line.text) for line in hunk.lines if line.kind == "+")
                for _, finding in calls(file.path, added):
                    yield "result", finding
                    yield "leak", replace(finding, message="What is allocated here is never freed: it leaks.")


def run(series: Sequence[Series], *, show: bool) -> int:
    """Compare with the marks, print, and return 0 when enough of what is claimed is right."""
    marks = (
        {tuple(row[:3]): row[3] for row in map(_fields, MARKS.read_text().splitlines()) if row}
        if MARKS.exists()
        else {}
    )
    threads = {root for root, *_ in marks}
    found: dict[tuple[str, str, str], Claim] = {}
    for one in series:
        if show or one.root_msgid in threads:
            found |= {claim.key: claim for claim in claims(one)}
    for key, claim in found.items():
        if show or marks.get(key) != "right":
            print("\t".join((*key, marks.get(key, "?"), claim.about, f"{claim.file}: {claim.line}")))
            print("".join(f"    | {line}\n" for line in claim.words.split("\n")), end="")
    counts = Counter(marks.get(key, "not marked") for key in found)
    share = 100 * counts["right"] / max(1, counts.total())
    lost = sum(mark == "right" and key not in found for key, mark in marks.items())
    print(f"{counts.total()} claims of {len(threads)} threads: {dict(counts)}, {share:.1f} % right; {lost} right lost")
    return 0 if share >= GOAL else 1


def _fields(line: str) -> list[str]:
    return [] if line.startswith("#") else line.split("\t")
