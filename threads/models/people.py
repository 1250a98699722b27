"""What people do: marks on findings, keys to the API, and the log of both."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from threads.models.base import MESSAGE_ID_LENGTH, AppendOnly
from threads.models.series import Series, Topic


class Mark(AppendOnly):
    """What a maintainer says about a finding; the newest about a finding of a topic counts."""

    class Judgement(models.TextChoices):
        """Right and wanted, not true, or true and not worth a mail."""

        RIGHT = "right"
        WRONG = "wrong"
        UNWORTHY = "not worth it"

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="marks")
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="marks", help_text="where it was marked")
    fingerprint = models.CharField(max_length=16)
    rule = models.CharField(max_length=100, db_index=True)
    judgement = models.CharField(max_length=12, choices=Judgement)
    reason = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["topic", "fingerprint"])]

    def __str__(self) -> str:
        return f"{self.rule} {self.fingerprint}: {self.judgement}"


class AuditEntry(AppendOnly):
    """One thing that a person did, and to what."""

    action = models.CharField(max_length=50)
    about = models.CharField(max_length=MESSAGE_ID_LENGTH, blank=True)
    detail = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["-at"])]

    def __str__(self) -> str:
        return f"{self.who}: {self.action} {self.about}"


class Token(models.Model):
    """The key of a program or a person to the API; only its digest is kept."""

    name = models.SlugField(max_length=100, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key")
    scopes = models.CharField(max_length=200, help_text="what it is good for, words between blanks")
    created_at = models.DateTimeField(auto_now_add=True)
    used_on = models.DateField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
