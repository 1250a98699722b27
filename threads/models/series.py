"""Series, their versions and their patches."""

from __future__ import annotations

from django.db import models

from reviewbot.reports.facts import Verdict
from threads.models.base import MESSAGE_ID_LENGTH, Work, choices
from threads.models.mail import MailingList, Message, Person


class Topic(models.Model):
    """All versions of the same work."""

    name = models.CharField(max_length=500)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Series(Work):
    """One posted version of a patch set, and how far it has come."""

    # Indexes that begin with them stand below; another one of each alone would only be written.
    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, related_name="series", db_index=False)
    root_msgid = models.CharField(max_length=MESSAGE_ID_LENGTH, unique=True)
    subject = models.TextField()
    name = models.CharField(max_length=500)
    name_key = models.CharField(max_length=200, blank=True, db_index=True, help_text="name, folded to its words")
    version = models.PositiveIntegerField()
    expected = models.PositiveIntegerField()
    author = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="series", db_index=False)
    date = models.DateTimeField()
    cover = models.OneToOneField(Message, null=True, blank=True, on_delete=models.PROTECT, related_name="cover_of")
    prefixes = models.JSONField(default=list)
    base_commit = models.CharField(max_length=64, blank=True)
    change_id = models.CharField(max_length=255, blank=True, db_index=True)
    prerequisites = models.JSONField(default=list)
    based_on = models.JSONField(default=list)
    links = models.JSONField(default=list)
    cover_trailers = models.JSONField(default=list)
    previous = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="later")
    previous_how = models.CharField(max_length=20, blank=True)
    lists = models.ManyToManyField(MailingList, related_name="series")
    received_at = models.DateTimeField(auto_now_add=True)
    wanted = models.BooleanField(default=False, help_text="somebody asked for it, or its list is followed")
    verdict = models.CharField(max_length=20, choices=choices(Verdict), default=Verdict.UNKNOWN)
    new_errors = models.PositiveIntegerField(default=0)
    new_warnings = models.PositiveIntegerField(default=0)
    options = models.JSONField(default=dict, help_text="what was asked for: tree, checks, build")

    class Meta:
        verbose_name_plural = "series"
        indexes = [
            models.Index(fields=["-date", "-id"]),
            models.Index(fields=["verdict", "-date", "-id"]),
            models.Index(fields=["state", "-date", "-id"]),
            models.Index(fields=["topic", "version"]),
            models.Index(fields=["author", "date"], name="threads_series_author_date"),
            models.Index(fields=["-received_at", "-id"], name="threads_series_received"),
        ]

    def __str__(self) -> str:
        return self.subject


class Patch(models.Model):
    """Message n of a series with a diff. The diff itself stands in the message.

    A mail belongs to one series, ``message.series``; a partial re-roll (v2 of
    patch 3 alone) carries the other patches of the version before as its own.
    """

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="patches", db_index=False)
    number = models.PositiveIntegerField()
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="patches")
    subject = models.TextField()
    name_key = models.CharField(max_length=200, blank=True, db_index=True, help_text="subject, folded to its words")
    patch_id = models.CharField(max_length=64, db_index=True)
    files = models.JSONField(default=list)
    trailers = models.JSONField(default=list)
    own_trailers = models.PositiveIntegerField(
        default=0, help_text="how many of them this posting was given; those behind are carried over from others"
    )

    class Meta:
        verbose_name_plural = "patches"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["series", "number"], name="patch_number_once_per_series"),
            models.UniqueConstraint(fields=["series", "message"], name="patch_mail_once_per_series"),
        ]

    def __str__(self) -> str:
        return self.subject


class Submission(Work):
    """What a person asked for by Message-ID or link, until it has become a series."""

    target = models.CharField(max_length=MESSAGE_ID_LENGTH, unique=True)
    options = models.JSONField(default=dict)
    actor = models.CharField(max_length=100, blank=True)
    series = models.ForeignKey(Series, null=True, blank=True, on_delete=models.SET_NULL, related_name="submissions")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.target
