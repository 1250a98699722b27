"""What would be said by mail, who decides, and what people wish."""

from __future__ import annotations

from django.db import models

from threads.models.base import MESSAGE_ID_LENGTH
from threads.models.series import Series


class Delivery(models.Model):
    """One mail that was drafted, approved, sent, or withheld, and why."""

    class Stage(models.TextChoices):
        """How far a mail has come. What is unclear may have arrived: it is never sent again."""

        DRAFT = "draft"
        WAITING = "waiting"
        APPROVED = "approved"
        SENDING = "sending"
        SENT = "sent"
        UNCLEAR = "unclear"
        REFUSED = "refused"
        REJECTED = "rejected"
        WITHHELD = "withheld"

    class Kind(models.TextChoices):
        """What a mail is: to an author about a series, a correction of one, or to somebody who asked for it."""

        REPLY = "reply"
        NOTE = "note"
        ANSWER = "answer"
        DIGEST = "digest"
        COPY = "copy"

    series = models.ForeignKey(Series, null=True, blank=True, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.REPLY)
    digest = models.CharField(max_length=64)
    message_id = models.CharField(max_length=MESSAGE_ID_LENGTH, unique=True)
    in_reply_to = models.CharField(max_length=MESSAGE_ID_LENGTH)
    thread = models.CharField(max_length=MESSAGE_ID_LENGTH, blank=True, db_index=True)
    subject = models.TextField()
    recipients = models.JSONField(default=list)
    raw = models.BinaryField()
    drafted = models.BinaryField(default=b"", help_text="as it was before a person edited it, if one did")
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.DRAFT)
    reason = models.TextField(blank=True)
    decided_by = models.CharField(max_length=320, blank=True, help_text="a person, or the policy")
    decided_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    token = models.CharField(max_length=64, blank=True, help_text="digest of the word by which a mail decides, once")
    tries = models.PositiveIntegerField(default=0, help_text="how often the server could not take it")
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="when it was taken to be handed over")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["series", "digest"], name="one_delivery_of_the_same")]
        indexes = [models.Index(fields=["stage", "claimed_at"])]
        permissions = [("moderate", "Can decide about mails")]

    def __str__(self) -> str:
        return self.subject


class Consent(models.Model):
    """What somebody wishes about mails to them; the newest of an address counts, none is ever changed."""

    class Wish(models.TextChoices):
        """Mails or none, whatever the policy allows."""

        MAILS = "mails"
        NONE = "none"

    address = models.CharField(max_length=320, db_index=True, help_text="in lower case")
    wish = models.CharField(max_length=10, choices=Wish)
    by = models.CharField(max_length=320, help_text="who said so")
    how = models.TextField(blank=True, help_text="the mail or page on which it was said")
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.address}: {self.wish}"


class MailStop(models.Model):
    """While one is not lifted, no mail goes out."""

    by = models.CharField(max_length=320, help_text="a person, or the breaker")
    why = models.TextField()
    at = models.DateTimeField(auto_now_add=True)
    lifted_by = models.CharField(max_length=320, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.why


class RuleMute(models.Model):
    """While one is not lifted, nothing that the rule finds is told by mail."""

    rule = models.CharField(max_length=100, db_index=True)
    by = models.CharField(max_length=320)
    why = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)
    lifted_by = models.CharField(max_length=320, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.rule}: muted by {self.by}"


class Letter(models.Model):
    """A mail that was written to this service, and what became of it; a second one of the same changes nothing."""

    class Kind(models.TextChoices):
        """What it was."""

        COMMANDS = "commands"
        DECISION = "decision"
        BOUNCE = "bounce"
        OTHER = "other"

    message_id = models.CharField(max_length=MESSAGE_ID_LENGTH, unique=True)
    seal = models.CharField(max_length=64, null=True, unique=True, help_text="digest of the signature that holds")
    sender = models.CharField(max_length=320, blank=True)
    kind = models.CharField(max_length=10, choices=Kind)
    outcome = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.message_id


class Bounce(models.Model):
    """One address that a mail of ours did not reach, as its server reports (RFC 3464)."""

    address = models.CharField(max_length=320, db_index=True, help_text="in lower case")
    status = models.CharField(max_length=20, help_text="5.1.1 and the like; 4.x.x may mend itself")
    words = models.TextField(blank=True)
    delivery = models.ForeignKey(Delivery, null=True, on_delete=models.SET_NULL, related_name="bounces")
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.address}: {self.status}"
