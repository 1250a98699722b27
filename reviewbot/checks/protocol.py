"""What a check is: it is handed a state of a tree and yields findings.

A check never decides whether a finding is shown, never prints, and starts no
process of its own (what reads a stranger's tree as code goes through the
sandbox).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reviewbot.findings import Finding
from reviewbot.tree.files import Files


@dataclass(slots=True)
class Coverage:
    """What was looked at, so that "nothing found" can say it.

    :ivar files: paths that were read.
    :ivar functions: number of functions and macro bodies that were analysed.
    :ivar unread: ``path:line function`` of what could not be parsed.
    :ivar facts: one line each on what the tree told, e.g. its epoch.
    :ivar told: one sentence each on what was waived, and on waivers that are at fault.
    """

    files: list[str] = field(default_factory=list)
    functions: int = 0
    unread: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class Check(Protocol):
    """One checker. ``name`` is stable and a slug; ``version`` changes when its answers may."""

    name: str
    version: str
    title: str

    def check(self, files: Files, paths: Sequence[str], coverage: Coverage) -> Iterator[Finding]:
        """Yield the findings of one state of a tree, in the order of the files.

        :param files: the tree.
        :param paths: files whose findings are wanted; the whole tree when empty.
            Other files are still read where the answer depends on them.
        :param coverage: filled while the check runs.
        :raises reviewbot.errors.ReviewError: with the text to show, when it cannot run.
        """
