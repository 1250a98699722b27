"""What other programs say and are told: their checks, decisions about patches, events, webhooks."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from reviewbot.reports.facts import State
from threads.models.base import choices
from threads.models.mail import MailingList, Message


class PatchDecision(models.Model):
    """What maintainers decided about a patch; it is kept for the mail, whatever series it is assembled into."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="decision")
    state = models.SlugField(max_length=50, blank=True, help_text="as Patchwork spells it; empty when nobody said")
    archived = models.BooleanField(default=False)
    delegate = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="delegated"
    )
    commit_ref = models.CharField(max_length=255, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.message_id}: {self.state}"


class ForeignCheck(models.Model):
    """What another bot says about a patch; never one of our own results."""

    class Word(models.TextChoices):
        """The states of Patchwork's checks."""

        PENDING = "pending"
        SUCCESS = "success"
        WARNING = "warning"
        FAIL = "fail"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="foreign_checks")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="foreign_checks")
    context = models.SlugField(max_length=255)
    state = models.CharField(max_length=10, choices=Word)
    target_url = models.URLField(max_length=2000, blank=True)
    description = models.TextField(blank=True)
    date = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.context}: {self.state}"


class Event(models.Model):
    """Something that was done to a patch; that series come and are complete is told by their own rows."""

    category = models.CharField(max_length=50, help_text="as Patchwork calls it")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="events")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="events")
    check_row = models.ForeignKey(ForeignCheck, null=True, on_delete=models.CASCADE, related_name="events")
    before = models.CharField(max_length=255, blank=True, help_text="state, or id of the delegate")
    after = models.CharField(max_length=255, blank=True)
    date = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.category


class Webhook(models.Model):
    """An address that is told what happens."""

    name = models.SlugField(max_length=100, unique=True)
    url = models.URLField(max_length=2000)
    secret = models.CharField(max_length=100, help_text="key of the signatures")
    mailing_list = models.ForeignKey(
        MailingList,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="webhooks",
        help_text="of these alone",
    )
    active = models.BooleanField(default=True)
    told_until = models.DateTimeField(help_text="what happened before is queued")
    failing_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class WebhookCall(models.Model):
    """One thing to be told to one address; tried again with growing pauses until it is taken or given up."""

    hook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="calls")
    key = models.CharField(max_length=150, help_text="what is told; the same is told once")
    event = models.CharField(max_length=50)
    body = models.TextField()
    state = models.CharField(max_length=20, choices=choices(State), default=State.NOT_RUN)
    reason = models.TextField(blank=True)
    tries = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(help_text="when it is tried next; also the end of the lease of who tries it")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hook", "key"], name="one_call_of_the_same")]
        indexes = [models.Index(fields=["state", "due_at"])]

    def __str__(self) -> str:
        return self.key
