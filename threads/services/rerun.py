"""Doing it again, because somebody asks."""

from __future__ import annotations

from django.db import transaction

from reviewbot.reports.facts import State, Verdict
from threads import models
from threads.services import pipeline


def rerun(series: models.Series) -> None:
    """Forget what is not right for sure, and start again: base, runs that broke, report."""
    with transaction.atomic():
        pipeline.runs_of(series).filter(state=State.BROKEN).delete()
        series.applications.all().delete()
        models.Series.objects.filter(pk=series.pk).update(
            state=State.NOT_RUN, verdict=Verdict.UNKNOWN, reason="", attempts=0, queued_until=None, leased_until=None
        )
        series.refresh_from_db()
        pipeline.want(series)
