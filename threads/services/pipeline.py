"""The order of the steps of a series: apply, check, build, publish. Nowhere else is it known."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from reviewbot.errors import ReviewError
from reviewbot.reports.facts import State, Verdict
from threads import models
from threads.conversion import storable
from threads.lanes import BUILD, runs_of
from threads.services.queue import UNSETTLED, enqueue, lease_end, mark_queued, no_room, waiting
from threads.services.runs import given_up

log = logging.getLogger(__name__)

#: the option of a series of which a newer version was posted before it was built: the number of that version
OVERTAKEN = "overtaken"


def want(series: models.Series, options: dict[str, Any] | None = None, *, again: bool = False) -> None:
    """Ask for a series and for the version before it, against which it is compared.

    What is done already is not done again, unless it is asked for, something
    else is asked for now, or it ended where a later try may do better. Who asks
    for an old version by name has it built, too.
    """
    for row in (series, series.previous):
        if row is None:
            continue
        if row is series and (again or options is not None):
            row.options = {name: value for name, value in row.options.items() if name != OVERTAKEN}
        changed = options is not None and options != row.options
        unfinished = row.state == State.BROKEN or row.verdict == Verdict.DOES_NOT_APPLY
        row.wanted = True
        row.options = options if options is not None else row.options
        row.save(update_fields=["wanted", "options"])
        if again or changed or unfinished:
            start_over(row)
        advance(row)


def advance_sharers(series: models.Series) -> None:
    """Let go on whatever rests on the same runs: another version, or the same patches posted again."""
    trees = runs_of(series).values("tree_id")
    sharing = models.Series.objects.filter(
        wanted=True, applications__chosen=True, applications__commits__tree_id__in=trees
    )
    for other in sharing.exclude(pk=series.pk).filter(state__in=UNSETTLED).distinct():
        advance(other)
    advance(series)


def start_over(series: models.Series) -> None:
    """Forget base, report and whatever broke; runs that said something stay, and are found again."""
    runs_of(series).filter(state=State.BROKEN).delete()
    given_up(runs_of(series)).delete()
    series.applications.all().delete()
    models.Report.objects.filter(series=series).delete()
    incomplete = series.verdict == Verdict.INCOMPLETE
    series.state, series.reason, series.attempts = State.NOT_RUN, series.reason if incomplete else "", 0
    series.verdict = Verdict.INCOMPLETE if incomplete else Verdict.UNKNOWN
    series.queued_until = series.leased_until = None
    series.save(update_fields=["state", "reason", "attempts", "verdict", "queued_until", "leased_until"])


def advance(series: models.Series) -> None:
    """Queue whatever a wanted series needs next; safe to call at any time, by anybody."""
    if not series.wanted or series.verdict == Verdict.INCOMPLETE:
        return
    application = series.applications.filter(chosen=True).first()
    if application is None:
        if mark_queued(models.Series.objects.filter(pk=series.pk)):
            enqueue("apply", series.pk)
        return
    runs = runs_of(series)
    steps = set(waiting(runs).values_list("check_name", "configuration"))
    for check, configuration in sorted(steps):
        if mark_queued(runs.filter(check_name=check, configuration=configuration)):
            enqueue(BUILD, series.pk, configuration) if check == BUILD else enqueue("check", series.pk, check)
    if not runs.filter(state__in=UNSETTLED).exists():
        enqueue("publish", series.pk)


def refresh(series: QuerySet[models.Series]) -> None:
    """Have the reports about series computed anew.

    The wish is noted in their rows, so that it comes true whatever becomes of the queue.
    """
    reports = models.Report.objects.filter(series__in=list(series.values_list("pk", flat=True)))
    reports.update(stale_at=timezone.now())
    for key in reports.values_list("series", flat=True):
        enqueue("publish", key)


def sweep() -> int:
    """Take up again what was left behind; return how many series, reports and submissions that were."""
    left = 0
    forgotten = models.Report.objects.filter(stale_at__lt=timezone.now() - timedelta(seconds=settings.LEASE_SECONDS))
    for report in forgotten.select_related("series"):
        refresh(models.Series.objects.filter(pk=report.series_id))
        left += 1
    for series in models.Series.objects.filter(wanted=True, state__in=UNSETTLED).exclude(verdict=Verdict.INCOMPLETE):
        advance(series)
        left += 1
    for submission in waiting(models.Submission.objects.all()):
        if mark_queued(models.Submission.objects.filter(pk=submission.pk)):
            enqueue("fetch", submission.pk)
            left += 1
    return left


def failed(step: str, arguments: tuple[int | str, ...], error: BaseException) -> None:
    """Settle what a step could not do, in words that say whose fault it is, and go on with the rest.

    For want of room nothing is settled: the step is tried again until somebody has made some.
    """
    if no_room(error):
        log.error("there is no room on the disk for %s%s; it is tried again", step, arguments)
        rows = _rows_of(step, arguments).filter(state__in=UNSETTLED)
        rows.update(leased_until=None, queued_until=lease_end(), attempts=0)
        return
    known = isinstance(error, ReviewError)
    text = str(error) if known else f"This failed on our side ({type(error).__name__}: {error})."
    settled = {"state": State.BROKEN, "reason": storable(text)[:2000], "leased_until": None, "queued_until": None}
    pk = arguments[0]
    if step == "fetch":
        actor = error.actor if isinstance(error, ReviewError) else "the operator"
        models.Submission.objects.filter(pk=pk).update(**settled, actor=actor)
        return
    if step in ("check", BUILD):
        _rows_of(step, arguments).filter(state__in=UNSETTLED).update(**settled)
        advance(models.Series.objects.get(pk=pk))
    else:
        models.Series.objects.filter(pk=pk).update(**settled, verdict=Verdict.BROKEN)


def worker_lost(step: str, arguments: tuple[int | str, ...]) -> None:
    """Give back the lease of a worker that died, so that the step can be taken up at once."""
    _rows_of(step, arguments).filter(state__in=UNSETTLED).update(leased_until=None)


def _rows_of(step: str, arguments: tuple[int | str, ...]) -> QuerySet[Any]:
    """Return the rows that a step brings to a settled state."""
    pk = int(arguments[0])
    if step == "fetch":
        return models.Submission.objects.filter(pk=pk)
    if step not in ("check", BUILD):
        return models.Series.objects.filter(pk=pk)
    runs = runs_of(models.Series.objects.get(pk=pk))
    if step == BUILD:
        return runs.filter(check_name=BUILD, configuration=arguments[1])
    return runs.filter(check_name=arguments[1])


def forget_leases() -> None:
    """Take every step up again: for the start of an embedded queue, when no worker can be alive."""
    for model in (models.Series, models.Run, models.Submission):
        model.objects.filter(state__in=UNSETTLED).update(queued_until=None, leased_until=None, attempts=0)
