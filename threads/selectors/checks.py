"""The checks of patches in Patchwork's terms: ours, and those of other bots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.utils.text import slugify

from reviewbot.reports.facts import BaseFacts, Cell, Reject, State
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
        states = set(newest.values())
        return next((state for state in _WORST if state in states), "pending")


_reports = Prepared(
    lambda ids: Report.objects.filter(series__in=ids).order_by().values_list("series_id", "facts", "updated_at")
)
_foreign = Prepared(lambda ids: ForeignCheck.objects.filter(message__in=ids).select_related("user").order_by())


def checks_of(patches: Iterable[Patch]) -> dict[int, Checks]:
    """Return the checks of patches, by the patch's row id: ours, then those of other bots (2 queries)."""
    patches = list(patches)
    reports = _reports(sorted({patch.series_id for patch in patches}))
    facts = {series: (kept, date) for series, kept, date in reports}
    others = foreign_checks(patch.message_id for patch in patches)
    found = {}
    for patch in patches:
        ours = _checks(patch.number, *facts[patch.series_id]).checks if patch.series_id in facts else ()
        if both := ours + others.get(patch.message_id, ()):
            found[patch.pk] = Checks(both)
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


def _checks(number: int, facts: Mapping[str, Any], date: datetime) -> Checks:
    """Return the checks of one patch: whether it applies, then every square of its row of the matrix."""
    found = _applied(number, facts)
    cells = [unpack(Cell, cell) for cell in facts["cells"] if cell["patch"] == number and cell["state"] in WORDS]
    for cell in cells:
        said = cell.summary or cell.state.value
        text = f"our fault: {said}" if cell.state is State.BROKEN else said
        found.append((_context(cell.check, cell.configuration), WORDS[cell.state], text, cell.run))
    return Checks(
        tuple(
            Check(position, context, state, text[:255], date, run)
            for position, (context, state, text, run) in enumerate(found, 1)
        )
    )


def _applied(number: int, facts: Mapping[str, Any]) -> list[tuple[str, str, str, int]]:
    """Say whether the patch applies to the base; that it does not is a word about our base too, so it only warns."""
    failure = unpack(Reject, facts["failure"]) if facts["failure"] else None
    base = unpack(BaseFacts, facts["base"]) if facts["base"] else None
    if failure and failure.patch <= number:
        said = failure.reason if failure.patch == number else f"patch {failure.patch} before it does not apply"
        return [("reviewbot-apply", "warning", said, 0)]
    if base is None:
        return []
    return [("reviewbot-apply", "success", f"applies to {base_name(base)}", 0)]
