"""Putting the facts together once, and drafting the reply that they deserve."""

from __future__ import annotations

import hashlib
import json

from django.db import transaction

from reviewbot.findings import Severity
from reviewbot.reports.facts import SeriesReport, Told
from reviewbot.reports.keeping import pack
from threads import models
from threads.facts import gather
from threads.selectors import versions
from threads.services import notes, outbox, pipeline


@transaction.atomic
def publish(series_id: int) -> None:
    """Compute the facts of a series, keep them, draft the reply, and refresh what compares itself with it.

    The versions of a work compare themselves with each other, and one is published at a time: facts that were read
    before another version's were kept would never be read again.
    """
    models.Topic.objects.select_for_update().get(series=series_id)
    series = models.Series.objects.select_related("author", "previous").get(pk=series_id)
    kept = models.Report.objects.filter(series=series)
    asked = kept.values_list("stale_at", flat=True).first()
    report = gather(series)
    changed = _keep(series, report)
    kept.filter(stale_at=asked).update(stale_at=None)  # what was asked for meanwhile is still to be done
    outbox.put(series, report)
    notes.put(series, report)
    if changed:
        pipeline.refresh(series.later.all())


def _keep(series: models.Series, report: SeriesReport) -> bool:
    """Keep a report; say whether it says anything new."""
    packed = pack(report)
    digest = hashlib.sha256(json.dumps(packed, sort_keys=True).encode()).hexdigest()
    severities = [told.finding.severity for told in report.findings]
    models.Series.objects.filter(pk=series.pk).update(
        state=report.state,
        verdict=report.verdict,
        reason=report.reason,
        new_errors=severities.count(Severity.ERROR),
        new_warnings=severities.count(Severity.WARNING),
        queued_until=None,
        leased_until=None,
    )
    before = models.Report.objects.filter(series=series).values_list("digest", flat=True).first()
    if before == digest:
        return False
    models.Report.objects.update_or_create(series=series, defaults={"digest": digest, "facts": packed})
    for told in report.findings:
        _note_life(series, told)
    _note_fixed(series, report)
    return True


def _note_fixed(series: models.Series, report: SeriesReport) -> None:
    """Note which findings are fixed; only who brought one fixes it, not who posts a higher version of the work."""
    theirs = dict(versions.by_its_author(series).values_list("pk", "version"))
    if series.pk in theirs:
        gone = [told.finding.fingerprint for told in report.gone]
        lives = models.FindingLife.objects.filter(topic=series.topic_id, fingerprint__in=gone, fixed_in=None)
        lives.filter(first_version__in=theirs.values()).update(fixed_in=series.version)


def _note_life(series: models.Series, told: Told) -> None:
    life, _ = models.FindingLife.objects.get_or_create(
        topic_id=series.topic_id,
        fingerprint=told.finding.fingerprint,
        defaults={"rule": told.finding.rule, "first_version": told.since, "last_version": series.version},
    )
    life.first_version = min(life.first_version, told.since)
    if series.version >= life.last_version:
        life.last_version, life.fixed_in = series.version, None
    life.save()
