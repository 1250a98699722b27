"""The rows: what a restart must not lose. Nothing here decides; services write, selectors read."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from reviewbot.findings import Severity
from reviewbot.reports.facts import State, Verdict

MESSAGE_ID_LENGTH = 998  # a header line may not be longer, RFC 5322 section 2.1.1


def choices(enum: type) -> list[tuple[str, str]]:
    """Return the choices of a string enum for a model field."""
    return [(member.value, member.value) for member in enum]  # type: ignore[attr-defined]


class Work(models.Model):
    """A row that some worker has to bring to a settled state.

    ``queued_until`` keeps it from being queued twice, ``leased_until`` from
    being worked on twice; both run out by themselves, so a lost message or a
    dead worker delays it and nothing more. ``attempts`` ends what kills workers.
    """

    state = models.CharField(max_length=20, choices=choices(State), default=State.NOT_RUN, db_index=True)
    reason = models.TextField(blank=True)
    queued_until = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True


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


class Topic(models.Model):
    """All versions of the same work."""

    name = models.CharField(max_length=500)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


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
    author = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="messages")
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
    series = models.ForeignKey("Series", null=True, blank=True, on_delete=models.SET_NULL, related_name="messages")

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


class Series(Work):
    """One posted version of a patch set, and how far it has come."""

    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, related_name="series")
    root_msgid = models.CharField(max_length=MESSAGE_ID_LENGTH, unique=True)
    subject = models.TextField()
    name = models.CharField(max_length=500)
    name_key = models.CharField(max_length=200, blank=True, db_index=True, help_text="name, folded to its words")
    version = models.PositiveIntegerField()
    expected = models.PositiveIntegerField()
    author = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="series")
    date = models.DateTimeField(db_index=True)
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
    verdict = models.CharField(max_length=20, choices=choices(Verdict), default=Verdict.UNKNOWN, db_index=True)
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
        ]

    def __str__(self) -> str:
        return self.subject


class Patch(models.Model):
    """Message n of a series with a diff. The diff itself stands in the message.

    A mail belongs to one series, ``message.series``; a partial re-roll (v2 of
    patch 3 alone) carries the other patches of the version before as its own.
    """

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="patches")
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


class Tree(models.Model):
    """A kernel tree that series are applied to."""

    name = models.CharField(max_length=100, unique=True)
    source = models.CharField(max_length=1000, help_text="directory, archive, or git URL")
    branch = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=255, blank=True, help_text="what it is for, in words")
    lists = models.JSONField(default=list, help_text="mailing lists whose series belong here")
    position = models.PositiveIntegerField(default=100, help_text="smaller is tried first")
    words = models.JSONField(default=list, blank=True, help_text="how subjects call it, beside its name")
    describe = models.CharField(max_length=255, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    tip_at = models.DateTimeField(null=True, blank=True, help_text="date of the commit")
    synced_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True, help_text="when it was first not brought up to date")
    failure = models.TextField(blank=True, help_text="why it was not")

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name

    @property
    def followed(self) -> bool:
        """True for a branch that moves: it is brought up to date by itself."""
        return bool(self.branch) or "://" in self.source

    @property
    def stale(self) -> str:
        """Return a sentence when what is here may not be what is there, else ""."""
        if not self.followed:
            return ""
        if self.failing_since:
            return f"It could not be brought up to date since {self.failing_since:%Y-%m-%d %H:%M} UTC: {self.failure}"
        limit = timedelta(seconds=settings.STALE_SYNCS * settings.SYNC_SECONDS)
        if self.synced_at and timezone.now() - self.synced_at > limit:
            return f"It was last brought up to date on {self.synced_at:%Y-%m-%d %H:%M} UTC."
        return ""


class Application(models.Model):
    """A series on one base commit: one row for every base that was tried."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="applications")
    base_commit = models.CharField(max_length=64)
    tree = models.ForeignKey(Tree, null=True, blank=True, on_delete=models.SET_NULL, related_name="applications")
    tree_name = models.CharField(max_length=100)
    describe = models.CharField(max_length=255, blank=True)
    how = models.TextField(blank=True)
    position = models.PositiveIntegerField(help_text="order of the tries")
    applies = models.BooleanField()
    chosen = models.BooleanField(default=False)
    reject = models.JSONField(null=True, blank=True)
    trace = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["series", "base_commit"], name="one_application_per_base"),
            models.UniqueConstraint(fields=["series"], condition=Q(chosen=True), name="one_chosen_application"),
        ]

    def __str__(self) -> str:
        return f"{self.series_id} on {self.tree_name}"


