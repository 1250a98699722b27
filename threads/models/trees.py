"""Kernel trees, and series on them."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from threads.models.series import Series


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
    """A file that a series touches: by it, the series on a file are found, and those in flight together."""

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
