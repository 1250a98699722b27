"""The words of applying: a series on a base commit, and the exact reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

#: how the sentence ends that says that git changes more than the mail of a patch shows
NOT_SHOWN = "which the mail does not show."
#: how the sentence ends that says that the base which an author names is not here
GUESSED = "which no known tree has; it is guessed instead."


class Method(StrEnum):
    """How a patch went in."""

    CLEAN = "clean"
    FUZZ = "fuzz"
    THREE_WAY = "3-way"
    ALREADY = "already there"


@dataclass(frozen=True, slots=True)
class Base:
    """A commit to apply on, and why it was chosen.

    :ivar tree: name of the tree (and branch) it belongs to, e.g. ``mm-unstable``.
    :ivar commit: forty hexadecimal digits.
    :ivar how: one phrase: ``base-commit of the cover``, ``list default`` …
    :ivar describe: what a person calls it, e.g. ``v6.12`` or ``linux-source-6.12.48``.
    """

    tree: str
    commit: str
    how: str
    describe: str = ""


class Step(NamedTuple):
    """What became of a tree by one patch.

    :ivar tree: id of the whole tree afterwards.
    :ivar moved: lines by which some hunk stands elsewhere than the patch says, at most.
    """

    method: Method
    tree: str
    moved: int = 0


@dataclass(frozen=True, slots=True)
class AppliedPatch:
    """One patch as a commit: number within the series, commit and tree ids, how it went in.

    A patch that was there already has no commit of its own; the ids are those
    of the state that has it.

    :ivar moved: lines by which some hunk stands elsewhere than the patch says, at
        most; 0 also where git does not say it: after a 3-way merge.
    """

    number: int
    commit: str
    tree: str
    method: Method
    moved: int = 0


def unseen(number: int, paths: Sequence[str]) -> str:
    """Say that git changes more than the mail of a patch shows, "" when it does not."""
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    return f"Patch {number}: git also changes {', '.join(paths[:5])}{more}, {NOT_SHOWN}" if paths else ""


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a patch does not apply, precisely enough that nobody has to reproduce it.

    :ivar patch: its number within the series.
    :ivar message_id: of the patch mail.
    :ivar file: path in the tree ("" when the mail itself is broken).
    :ivar hunk: header of the hunk, ``@@ -a,b +c,d @@ …``; "" when the whole file is concerned.
    :ivar wanted: the lines the hunk expects there.
    :ivar found: what the tree has at the nearest place instead, "" when the file is not there.
    :ivar found_line: where ``found`` starts, from 1; 0 when there is none.
    :ivar reason: one sentence for the author.
    """

    patch: int
    message_id: str
    file: str
    hunk: str
    wanted: str
    found: str
    found_line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try on one base: every patch became a commit, or the first that did not says why."""

    base: Base
    patches: tuple[AppliedPatch, ...]
    reject: Reject | None = None

    @property
    def applies(self) -> bool:
        """True when every patch went in."""
        return self.reject is None

    @property
    def method(self) -> Method | None:
        """Return the least clean way in which a patch went in; ALREADY only when all are there, None for no patch."""
        ways = {patch.method for patch in self.patches}
        return next((way for way in (Method.FUZZ, Method.THREE_WAY, Method.CLEAN, Method.ALREADY) if way in ways), None)


@dataclass(frozen=True, slots=True)
class Application:
    """Every base that was tried, in order; ``chosen`` says which one counts.

    :ivar attempts: never empty.
    :ivar trace: the explained choice of bases, one sentence each.
    """

    attempts: tuple[Attempt, ...]
    trace: tuple[str, ...] = ()

    @property
    def chosen(self) -> Attempt:
        """Return the attempt that applied, else the one whose tree has it all, else the one that got furthest."""
        return max(
            self.attempts,
            key=lambda attempt: (
                attempt.applies,
                attempt.method is not Method.ALREADY,
                len(attempt.patches),
            ),
        )

    @property
    def applies(self) -> bool:
        """True when the series applies to one of the bases."""
        return self.chosen.applies
