"""The rows for an operator: to look at, and to register lists and trees. Services write the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from threads import models

if TYPE_CHECKING:  # generic for the type checker alone
    RowAdmin = admin.ModelAdmin[Any]
else:
    RowAdmin = admin.ModelAdmin


class ReadOnly(RowAdmin):
    """Rows that only services write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds such a row by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody changes such a row by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody deletes such a row by hand."""
        return False


@admin.register(models.MailingList)
class MailingListAdmin(RowAdmin):
    """Lists that are followed."""

    list_display = ("name", "address", "archive", "seen_at")
    readonly_fields = ("cursor", "seen_at", "failing_since", "failure", "retry_at")


@admin.register(models.Maintainer)
class MaintainerAdmin(RowAdmin):
    """Who may judge findings and decide about mails of one list."""

    list_display = ("user", "mailing_list")


@admin.register(models.Tree)
class TreeAdmin(RowAdmin):
    """Trees that series are applied to."""

    list_display = ("name", "position", "branch", "role", "describe", "synced_at")
    readonly_fields = ("describe", "commit", "synced_at")


@admin.register(models.Series)
class SeriesAdmin(ReadOnly):
    """Series and how far they are."""

    list_display = ("subject", "version", "state", "verdict", "date", "leased_until")
    list_filter = ("state", "verdict", "lists")
    search_fields = ("subject", "root_msgid")


@admin.register(models.Run)
class RunAdmin(ReadOnly):
    """Checks and builds."""

    list_display = ("check_name", "configuration", "state", "summary", "seconds", "started_at", "leased_until")
    list_filter = ("state", "check_name", "configuration")
    exclude = ("log",)


@admin.register(models.Submission)
class SubmissionAdmin(ReadOnly):
    """What was asked for."""

    list_display = ("target", "state", "reason", "actor", "created_at")
    list_filter = ("state",)


@admin.register(models.Delivery)
class DeliveryAdmin(ReadOnly):
    """Replies that were drafted or sent."""

    list_display = ("subject", "stage", "reason", "created_at")
    list_filter = ("stage",)
    exclude = ("raw",)