class TouchedPath(models.Model):
    """A file that a series touches which was tried on a tree: by it, others on the same file are found."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="paths")
    path = models.CharField(max_length=500, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "path"], name="one_path_per_series")]

    def __str__(self) -> str:
        return self.path


class Overlap(models.Model):
    """Two series in flight on the same files; ``first`` is the older row. ``collides`` is None when it is not known."""

    first = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="overlaps_later")
    second = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="overlaps_earlier")
    files = models.JSONField(default=list)
    collides = models.BooleanField(null=True)
    reason = models.TextField(blank=True, help_text="what became of applying one after the other")
    created_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="one_overlap_per_pair")]

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}"


class AppliedPatch(models.Model):
    """One patch of an application as a commit; number 0 is the base itself."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="commits")
    number = models.PositiveIntegerField()
    commit = models.CharField(max_length=64)
    tree_id = models.CharField(max_length=64, db_index=True)
    method = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["application", "number"], name="one_commit_per_patch")]

    def __str__(self) -> str:
        return self.commit


class Run(Work):
    """One check or build of one git tree, shared by every series that comes to that tree."""

    tree_id = models.CharField(max_length=64)
    commit = models.CharField(max_length=64)
    check_name = models.SlugField(max_length=100)
    configuration = models.CharField(max_length=200, blank=True)
    version = models.CharField(max_length=200, help_text="of the check, or of compiler and recipe")
    scope = models.CharField(max_length=64, help_text="digest of what was looked at")
    scope_paths = models.JSONField(default=list)
    summary = models.TextField(blank=True)
    command = models.TextField(blank=True)
    log = models.BinaryField(default=b"", help_text="compressed, as bytes")
    coverage = models.JSONField(default=dict)
    seconds = models.FloatField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tree_id", "check_name", "configuration", "version", "scope"],
                name="one_run_of_the_same",
            )
        ]

    def __str__(self) -> str:
        return f"{self.check_name} of {self.tree_id[:12]}"


class Finding(models.Model):
    """One fact that a run states; see :class:`reviewbot.findings.Finding`."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="findings")
    fingerprint = models.CharField(max_length=16, db_index=True)
    occurrence = models.PositiveIntegerField(default=0)
    rule = models.CharField(max_length=100, db_index=True)
    severity = models.CharField(max_length=10, choices=choices(Severity))
    file = models.CharField(max_length=4096)
    line = models.PositiveIntegerField()
    function = models.CharField(max_length=500, blank=True)
    text = models.TextField(blank=True)
    message = models.TextField()
    evidence = models.JSONField(default=list)
    condition = models.TextField(blank=True)
    assumption = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "fingerprint", "occurrence"], name="one_finding_per_occurrence")
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.file}:{self.line}"


class FindingLife(models.Model):
    """The same finding across the versions of a topic."""

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="lives")
    fingerprint = models.CharField(max_length=16)
    rule = models.CharField(max_length=100)
    first_version = models.PositiveIntegerField()
    last_version = models.PositiveIntegerField()
    fixed_in = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["topic", "fingerprint"], name="one_life_per_topic")]

    def __str__(self) -> str:
        return f"{self.rule} {self.fingerprint}"


class Report(models.Model):
    """The facts about a series as JSON, computed once; ``digest`` is its ETag."""

    series = models.OneToOneField(Series, on_delete=models.CASCADE, related_name="report")
    digest = models.CharField(max_length=64)
    facts = models.JSONField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.digest


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


class Submission(Work):
    """What a person asked for by Message-ID or link, until it has become a series."""

    target = models.CharField(max_length=MESSAGE_ID_LENGTH, unique=True)
    options = models.JSONField(default=dict)
    actor = models.CharField(max_length=100, blank=True)
    series = models.ForeignKey(Series, null=True, blank=True, on_delete=models.SET_NULL, related_name="submissions")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.target


class AppendOnlyRows(models.QuerySet[Any]):
    """Rows that are written once: neither changed nor removed, also not many at a time."""

    def update(self, **values: Any) -> int:  # noqa: ANN401
        """Refuse.

        :raises TypeError: always.
        """
        raise TypeError(f"A {self.model._meta.verbose_name} is never changed; write another one.")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse.

        :raises TypeError: always.
        """
        raise TypeError(f"A {self.model._meta.verbose_name} is never removed.")

    def move(self, series: int, topic: int) -> None:
        """Let marks go along with their series into another topic; what was said stays as it is."""
        models.QuerySet.update(self.filter(series=series), topic=topic)


class AppendOnly(models.Model):
    """A row that is written once: what a person did is neither changed nor taken back, only followed by something."""

    who = models.CharField(max_length=150, help_text="name of the account")
    at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnlyRows.as_manager()

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:  # noqa: ANN401
        """Refuse.

        :raises TypeError: always.
        """
        raise TypeError(f"A {self._meta.verbose_name} is never removed.")

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Write the row once.

        :raises TypeError: when it is there already.
        """
        if not self._state.adding:
            raise TypeError(f"A {self._meta.verbose_name} is never changed; write another one.")
        super().save(*args, **kwargs)


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
