"""What people do: marks on findings, keys to the API, and the log of both."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from threads.models.base import MESSAGE_ID_LENGTH, AppendOnly
from threads.models.mail import MailingList
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


class Watch(models.Model):
    """What somebody wants to see on top of the inbox."""

    class Kind(models.TextChoices):
        """A file or a folder, a mailing list, or the address of an author."""

        FILE = "file"
        LIST = "list"
        AUTHOR = "author"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watches")
    kind = models.CharField(max_length=10, choices=Kind)
    value = models.CharField(max_length=500, help_text="a folder ends in /")

    class Meta:
        verbose_name_plural = "watches"
        ordering = ["kind", "value"]
        constraints = [models.UniqueConstraint(fields=["user", "kind", "value"], name="one_watch_of_the_same")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class Maintainer(models.Model):
    """Somebody who may judge findings, set states and decide about mails of one list, and of no other."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="maintained")
    mailing_list = models.ForeignKey(MailingList, on_delete=models.CASCADE, related_name="maintainers")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "mailing_list"], name="one_maintainer_per_list")]

    def __str__(self) -> str:
        return f"{self.user} of {self.mailing_list}"


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
