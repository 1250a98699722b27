"""Sending what was approved: at most once, within the limits, and never while there is a stop.

A mail is claimed in a transaction of its own when the server has said that it
wants it, right before the server gets it. Whoever dies before that loses
nothing. Whoever dies behind it leaves a claim, and a claim without an outcome
is unclear: it may be out, so it is never sent again, and a person is told.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from reviewbot.mail.compose import with_date
from reviewbot.mail.policy import Policy, decide, refused
from reviewbot.mail.signing import attest, sign
from reviewbot.reports.facts import SeriesReport
from reviewbot.reports.keeping import unpack
from threads import models
from threads.selectors.outbox import for_mail, ledger, over_limit, standing_stop, tripped
from threads.services import notes, outbox, posting
from threads.services.smtp import Handed, Outcome, Server, hand_over

Stage = models.Delivery.Stage
Kind = models.Delivery.Kind

#: minutes until the next try, by how often the server could not take it; behind the last one it is given up
WAITS = (2, 10, 30, 60, 120, 240, 480)
#: the server has two minutes for each answer; who holds a claim for longer is dead
CLAIM = timedelta(minutes=30)


def send_due() -> int:
    """Send what is approved and due; return how many mails the server took."""
    outbox.withhold_forgotten()
    settle_abandoned()
    if not settings.SENDING or not settings.SMTP_URL or _stopped():
        return 0
    due = models.Delivery.objects.filter(stage=Stage.APPROVED).order_by("pk")
    taken = 0
    for pk, not_before in list(due.values_list("pk", "not_before")):
        if (not_before is None or not_before <= timezone.now()) and not _stopped():
            taken += send(pk)
    return taken


def _stopped() -> bool:
    """True while nothing may go out; too many bounces or wrong findings are a reason to stop."""
    if standing_stop() is None and (why := tripped(outbox.policy().breaker)):
        outbox.stop("the breaker", why)
    return standing_stop() is not None


def settle_abandoned() -> int:
    """Call unclear what was claimed and never settled: its worker died while the server had its ear."""
    return models.Delivery.objects.filter(stage=Stage.SENDING, claimed_at__lt=timezone.now() - CLAIM).update(
        stage=Stage.UNCLEAR,
        reason="The worker died while the mail was handed over, so it may have gone out; it is not sent again.",
    )


def send(delivery_id: int) -> bool:
    """Send one approved mail; False when it stays, with the reason on its row.

    :raises OperatorError: when policy, key or server address cannot be used; the mail stays approved.
    """
    rules = outbox.policy()
    server = Server.read(settings.SMTP_URL)
    row = models.Delivery.objects.select_related("series__author").get(pk=delivery_id)
    if not _due(row, rules):
        return False
    row.raw = with_date(bytes(row.raw), timezone.now())
    recipients = [address.rpartition(" ")[2].strip("<>") for address in row.recipients]
    bounces = settings.MAIL_BOUNCES or posting.sender().email
    outcome = hand_over(server, signed(row.raw), bounces, recipients, partial(_claim, row, rules))
    if outcome is None:
        return False
    _settle(row, outcome)
    if outcome.handed is Handed.REFUSED:
        _stopped()
    return outcome.handed is Handed.TAKEN


def signed(mail: bytes) -> bytes:
    """Return the mail with its signatures, where keys are configured."""
    if settings.PATATT_KEY:
        mail = attest(mail, selector=settings.PATATT_SELECTOR, key=settings.PATATT_KEY, at=timezone.now())
    if not settings.DKIM_KEY:
        return mail
    domain = settings.DKIM_DOMAIN or posting.sender().email.rpartition("@")[2]
    return sign(mail, domain=domain, selector=settings.DKIM_SELECTOR, key=settings.DKIM_KEY)


def _may_go(row: models.Delivery, rules: Policy) -> bool:
    """Ask once more: the policy may have changed, and the series may have been posted anew."""
    if row.kind == Kind.COPY:
        return True
    if row.series is None:
        refusals = (refused(rules, _email(one), ledger()) for one in row.recipients)
        why = next(filter(None, refusals), "")
        return _stays(row, Stage.WITHHELD, why) if why else True
    return _series_may_be_told(row, row.series, rules)


def _series_may_be_told(row: models.Delivery, series: models.Series, rules: Policy) -> bool:
    if row.kind == Kind.REPLY and (why := outbox.outdated(series)):
        return _stays(row, Stage.WITHHELD, why)
    parent = models.Message.objects.select_related("author").get(message_id=outbox.answered_mail(row))
    report = for_mail(unpack(SeriesReport, series.report.facts))
    if row.kind == Kind.NOTE:
        decision = notes.decided(series, report, parent)
    else:
        decision = decide(rules, outbox.question(series, report, parent), ledger())
    if not decision.sends:
        return _stays(row, Stage.WITHHELD, decision.reason)
    allowed = {parent.author.email.lower(), *(one.email.lower() for one in decision.copied)}
    if any(_email(one) not in allowed for one in row.recipients):
        return _stays(row, Stage.WITHHELD, "Somebody it was written to may not be written to any more.")
    if decision.not_before and row.decided_by == "policy":
        return _stays(row, Stage.APPROVED, "The embargo is not over.", decision.not_before)
    if row.kind == Kind.REPLY and _said_already(row, series, each=decision.rule.each):
        return _stays(row, Stage.WITHHELD, "Another mail about this version went out already.")
    return True


def _said_already(row: models.Delivery, series: models.Series, *, each: bool) -> bool:
    said = series.deliveries.filter(kind=Kind.REPLY, stage__in=outbox.SAID).exclude(pk=row.pk)
    return (said.filter(in_reply_to=row.in_reply_to) if each else said).exists()


def _due(row: models.Delivery, rules: Policy) -> bool:
    """Ask whether a mail may go and has room; False when it stays, with the reason on its row."""
    if row.stage != Stage.APPROVED or not _may_go(row, rules):
        return False
    if reached := over_limit(row, rules.limits):
        return _stays(row, Stage.APPROVED, reached, timezone.now() + timedelta(minutes=15))
    return True


def _claim(row: models.Delivery, rules: Policy) -> bool:
    """Take the mail; of several workers one, only within the limits, and not when all was stopped meanwhile."""
    with transaction.atomic():
        # Whoever counts waits for whoever counted before, so that two cannot take the last place.
        held = list(models.Delivery.objects.select_for_update().filter(stage=Stage.APPROVED).order_by("pk"))
        if row.pk not in [one.pk for one in held] or standing_stop() or not _due(row, rules):
            return False
        row.stage, row.claimed_at, row.reason = Stage.SENDING, timezone.now(), "It is being handed over."
        row.save(update_fields=["stage", "claimed_at", "reason", "raw"])
    return True


def _settle(row: models.Delivery, outcome: Outcome) -> None:
    """Write down what became of a mail; one that was not claimed may be in somebody else's hands by now."""
    mine = models.Delivery.objects.filter(pk=row.pk, stage=row.stage)
    if outcome.handed is Handed.LATER and row.tries < len(WAITS):
        until = timezone.now() + timedelta(minutes=WAITS[row.tries])
        mine.update(stage=Stage.APPROVED, reason=outcome.words, tries=row.tries + 1, claimed_at=None, not_before=until)
        return
    stages = {Handed.TAKEN: Stage.SENT, Handed.UNKNOWN: Stage.UNCLEAR}
    mine.update(
        stage=stages.get(outcome.handed, Stage.REFUSED),
        reason=outcome.words,
        claimed_at=row.claimed_at or timezone.now(),
        not_before=None,
    )


def _stays(row: models.Delivery, stage: models.Delivery.Stage, why: str, until: datetime | None = None) -> bool:
    models.Delivery.objects.filter(pk=row.pk).update(stage=stage, reason=why, not_before=until)
    return False


def _email(recipient: str) -> str:
    return recipient.rpartition(" ")[2].strip("<>").lower()
