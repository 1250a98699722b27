"""Addresses of pages and APIs; see the README for the table.

No page may stand at ``/<word>/<message-id>``: b4 would take this host for a mail archive.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, register_converter

from threads import feeds
from threads.views import inbox, mails, reference, series


class MessageIdConverter:
    """A Message-ID in an address: nearly anything, ``/`` too; what stands behind it decides where it ends."""

    regex = r"[^\x00-\x1f]+?"

    def to_python(self, value: str) -> str:
        """Return the Message-ID; Django has undone the quoting."""
        return value

    def to_url(self, value: str) -> str:
        """Return it as it is; :mod:`threads.links` quotes."""
        return value


class FormConverter:
    """The suffix of a file about a series."""

    regex = "txt|json|sarif|mbox|atom"

    def to_python(self, value: str) -> str:
        """Return the suffix."""
        return value

    to_url = to_python


register_converter(MessageIdConverter, "msgid")
register_converter(FormConverter, "form")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", inbox.inbox, name="inbox"),
    path("healthz", inbox.healthz, name="healthz"),
    path("submissions/<int:pk>/", inbox.submission, name="submission"),
    path("trees/", reference.trees, name="trees"),
    path("runs/<int:pk>/", reference.run, name="run"),
    path("runs/<int:pk>/log.txt", reference.run_log, name="run-log"),
    path("project/<slug:name>/list/", series.series_list, name="list"),
    path("project/<slug:name>/list.atom", feeds.ListFeed(), name="list-feed"),
    path("project/<slug:name>/series/<msgid:msgid>/rerun/", series.rerun, name="rerun"),
    path("project/<slug:name>/series/<msgid:msgid>/", series.series_page, name="series"),
    path("project/<slug:name>/series/<msgid:msgid>.<form:form>", series.series_file, name="series-file"),
    path("project/<slug:name>/series/<msgid:msgid>", series.series_page),
    path("project/<slug:name>/patch/<msgid:msgid>/mbox/", mails.mail_file, {"form": "mbox"}, name="patch-mbox"),
    path("project/<slug:name>/patch/<msgid:msgid>/raw/", mails.mail_file, {"form": "raw"}, name="patch-raw"),
    path("project/<slug:name>/patch/<msgid:msgid>/", mails.patch_page, name="patch"),
    path("project/<slug:name>/patch/<msgid:msgid>", mails.patch_page),
    path("project/<slug:name>/message/<msgid:msgid>/raw/", mails.mail_file, {"form": "raw"}, name="message-raw"),
    path("project/<slug:name>/message/<msgid:msgid>/", mails.message_page, name="message"),
]
