"""The checks of patches in Patchwork's terms: ours, and those of other bots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db.models.fields.json import KeyTransform
from django.utils.text import slugify

from reviewbot.reports.facts import BaseFacts, Reject, State
from reviewbot.reports.keeping import unpack
from reviewbot.reports.sentences import base_name
from threads.models import ForeignCheck, Patch, Report
from threads.selectors.prepared import Prepared

#: latest state first; a patch without checks is pending for Patchwork
WORDS = {
    State.PASSED: "success",
    State.WARNED: "warning",
    State.FAILED: "fail",
    State.RUNNING: "pending",
    State.NOT_RUN: "pending",
    State.BROKEN: "pending",  # our fault is never a failure of the patch
}
_WORST = ("fail", "warning", "pending", "success")
#: numbers of checks of others begin here; our own count from 1 within a patch
FOREIGN = 10_000


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one patch.

    :ivar user: the account of another bot, None for our own.
    """

    number: int
    context: str
    state: str
    description: str
    date: datetime
    run: int = 0
    target_url: str = ""
    user: AbstractUser | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of a patch and what they come to."""

    checks: tuple[Check, ...] = ()

    @property
    def combined(self) -> str:
        """Return the worst state of the newest check of each bot and context; none are pending, as Patchwork has it."""
        newest = {(check.user.pk if check.user else 0, check.context): check.state for check in self.checks}
        return worst(newest.values())


def worst(states: Iterable[str]) -> str:
    """Return the state that counts among several; none are pending, as Patchwork has it."""
    there = set(states)
    return next((state for state in _WORST if state in there), "pending")


#: of a report, what checks are made of: the rest of it is long
_PARTS = ("cells", "failure", "base")
_reports = Prepared(
    lambda ids: (
        Report.objects.filter(series__in=ids)
        .order_by()
        .values_list("series_id", "updated_at", *(KeyTransform(part, "facts") for part in _PARTS))
    )
)
_foreign = Prepared(lambda ids: ForeignCheck.objects.filter(message__in=ids).select_related("user").order_by())


def checks_of(patches: Iterable[Patch]) -> dict[int, Checks]:
    """Return the checks of patches, by the patch's row id: ours, then those of other bots (2 queries)."""
    patches = list(patches)
    kept = _kept(patches)
    others = foreign_checks(patch.message_id for patch in patches)
    found = {}
    for patch in patches:
        ours = kept[patch.series_id].checks(patch.number) if patch.series_id in kept else ()
        if both := ours + others.get(patch.message_id, ()):
            found[patch.pk] = Checks(both)
    return found


def combined_of(patches: Iterable[Patch]) -> dict[int, str]:
    """Return what the checks of patches come to, as :attr:`Checks.combined`, by the patch's row id (2 queries)."""
    patches = list(patches)
    kept = _kept(patches)
    others = foreign_checks(patch.message_id for patch in patches)
    found = {}
    for patch in patches:
        states = {Checks(others.get(patch.message_id, ())).combined} if patch.message_id in others else set()
        if patch.series_id in kept:
            states |= kept[patch.series_id].words(patch.number)
        found[patch.pk] = worst(states)
    return found


def foreign_checks(messages: Iterable[int]) -> dict[int, tuple[Check, ...]]:
    """Return what other bots said about mails, by the mail's row id, oldest first (1 query)."""
    found: dict[int, tuple[Check, ...]] = {}
    for row in sorted(_foreign(sorted(set(messages))), key=lambda row: row.pk):
        found[row.message_id] = (*found.get(row.message_id, ()), as_check(row))
    return found


def as_check(row: ForeignCheck) -> Check:
    """Return a row as a check."""
    return Check(
        FOREIGN + row.pk, row.context, row.state, row.description, row.date, target_url=row.target_url, user=row.user
    )


@cache
def _context(check: str, configuration: str) -> str:
    return slugify(f"reviewbot-{check}-{configuration}".replace(".", "-"))


@dataclass(frozen=True, slots=True)
class Kept:
    """What a kept report says about the patches of a series; the parts are as they are packed."""

    date: datetime
    cells: Sequence[Mapping[str, Any]]
    failure: Mapping[str, Any] | None
    base: Mapping[str, Any] | None

    def checks(self, number: int) -> tuple[Check, ...]:
        """Return the checks of one patch: whether it applies, then every square of its row of the matrix."""
        found = self._applied(number)
        for cell in self._row(number):
            said = cell["summary"] or cell["state"]
            text = f"our fault: {said}" if cell["state"] == State.BROKEN else said
            found.append((_context(cell["check"], cell["configuration"]), WORDS[cell["state"]], text, cell["run"]))
        return tuple(
            Check(position, context, state, text[:255], self.date, run)
            for position, (context, state, text, run) in enumerate(found, 1)
        )

    def words(self, number: int) -> set[str]:
        """Return the states of the checks of one patch."""
        words = {WORDS[cell["state"]] for cell in self._row(number)}
        if self.failure and self.failure["patch"] <= number:
            return words | {"warning"}
        return words | {"success"} if self.base else words

    def _row(self, number: int) -> list[Mapping[str, Any]]:
        return [cell for cell in self.cells if cell["patch"] == number and cell["state"] in WORDS]

    def _applied(self, number: int) -> list[tuple[str, str, str, int]]:
        """Say whether the patch applies to the base; that it does not is a word about our base too: it only warns."""
        if self.failure and self.failure["patch"] <= number:
            failure = unpack(Reject, self.failure)
            said = failure.reason if failure.patch == number else f"patch {failure.patch} before it does not apply"
            return [("reviewbot-apply", "warning", said, 0)]
        if self.base is None:
            return []
        return [("reviewbot-apply", "success", f"applies to {base_name(unpack(BaseFacts, self.base))}", 0)]


def _kept(patches: Iterable[Patch]) -> dict[int, Kept]:
    """Return what is kept about the series of some patches, by the row id of the series (1 query)."""
    rows = _reports(sorted({patch.series_id for patch in patches}))
    return {series: Kept(*parts) for series, *parts in rows}
