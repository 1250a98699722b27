"""The outbox: what would be said, who decides about it, and what people wish.

A mail becomes a row before anything else happens to it. The policy decides
whether it may leave at all and whether a person has to look first; a person
approves, edits or rejects it; only then is it sent, by :mod:`threads.services.sending`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from reviewbot.errors import AuthorError, NotFoundError, OperatorError
from reviewbot.mail.compose import with_body
from reviewbot.mail.message import Address
from reviewbot.mail.policy import Audience, Decision, Policy, Question, decide, is_automatic
from reviewbot.mail.policyfile import read_policy
from reviewbot.reports.facts import SeriesReport, Verdict
from reviewbot.reports.mail import (
    Draft,
    Letterhead,
    answered,
    compose,
    compose_clean,
    compose_unapplied,
    worth_saying,
)
from threads import conversion, models
from threads.selectors import versions
from threads.selectors.outbox import addressee, for_mail, ledger
from threads.selectors.rules import find_rule
from threads.services import pipeline, posting
from threads.services.marks import note
from threads.services.queue import enqueue

Stage = models.Delivery.Stage
Kind = models.Delivery.Kind

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


def question(series: models.Series, report: SeriesReport, parent: models.Message) -> Question:
    """Ask about a series: who could be told, and of what."""
    said = worth_saying(report)
    lists = series.lists.exclude(address="").values_list("address", flat=True)
    people = [Address(*pair) for pair in (*parent.to, *parent.cc)]
    ours = posting.sender().email.lower()
    return Question(
        lists=[*lists, *(one.email for one in people)],
        author=Address(parent.author_name, parent.author.email),
        others=[one for one in people if one.email.lower() not in (ours, parent.author.email.lower())],
        worst=min((told.finding.severity for told in said), key=lambda one: one.rank, default=None),
        posted=series.date,
        now=timezone.now(),
        asked=bool(series.options.get("answer")),
        automatic=parent.author.email.lower() == ours or is_automatic(conversion.decompress(parent.raw)),
    )


def put(series: models.Series, report: SeriesReport) -> None:
    """Keep what a series deserves to be told, as far as the policy lets it go; what was drafted before gives way."""
    report = for_mail(report)
    withdraw_older(series)
    ours = series.deliveries.filter(kind=Kind.REPLY)
    # Locked, so that none of them is claimed and sent while another takes its place.
    standing = ours.select_for_update().order_by("pk").values_list("in_reply_to", "stage")
    said = {answered for answered, stage in standing if stage in SAID}
    wanted = [(parent, *letter) for parent in _parents(series, report) if (letter := _letter(series, report, parent))]
    if wanted and not wanted[0][2].rule.each:
        wanted = [] if said else wanted[:1]
    ours.filter(stage__in=REPLACEABLE).exclude(digest__in=[draft.digest for _, draft, _ in wanted]).delete()
    for parent, draft, decision in wanted:
        if parent.message_id not in said:
            keep(series, parent.thread, draft, decision)


def withdraw_older(series: models.Series) -> int:
    """Withhold what has not left about earlier versions of a work, once its author has posted this one."""
    theirs = versions.by_its_author(series)
    if not theirs.filter(pk=series.pk).exists():
        return 0
    open_ones = models.Delivery.objects.filter(kind=Kind.REPLY, stage__in=(Stage.DRAFT, Stage.WAITING, Stage.APPROVED))
    older = open_ones.filter(series__in=theirs.filter(version__lt=series.version))
    return older.update(stage=Stage.WITHHELD, reason=_outdated_by(series.version))


def outdated(series: models.Series) -> str:
    """Return the sentence that says why a reply about a version comes too late, "" when it does not."""
    newer = versions.by_its_author(series).filter(version__gt=series.version).order_by("-version").first()
    return _outdated_by(newer.version) if newer else ""


def _outdated_by(version: int) -> str:
    return f"v{version} was posted before this went out."


def _parents(series: models.Series, report: SeriesReport) -> list[models.Message]:
    """Return the mails to answer: the patches that something is wrong with; of a clean series its first mail."""
    rows = {row.message.message_id: row.message for row in series.patches.select_related("message__author")}
    if report.verdict is Verdict.FINDINGS:
        return [rows[patch.message_id] for patch in answered(report, rows)]
    if report.verdict in (Verdict.CLEAN, Verdict.DOES_NOT_APPLY):
        rejected = [rows[report.failure.message_id]] if report.failure and report.failure.message_id in rows else []
        cover = [series.cover] if series.cover else []
        return [*rejected, *cover, *rows.values()][:1]
    return []


def _letter(series: models.Series, report: SeriesReport, parent: models.Message) -> tuple[Draft, Decision] | None:
    """Write to those who may have it; what stays here is written as to everybody, to be looked at."""
    asked = question(series, report, parent)
    decision = decided(asked)
    if why := outdated(series):
        decision = Decision(Audience.OFF, why, rule=decision.rule)
    if asked.worst is None and decision.audience is Audience.OFF:
        return None
    head = letterhead(decision)
    mail = conversion.message(parent)
    if asked.worst is None:
        write = compose_clean if report.verdict is Verdict.CLEAN else compose_unapplied
        return write(report, mail, head), decision
    patch = next(one for one in report.patches if one.message_id == parent.message_id)
    return compose(report, patch, mail, head, alone=decision.rule.each), decision


def decided(asked: Question) -> Decision:
    """Decide; what a policy that cannot be read would allow is not known, so that nothing leaves."""
    try:
        decision = decide(policy(), asked, ledger())
    except OperatorError as error:
        return Decision(Audience.DRAFT, str(error))
    if decision.audience is Audience.DRAFT and not settings.MAIL_POLICY.exists():
        return replace(decision, reason="Drafts are kept and not sent: there is no mail policy.")
    return decision


def for_note(decision: Decision) -> Decision:
    """Return what a decision about a series means for a word about an earlier mail of ours."""
    if decision.rule.notes or not decision.sends:
        return decision
    return replace(decision, audience=Audience.OFF, reason=f"[{decision.rule.name}] says notes = false.")


def answered_mail(row: models.Delivery) -> str:
    """Return the Message-ID of the patch that a mail is about; a note answers a mail of ours that answers it."""
    ours = models.Delivery.objects.filter(message_id=row.in_reply_to, kind=Kind.REPLY).first()
    return ours.in_reply_to if ours else row.in_reply_to


def told_by(row: models.Delivery) -> set[str]:
    """Return the fingerprints of the findings that a mail of ours tells."""
    value = re.search(rb"^X-Reviewbot-Findings:((?:[^\n]|\n )*)", bytes(row.raw).partition(b"\n\n")[0], re.MULTILINE)
    return {pair.split()[-1] for pair in value[1].decode("ascii").split(",") if pair.strip()} if value else set()


def letterhead(decision: Decision) -> Letterhead:
    """Return who writes to whom."""
    return Letterhead(
        posting.sender(decision.rule),
        settings.SITE_URL,
        decision.rule.reply_to or settings.MAIL_REPLY_TO,
        decision.copied if decision.sends else None,
    )


def keep(
    series: models.Series,
    thread: str,
    draft: Draft,
    decision: Decision,
    kind: models.Delivery.Kind = Kind.REPLY,
) -> None:
    """Keep a draft at the stage that the policy gives it; what a person decided about the same bytes stays."""
    stage = {Audience.OFF: Stage.WITHHELD, Audience.DRAFT: Stage.DRAFT}.get(
        decision.audience, Stage.WAITING if decision.moderated else Stage.APPROVED
    )
    same = series.deliveries.filter(digest=draft.digest)
    if same.filter(decided_at__isnull=False).exclude(decided_by="policy").exists():
        return
    waited = same.filter(stage=Stage.WAITING).exists()
    row, _ = models.Delivery.objects.update_or_create(
        series=series,
        digest=draft.digest,
        defaults={
            "kind": kind,
            "message_id": draft.message_id,
            "in_reply_to": draft.in_reply_to,
            "thread": thread,
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
    if stage == Stage.WAITING and not waited:
        posting.show(row)


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
        note(by[:150], "edited a mail", row.message_id)
        row.drafted = row.drafted or row.raw
        row.raw = with_body(bytes(row.raw), body)
        row.reason = f"Edited by {by}."
        row.decided_by, row.decided_at = by, timezone.now()
        row.save(update_fields=["drafted", "raw", "reason", "decided_by", "decided_at"])
    return row


def _decide(delivery_id: int, stage: models.Delivery.Stage, by: str, why: str) -> models.Delivery:
    with transaction.atomic():
        row = _waiting(delivery_id)
        note(by[:150], f"{stage} a mail", row.message_id, why)
        row.stage, row.reason, row.decided_by, row.decided_at, row.token = stage, why, by, timezone.now(), ""
        row.save(update_fields=["stage", "reason", "decided_by", "decided_at", "token"])
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
        note(by[:150], f"wished {what} for", email, how)
        models.Consent.objects.create(address=email, wish=what, by=by, how=how)
        if what == models.Consent.Wish.NONE:
            standing = models.Delivery.objects.filter(stage__in=(Stage.WAITING, Stage.APPROVED), series__isnull=False)
            theirs = [row.pk for row in standing.only("recipients") if addressee(row) == email]
            models.Delivery.objects.filter(pk__in=theirs, stage__in=(Stage.WAITING, Stage.APPROVED)).update(
                stage=Stage.WITHHELD, reason="The author wants no mails."
            )


def stop(by: str, why: str) -> models.MailStop:
    """Let no mail go out until the stop is lifted."""
    note(by[:150], "stopped all mails", "", why)
    return models.MailStop.objects.create(by=by, why=why)


def lift(by: str) -> int:
    """Lift every stop; return how many there were."""
    note(by[:150], "let mails go again", "")
    return models.MailStop.objects.filter(lifted_at=None).update(lifted_at=timezone.now(), lifted_by=by)


def mute(rule: str, by: str, why: str = "") -> models.RuleMute:
    """Say nothing by mail of what a rule finds, until that is lifted; what waits is written anew without it.

    :raises NotFoundError: when there is no such rule.
    """
    if find_rule(rule) is None:
        raise NotFoundError(f"There is no rule named {rule}; the page of rules lists them.")
    note(by[:150], "muted a rule", rule, why)
    with transaction.atomic():
        row = models.RuleMute.objects.create(rule=rule, by=by, why=conversion.storable(why)[:2000])
        _write_anew(models.Delivery.objects.filter(stage__in=REPLACEABLE, kind=Kind.REPLY))
    return row


def unmute(rule: str, by: str) -> int:
    """Let a rule be told again; return how many mutes were lifted."""
    note(by[:150], "unmuted a rule", rule)
    return models.RuleMute.objects.filter(rule=rule, lifted_at=None).update(lifted_at=timezone.now(), lifted_by=by)


def _write_anew(rows: QuerySet[models.Delivery]) -> None:
    pipeline.refresh(models.Series.objects.filter(deliveries__in=rows))
