"""Keeping what a check or a build said: the row of a run, and its findings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from reviewbot.findings import Finding, occurrences
from reviewbot.reports.facts import State
from threads import conversion, models
from threads.services.queue import UNSETTLED, lease_end

#: what of a log is kept, in bytes
MAX_LOG = 4 << 20


def settle(
    run: models.Run,
    state: State,
    findings: Iterable[Finding] = (),
    *,
    log: bytes = b"",
    **fields: Any,  # noqa: ANN401 - columns of the row
) -> None:
    """Settle a run with what it found; what it said at an earlier try is replaced."""
    with transaction.atomic():
        run.findings.all().delete()
        rows = [conversion.finding_row(run, fact, number) for fact, number in occurrences(findings)]
        models.Finding.objects.bulk_create(rows)
        for name, value in fields.items():
            setattr(run, name, conversion.storable(value) if isinstance(value, str) else value)
        run.state = state
        run.log = conversion.compress(log[-MAX_LOG:])
        run.finished_at = timezone.now()
        run.leased_until = run.queued_until = None
        run.save()


def note(run: models.Run, summary: str, claimed: list[int]) -> None:
    """Say what is being done for a run that is ours, and lengthen the lease of all that are."""
    models.Run.objects.filter(pk__in=claimed, state__in=UNSETTLED).update(leased_until=lease_end())
    if run.pk in claimed:
        run.state, run.summary = State.RUNNING, conversion.storable(summary)
        run.started_at = run.started_at or timezone.now()
        run.save(update_fields=["state", "summary", "started_at"])


def supersede(runs: QuerySet[models.Run], version: str) -> None:
    """Settle what another version of a check or recipe had planned: nobody will do it."""
    stale = runs.filter(state__in=UNSETTLED).exclude(version=version)
    stale.update(state=State.SKIPPED, reason="Superseded by a newer version of the check.")


def give_up(runs: QuerySet[models.Run], reason: str) -> int:
    """Skip what is not settled, for a reason; return how many that are."""
    return runs.filter(state__in=UNSETTLED).update(
        state=State.SKIPPED, reason=reason, finished_at=timezone.now(), leased_until=None, queued_until=None
    )


def given_up(runs: QuerySet[models.Run]) -> QuerySet[models.Run]:
    """Return those that were skipped before they came to an end: a later try may bring them there."""
    return runs.filter(state=State.SKIPPED, finished_at__isnull=False, seconds=None)


def take_up_again(runs: QuerySet[models.Run]) -> None:
    """Plan again what was skipped before it came to an end, because another series waits for it now."""
    given_up(runs).update(state=State.NOT_RUN, reason="", finished_at=None)
