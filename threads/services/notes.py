"""A word about an earlier mail of ours: that it was wrong, or that a later version has none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings

from reviewbot.findings import Severity
from reviewbot.mail.parse import parse_message
from reviewbot.mail.policy import Audience, Decision
from reviewbot.reports import letter
from reviewbot.reports.facts import SeriesReport, Told, Verdict
from reviewbot.reports.mail import compose_note
from threads import models
from threads.selectors import versions
from threads.selectors.marks import marks_of
from threads.services import outbox

Kind, Stage = models.Delivery.Kind, models.Delivery.Stage


def put(series: models.Series, report: SeriesReport) -> None:
    """Keep the notes that a report and what maintainers said of it give rise to."""
    for ours in series.deliveries.filter(kind=Kind.REPLY, stage=Stage.SENT):
        _take_back(series, report, ours)
    theirs = set(versions.by_its_author(series).values_list("pk", flat=True))
    if report.verdict is Verdict.CLEAN and series.previous and {series.pk, series.previous.pk} <= theirs:
        for ours in series.previous.deliveries.filter(kind=Kind.REPLY, stage=Stage.SENT):
            gone = [one for one in report.gone if one.finding.fingerprint in outbox.told_by(ours)]
            if gone:
                _keep(ours, report, gone, letter.mended(gone, report, settings.SITE_URL))


def _take_back(series: models.Series, report: SeriesReport, ours: models.Delivery) -> None:
    told = outbox.told_by(ours)
    judged = marks_of(series.topic_id) if told else {}
    for one in report.findings:
        marks = judged.get(one.finding.fingerprint, ())
        if one.finding.fingerprint in told and marks and marks[0].judgement == models.Mark.Judgement.WRONG:
            _keep(ours, report, [one], letter.retraction(one, marks[0].reason, report, settings.SITE_URL))


def decided(series: models.Series, report: SeriesReport, parent: models.Message) -> Decision:
    """Decide about a note: as about an error, and only where the policy says notes = true."""
    asked = replace(outbox.question(series, report, parent), worst=Severity.ERROR)
    return outbox.for_note(outbox.decided(asked))


def _keep(ours: models.Delivery, report: SeriesReport, told: Sequence[Told], body: str) -> None:
    """Keep one note on a mail; the same is said once, and gives way only while it has not left."""
    series = ours.series
    parent = models.Message.objects.select_related("author").filter(message_id=ours.in_reply_to).first()
    if series is None or parent is None:
        return
    decision = decided(series, report, parent)
    if not decision.rule.notes or decision.audience is Audience.OFF:
        return
    draft = compose_note(report, told, parse_message(bytes(ours.raw)), body, outbox.letterhead(decision))
    about = {one.finding.fingerprint for one in told}
    for before in series.deliveries.filter(kind=Kind.NOTE, in_reply_to=ours.message_id).exclude(digest=draft.digest):
        if outbox.told_by(before) & about:
            if before.stage not in outbox.REPLACEABLE:
                return
            before.delete()
    outbox.keep(series, ours.thread, draft, decision, Kind.NOTE)
