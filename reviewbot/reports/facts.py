"""The facts about one series, as every face shows them.

A :class:`SeriesReport` is computed once, kept as JSON, and rendered as page,
API answer, mail, SARIF or plain text. A face computes no fact of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reviewbot.findings import Finding
from reviewbot.series.remarks import Remark, Said
from reviewbot.tree.model import Reject

__all__ = [
    "BaseFacts", "Cell", "Life", "PatchFacts", "Reject", "Remark", "Reproduce", "Said", "SeriesReport", "State",
    "Told", "Verdict", "VersionFacts",
]  # fmt: skip


class State(StrEnum):
    """What is true of a step, never more than that."""

    NOT_RUN = "not run"
    RUNNING = "running"
    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    SKIPPED = "skipped"
    BROKEN = "broken"

    @property
    def settled(self) -> bool:
        """True when nothing more will happen by itself."""
        return self not in (State.NOT_RUN, State.RUNNING)


class Verdict(StrEnum):
    """The one word on a series."""

    UNKNOWN = "unknown"
    CLEAN = "clean"
    FINDINGS = "findings"
    DOES_NOT_APPLY = "does not apply"
    INCOMPLETE = "incomplete"
    BROKEN = "broken"


class Life(StrEnum):
    """What a finding is to a series: the difference between its base and its patches."""

    NEW = "new"
    TRANSIENT = "transient"
    FIXED = "fixed"
    PRE_EXISTING = "pre-existing"


@dataclass(frozen=True, slots=True)
class Told:
    """A finding as it is told about a series.

    :ivar finding: the fact.
    :ivar patch: number of the patch that introduces (or, for ``fixed``, repairs) it; 0 for pre-existing ones.
    :ivar gone_by: for ``transient``: the later patch after which it is gone; else 0.
    :ivar inherited: for ``transient``: true when its line was there before the patch, which changed what it means.
    :ivar life: see :class:`Life`.
    :ivar check: name of the check or build that found it.
    :ivar since: the first version of the topic that has it.
    :ivar moved: true when an earlier version had it at another place.
    :ivar back: the version that had it before, of which the one before this was rid: it came back; 0 when it did not.
    :ivar code: source lines around the place, as ``(line number, text)``; the place is among them.
    :ivar said: what the thread says about it, oldest first.
    """

    finding: Finding
    patch: int
    life: Life
    check: str
    since: int
    moved: bool = False
    back: int = 0
    gone_by: int = 0
    inherited: bool = False
    code: tuple[tuple[int, str], ...] = ()
    said: tuple[Said, ...] = ()

    @property
    def anchor(self) -> str:
        """Fragment by which pages and mails point at it."""
        return f"f-{self.finding.fingerprint}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One square of the patch x check matrix.

    :ivar patch: number of the patch after which the tree was looked at; 0 is the base.
    :ivar check: ``pgtable``, ``characters``, ``build`` …
    :ivar configuration: what was built; "" for a check.
    :ivar state: see :class:`State`.
    :ivar summary: one phrase: ``2 new findings``, ``built 3 objects`` or why it was not run.
    :ivar new: number of findings that are new with this patch.
    :ivar run: id of the run, 0 when there is none.
    :ivar seconds: time it took; None when it did not run.
    """

    patch: int
    check: str
    configuration: str
    state: State
    summary: str = ""
    new: int = 0
    run: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PatchFacts:
    """One patch: its mail, what it touches, and the commit it became ("" when it did not apply).

    :ivar author: who posted it, "" when that is the author of the series.
    :ivar unseen: what git changes beyond what the mail shows, as a sentence; "" is the rule.
    """

    number: int
    message_id: str
    subject: str
    files: tuple[str, ...]
    commit: str = ""
    method: str = ""
    trailers: tuple[str, ...] = ()
    replies: int = 0
    author: str = ""
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class BaseFacts:
    """The base that was chosen, and how.

    :ivar published: false for a commit that was made here of a directory or an archive: others know the
        tree by its name alone.
    """

    tree: str
    commit: str
    describe: str
    how: str
    trace: tuple[str, ...] = ()
    published: bool = True


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """One version of the topic."""

    version: int
    message_id: str
    subject: str
    date: datetime
    verdict: Verdict
    findings: int
    how: str = ""


@dataclass(frozen=True, slots=True)
class Reproduce:
    """A command that shows the same on another machine, with what it is for."""

    what: str
    command: str


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """Everything that is known about one posted version of a patch set.

    :ivar message_id: root Message-ID.
    :ivar lists: names of the mailing lists it was seen on.
    :ivar state: ``not run`` while nothing happened, ``running``, then the worst that is settled.
    :ivar failure: why it does not apply, None when it does.
    :ivar reason: one sentence when the series is incomplete, does not apply or broke.
    :ivar findings: new and transient ones, worst first.
    :ivar fixed: findings of the base that the series repairs.
    :ivar preexisting: findings of the base in functions that the series touches.
    :ivar gone: findings of the version before that are no longer there.
    :ivar looked_at: what "nothing found" rests on, one sentence a check.
    :ivar not_looked_at: what was not checked, and why, one sentence each.
    :ivar lore: prefix of links to mails, ending in ``/``.
    """

    message_id: str
    subject: str
    name: str
    version: int
    expected: int
    author: str
    author_email: str
    date: datetime
    lists: tuple[str, ...]
    lore: str
    state: State
    verdict: Verdict
    reason: str
    patches: tuple[PatchFacts, ...]
    missing: tuple[int, ...]
    base: BaseFacts | None
    failure: Reject | None
    cells: tuple[Cell, ...]
    findings: tuple[Told, ...]
    fixed: tuple[Told, ...]
    preexisting: tuple[Told, ...]
    gone: tuple[Told, ...]
    versions: tuple[VersionFacts, ...]
    replies: int
    people: tuple[str, ...]
    looked_at: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    reproduce: tuple[Reproduce, ...]

    @property
    def checks(self) -> tuple[tuple[str, str], ...]:
        """Return the columns of the matrix, ``(check, configuration)``, in order of appearance."""
        return tuple(dict.fromkeys((cell.check, cell.configuration) for cell in self.cells))

    def cell(self, patch: int, check: str, configuration: str) -> Cell | None:
        """Return one square of the matrix, or None."""
        for cell in self.cells:
            if (cell.patch, cell.check, cell.configuration) == (patch, check, configuration):
                return cell
        return None
