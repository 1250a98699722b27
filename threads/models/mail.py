"""What came in: lists, people, mails, and how far each source was read."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from threads.models.base import MESSAGE_ID_LENGTH


class MailingList(models.Model):
    """A list that is followed: where its archive is, and how far it was read."""

    name = models.SlugField(max_length=100, unique=True)
    address = models.EmailField(blank=True)
    list_id = models.CharField(max_length=255, blank=True, db_index=True)
    archive = models.URLField(blank=True, help_text="public-inbox of the list, e.g. https://host/linux-mm")
    epochs = models.CharField(max_length=500, blank=True, help_text="where its git epochs are, to follow it")
    cursor = models.CharField(max_length=100, blank=True, help_text="place behind the last mail that was read")
    seen_at = models.DateTimeField(null=True, blank=True, help_text="date of the newest mail")
    failing_since = models.DateTimeField(null=True, blank=True, help_text="when it first could not be read")
    failure = models.TextField(blank=True, help_text="why it could not")
    retry_at = models.DateTimeField(null=True, blank=True, help_text="when it is asked again")

    def __str__(self) -> str:
        return self.name


class Person(models.Model):
    """A sender, known by address."""

    email = models.CharField(max_length=320, unique=True)
    name = models.CharField(max_length=255, blank=True)

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email


class Missing(models.Model):
    """A mail that others name and that is not here, and the thread that it ties together."""

    message_id = models.CharField(max_length=MESSAGE_ID_LENGTH, unique=True)
    thread = models.CharField(max_length=MESSAGE_ID_LENGTH, db_index=True)

    def __str__(self) -> str:
        return self.message_id


class Message(models.Model):
    """One mail; its bytes as received, compressed. ``series`` is the series it is about, if any.

    A mail that was read from a page of an archive has the ``page`` it was read
    from, and no bytes until the mail itself arrives.
    """

    message_id = models.CharField(max_length=MESSAGE_ID_LENGTH, unique=True)
    subject = models.TextField(blank=True)
    # Indexes that begin with them stand below; another one of each alone would only be written.
    author = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="messages", db_index=False)
    author_name = models.CharField(max_length=500, blank=True, help_text="as this mail writes it")
    date = models.DateTimeField(db_index=True)
    in_reply_to = models.CharField(max_length=MESSAGE_ID_LENGTH, blank=True)
    parent_msgid = models.CharField(max_length=MESSAGE_ID_LENGTH, blank=True, db_index=True)
    references = models.JSONField(default=list)
    thread = models.CharField(max_length=MESSAGE_ID_LENGTH, db_index=True, help_text="oldest ancestor that is known")
    subject_key = models.CharField(max_length=200, blank=True, help_text="subject without Re:, folded")
    answer = models.BooleanField(default=False, help_text="the subject says Re: or its like")
    sending = models.CharField(max_length=64, blank=True, help_text="digest of what unthreaded parts have in common")
    page = models.URLField(max_length=1000, blank=True)
    to = models.JSONField(default=list, help_text="[name, address] each")
    cc = models.JSONField(default=list, help_text="[name, address] each")
    list_ids = models.JSONField(default=list)
    body = models.TextField(blank=True)
    oddities = models.JSONField(default=list)
    raw = models.BinaryField()
    digest = models.CharField(max_length=64)
    received_at = models.DateTimeField(auto_now_add=True)
    lists = models.ManyToManyField(MailingList, related_name="messages")
    series = models.ForeignKey(
        "Series", null=True, blank=True, on_delete=models.SET_NULL, related_name="messages", db_index=False
    )

    class Meta:
        indexes = [
            models.Index(fields=["series", "date"]),
            models.Index(fields=["author", "-date", "-id"]),
            models.Index(fields=["subject_key", "answer", "date"]),
            models.Index(fields=["sending", "date"]),
            models.Index(fields=["page"], condition=Q(page__gt=""), name="threads_message_page"),
        ]

    def __str__(self) -> str:
        return self.message_id


class Import(models.Model):
    """How far a mailbox was read; ``beginning`` tells whether it is still the same one."""

    source = models.CharField(max_length=1000)
    list_name = models.CharField(max_length=100, blank=True)
    beginning = models.CharField(max_length=64, blank=True, help_text="digest of its first bytes")
    place = models.CharField(max_length=1000, blank=True)
    mails = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "list_name"], name="one_import_per_source_and_list")]

    def __str__(self) -> str:
        return self.source
