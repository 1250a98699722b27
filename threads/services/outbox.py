"""The outbox: what would be said, who decides about it, and what people wish.

A mail becomes a row before anything else happens to it. The policy decides
whether it may leave at all and whether a person has to look first; a person
approves, edits or rejects it; only then is it sent, by :mod:`threads.services.sending`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from reviewbot.errors import AuthorError, OperatorError
from reviewbot.mail.compose import with_body
from reviewbot.mail.message import Address
from reviewbot.mail.policy import Audience, Decision, Policy, Question, decide, is_automatic
from reviewbot.mail.policyfile import read_policy
from reviewbot.reports.facts import PatchFacts, SeriesReport, Verdict
from reviewbot.reports.mail import Draft, answered, compose, worth_saying
from threads import conversion, models
from threads.selectors.outbox import ledger
from threads.services.queue import enqueue

Stage = models.Delivery.Stage

#: while a mail is here, nothing has left; another one may take its place
REPLACEABLE = (Stage.DRAFT, Stage.WAITING, Stage.APPROVED, Stage.WITHHELD)
#: it is out, or may be: one mail for each version, and this was it
SAID = (Stage.SENDING, Stage.SENT, Stage.UNCLEAR)


def policy() -> Policy:
    """Return the policy as its file says now; without a file drafts are kept, and nothing is sent.

    :raises OperatorError: when the file cannot be understood.
    """
    try:
        return read_policy(settings.MAIL_POLICY.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Policy()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"The mail policy {settings.MAIL_POLICY.name} cannot be read: {error}.") from error


def sender() -> Address:
    """Return who the mails are from."""
    name, _, email = settings.MAIL_FROM.rpartition(" ")
    return Address(name.strip(' "'), email.strip("<>"))


def question(series: models.Series, report: SeriesReport, parent: models.Message) -> Question:
    """Ask about a series: who could be told, and of what."""
    said = worth_saying(report)
    lists = series.lists.exclude(address="").values_list("address", flat=True)
    people = [Address(*pair) for pair in (*parent.to, *parent.cc)]
    ours = sender().email.lower()
    return Question(
        lists=[*lists, *(one.email for one in people)],
        author=Address(parent.author_name, parent.author.email),
        others=[one for one in people if one.email.lower() not in (ours, parent.author.email.lower())],
        worst=min((told.finding.severity for told in said), key=lambda one: one.rank, default=None),
        posted=series.date,
        now=timezone.now(),
        automatic=parent.author.email.lower() == ours or is_automatic(conversion.decompress(parent.raw)),
    )


def put(series: models.Series, report: SeriesReport) -> None:
    """Keep the reply that a series deserves, as far as the policy lets it go; what was drafted before gives way."""
    if series.deliveries.filter(stage__in=SAID).exists():
        return
    stale = series.deliveries.filter(stage__in=REPLACEABLE)
    rows = {row.message.message_id: row.message for row in series.patches.select_related("message__author")}
    patch = answered(report, rows) if report.verdict is Verdict.FINDINGS else None
    if patch is None:
        stale.delete()
        return
    parent = rows[patch.message_id]
    decision = _decision(question(series, report, parent))
    draft = _compose(report, patch, parent, decision)
    stale.exclude(digest=draft.digest).delete()
    _keep(series, parent, draft, decision)


def _decision(asked: Question) -> Decision:
    """Decide; what a policy that cannot be read would allow is not known, so that nothing leaves."""
    try:
        return decide(policy(), asked, ledger())
    except OperatorError as error:
        return Decision(Audience.DRAFT, str(error))


def _compose(report: SeriesReport, patch: PatchFacts, parent: models.Message, decision: Decision) -> Draft:
    """Write the mail to those who may have it; what stays here is written as to everybody, to be looked at."""
    return compose(
        report,
        patch,
        conversion.message(parent),
        sender=sender(),
        copied=decision.copied if decision.sends else None,
        site_url=settings.SITE_URL,
        reply_to=settings.MAIL_REPLY_TO,
    )


def _keep(series: models.Series, parent: models.Message, draft: Draft, decision: Decision) -> None:
    """Keep a draft at the stage that the policy gives it; what a person decided about the same bytes stays."""
    stage = {Audience.OFF: Stage.WITHHELD, Audience.DRAFT: Stage.DRAFT}.get(
        decision.audience, Stage.WAITING if decision.moderated else Stage.APPROVED
    )
    decided = series.deliveries.filter(digest=draft.digest, decided_at__isnull=False).exclude(decided_by="policy")
    if decided.exists():
        return
    models.Delivery.objects.update_or_create(
        series=series,
        digest=draft.digest,
        defaults={
            "message_id": draft.message_id,
            "in_reply_to": draft.in_reply_to,
            "thread": parent.thread,
            "subject": conversion.storable(draft.subject),
            "recipients": [str(address) for address in draft.recipients],
            "raw": draft.raw,
            "stage": stage,
            "reason": decision.reason,
            "not_before": decision.not_before,
            "decided_by": "policy" if stage == Stage.APPROVED else "",
            "decided_at": timezone.now() if stage == Stage.APPROVED else None,
        },
    )
    if stage == Stage.APPROVED:
        enqueue("send_due")


# --- what people decide ---------------------------------------------------------------------------------------------


def approve(delivery_id: int, by: str) -> models.Delivery:
    """Let a mail go that was waiting for a person.

    :raises AuthorError: when it is not waiting: somebody else was first, or the policy keeps it here.
    """
    return _decide(delivery_id, Stage.APPROVED, by, "Approved.")


def reject(delivery_id: int, by: str, why: str) -> models.Delivery:
    """Keep a mail from going, with the reason.

    :raises AuthorError: when it is not waiting, or no reason is given.
    """
    if not why.strip():
        raise AuthorError("A mail is rejected with a reason; say why it should not go.")
    return _decide(delivery_id, Stage.REJECTED, by, conversion.storable(why.strip())[:2000])


def edit(delivery_id: int, by: str, body: str) -> models.Delivery:
    """Change the text of a mail that waits; what was drafted is kept beside it. Header and recipients stay.

    :raises AuthorError: when it is not waiting, or nothing is left of it.
    """
    if not body.strip():
        raise AuthorError("Nothing is left of the mail; reject it instead.")
    with transaction.atomic():
        row = _waiting(delivery_id)
        row.drafted = row.drafted or row.raw
        row.raw = with_body(bytes(row.raw), body)
        row.reason = f"Edited by {by}."
        row.decided_by, row.decided_at = by, timezone.now()
        row.save(update_fields=["drafted", "raw", "reason", "decided_by", "decided_at"])
    return row


def _decide(delivery_id: int, stage: models.Delivery.Stage, by: str, why: str) -> models.Delivery:
    with transaction.atomic():
        row = _waiting(delivery_id)
        row.stage, row.reason, row.decided_by, row.decided_at = stage, why, by, timezone.now()
        row.save(update_fields=["stage", "reason", "decided_by", "decided_at"])
        if stage == Stage.APPROVED:
            enqueue("send_due")
    return row


def _waiting(delivery_id: int) -> models.Delivery:
    row = models.Delivery.objects.select_for_update().filter(pk=delivery_id).first()
    if row is None or row.stage != Stage.WAITING:
        state = f"it is {row.get_stage_display().lower()}" if row else "it was replaced by a newer one"
        raise AuthorError(f"This mail does not wait for anybody: {state}.")
    return row


def withhold_forgotten() -> int:
    """Withhold what nobody approved in time; return how many mails that were."""
    before = timezone.now() - timedelta(days=settings.MODERATION_DAYS)
    return models.Delivery.objects.filter(stage=Stage.WAITING, created_at__lt=before).update(
        stage=Stage.WITHHELD, reason=f"Nobody approved it within {settings.MODERATION_DAYS} days."
    )


def wish(addresses: Iterable[str], what: models.Consent.Wish, by: str, how: str = "") -> None:
    """Note what somebody wishes about mails to them; what waits for those who want none is withheld.

    :param by: who said so; ``how`` names the mail or the page.
    """
    for address in addresses:
        email = address.strip().lower()
        models.Consent.objects.create(address=email, wish=what, by=by, how=how)
        if what == models.Consent.Wish.NONE:
            models.Delivery.objects.filter(
                stage__in=(Stage.WAITING, Stage.APPROVED), series__author__email__iexact=email
            ).update(stage=Stage.WITHHELD, reason="The author wants no mails.")


def stop(by: str, why: str) -> models.MailStop:
    """Let no mail go out until the stop is lifted."""
    return models.MailStop.objects.create(by=by, why=why)


def lift(by: str) -> int:
    """Lift every stop; return how many there were."""
    return models.MailStop.objects.filter(lifted_at=None).update(lifted_at=timezone.now(), lifted_by=by)
