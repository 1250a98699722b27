"""Putting the facts together once, and drafting the reply that they deserve."""

from __future__ import annotations

import hashlib
import json

from django.conf import settings
from django.db import transaction

from reviewbot.findings import Severity
from reviewbot.mail.message import Address
from reviewbot.reports import mail
from reviewbot.reports.facts import SeriesReport, Told, Verdict
from reviewbot.reports.keeping import pack
from threads import conversion, models
from threads.facts import gather
from threads.services.queue import enqueue


def publish(series_id: int) -> None:
    """Compute the facts of a series, keep them, draft the reply, and refresh what compares itself with it."""
    series = models.Series.objects.select_related("author", "previous").get(pk=series_id)
    report = gather(series)
    with transaction.atomic():
        changed = _keep(series, report)
        if report.verdict == Verdict.FINDINGS:
            _draft(series, report)
        if changed:
            for later in series.later.filter(report__isnull=False):
                enqueue("publish", later.pk)


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
    gone = [told.finding.fingerprint for told in report.gone]
    models.FindingLife.objects.filter(topic=series.topic_id, fingerprint__in=gone, fixed_in=None).update(
        fixed_in=series.version
    )
    return True


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


def _draft(series: models.Series, report: SeriesReport) -> None:
    """Keep the reply as a draft; a draft that says something else than before takes the place of the old one."""
    rows = series.patches.select_related("message__author")
    mails = {row.message.message_id: conversion.message(row.message) for row in rows}
    draft = mail.draft(report, mails, sender=_sender(), site_url=settings.SITE_URL)
    drafts = series.deliveries.filter(stage=models.Delivery.Stage.DRAFT)
    if draft is None:
        drafts.delete()
        return
    drafts.exclude(digest=draft.digest).delete()
    if series.deliveries.filter(digest=draft.digest).exclude(stage=models.Delivery.Stage.DRAFT).exists():
        return  # it was said already
    models.Delivery.objects.update_or_create(
        series=series,
        digest=draft.digest,
        defaults={
            "message_id": draft.message_id,
            "in_reply_to": draft.in_reply_to,
            "subject": conversion.storable(draft.subject),
            "recipients": [str(address) for address in draft.recipients],
            "raw": draft.raw,
            "reason": "Sending is off.",
        },
    )


def _sender() -> Address:
    name, _, email = settings.MAIL_FROM.rpartition(" ")
    return Address(name.strip(' "'), email.strip("<>"))
