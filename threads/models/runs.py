"""Checks and builds, and what they found."""

from __future__ import annotations

from django.db import models

from reviewbot.findings import Severity
from threads.models.base import Work, choices
from threads.models.series import Series, Topic


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
    stale_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="since when it is to be computed anew"
    )

    def __str__(self) -> str:
        return self.digest
