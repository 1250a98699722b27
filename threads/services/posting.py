"""Mails of ours that no person has to look at: answers, digests, and copies of drafts for the moderators."""

from __future__ import annotations

import hashlib
import secrets

from django.conf import settings
from django.utils import timezone

from reviewbot.mail.compose import compose_mail
from reviewbot.mail.message import Address
from reviewbot.mail.policy import Rule
from reviewbot.reports.terminal import visible
from threads import conversion, models
from threads.services.queue import enqueue

Kind, Stage = models.Delivery.Kind, models.Delivery.Stage

_HOW = """\
This mail waits for a moderator. Answer with one line:
  approve
  reject: why it should not go
or look at it at {url}

To: {to}
Why it may go: {reason}

--- 8< ---
"""


def sender(rule: Rule | None = None) -> Address:
    """Return who the mails are from, by the rule that applies to them."""
    name, _, email = ((rule and rule.sender) or settings.MAIL_FROM).rpartition(" ")
    return Address(name.strip(' "'), email.strip("<>"))


def answers_to() -> str:
    """Return the bare address to which people write."""
    return settings.MAIL_REPLY_TO.rpartition(" ")[2].strip("<>") or sender().email


def show(row: models.Delivery) -> None:
    """Send a copy of a waiting mail to the moderators, where there are any; an answer to it decides, once."""
    if not settings.MODERATORS:
        return
    token = secrets.token_hex(16)
    row.token = digest_of(token)
    row.save(update_fields=["token"])
    ours = sender()
    user, _, domain = answers_to().rpartition("@")
    how = _HOW.format(
        url=f"{settings.SITE_URL}/outbox/{row.pk}/", to=", ".join(map(visible, row.recipients)), reason=row.reason
    )
    shown = "".join(f"| {visible(line)}\n" for line in bytes(row.raw).decode("utf-8", "replace").split("\n"))
    message_id = f"copy.{row.token[:32]}@{ours.email.rpartition('@')[2]}"
    subject = f"[to approve] {row.subject}"
    raw = compose_mail(
        subject,
        how + shown,
        sender=ours,
        to=[Address("", address) for address in settings.MODERATORS],
        message_id=message_id,
        date=timezone.now(),
        headers={"Reply-To": f"{user}+{token}@{domain}", "Precedence": "bulk"},
    )
    post(Kind.COPY, raw, message_id, subject, list(settings.MODERATORS))


def post(
    kind: models.Delivery.Kind, raw: bytes, message_id: str, subject: str, recipients: list[str], in_reply_to: str = ""
) -> models.Delivery:
    """Put a mail that no person has to look at into the outbox; the same one twice stays one."""
    row, _ = models.Delivery.objects.get_or_create(
        message_id=message_id,
        defaults={
            "kind": kind,
            "digest": hashlib.sha256(raw).hexdigest(),
            "in_reply_to": in_reply_to,
            "subject": conversion.storable(subject),
            "recipients": recipients,
            "raw": raw,
            "stage": Stage.APPROVED,
            "reason": "It needs no approval.",
            "decided_by": "policy",
            "decided_at": timezone.now(),
        },
    )
    enqueue("send_due")
    return row


def digest_of(token: str) -> str:
    """Return the digest by which a row knows the word that decides about it."""
    return hashlib.sha256(token.encode()).hexdigest()
