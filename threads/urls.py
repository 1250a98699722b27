"""Addresses of pages and APIs; see the README for the table.

No page may stand at ``/<word>/<message-id>``: b4 would take this host for a mail archive.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from threads import converters, feeds
from threads.api import bulk
from threads.api.patchwork import views as patchwork
from threads.views import compare, inbox, mails, marks, outbox, people, probes, reference, search, series, watching

converters.register()

urlpatterns: list[URLPattern | URLResolver] = [
    path("", inbox.inbox, name="inbox"),
    path("api", patchwork.Index.as_view()),
    path("api/", include("threads.api.urls")),
    path("bulk/", bulk.listing, name="bulk"),
    path("bulk/<str:name>", bulk.download, name="bulk-file"),
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", probes.figures, name="metrics"),
    path("submissions/<int:pk>/", inbox.submission, name="submission"),
    path("login/", marks.SignIn.as_view(), name="login"),
    path("logout/", marks.SignOut.as_view(), name="logout"),
    path("audit/", marks.audit, name="audit"),
    path("watching/", watching.watch_list, name="watching"),
    path("outbox/", outbox.queue, name="outbox"),
    path("outbox/<int:pk>/", outbox.mail, name="outbox-mail"),
    path("status/", inbox.status, name="status"),
    path("trees/", reference.trees, name="trees"),
    path("rules/", reference.rules, name="rules"),
    path("rules/<str:code>/feed.atom", feeds.RuleFeed(), name="rule-feed"),
    path("rules/<str:code>/", reference.rule, name="rule"),
    path("runs/<int:pk>/", reference.run, name="run"),
    path("runs/<int:pk>/log.txt", reference.run_log, name="run-log"),
    path("project/<slug:name>/list/", series.series_list, name="list"),
    path("project/<slug:name>/author/<msgid:email>/feed.atom", feeds.AuthorFeed(), name="author-feed"),
    path("project/<slug:name>/author/<msgid:email>/", people.author, name="author"),
    path("project/<slug:name>/file/<path:path>/", people.file, name="file"),
    path("project/<slug:name>/list.atom", feeds.ListFeed(), name="list-feed"),
    path("project/<slug:name>/series/<msgid:msgid>/finding/<slug:key>/", marks.finding, name="finding"),
    path("project/<slug:name>/series/<msgid:msgid>/rerun/", series.rerun, name="rerun"),
    path("project/<slug:name>/series/<msgid:msgid>/", series.series_page, name="series"),
    path("project/<slug:name>/series/<msgid:msgid>.<form:form>", series.series_file, name="series-file"),
    path("project/<slug:name>/series/<msgid:msgid>", series.series_page),
    path("series/<int:pk>/diff/<int:other>/", compare.compare, name="compare"),
    path("search/", search.mails, name="search"),
    path("search/language/", search.language, name="search-language"),
    path("series/<int:pk>/mbox/", series.series_mbox, name="series-mbox"),
    path("project/<slug:name>/cover/<msgid:msgid>/mbox/", mails.mail_file, {"form": "mbox"}, name="cover-mbox"),
    path("project/<slug:name>/cover/<msgid:msgid>/", series.cover_page, name="cover"),
    path("project/<slug:name>/patch/<msgid:msgid>/mbox/", mails.mail_file, {"form": "mbox"}, name="patch-mbox"),
    path("project/<slug:name>/patch/<msgid:msgid>/raw/", mails.mail_file, {"form": "diff"}, name="patch-raw"),
    path("project/<slug:name>/patch/<msgid:msgid>/", mails.patch_page, name="patch"),
    path("project/<slug:name>/patch/<msgid:msgid>", mails.patch_page),
    path("project/<slug:name>/message/<msgid:msgid>/thread/", people.thread, name="thread"),
    path("project/<slug:name>/message/<msgid:msgid>/raw/", mails.mail_file, {"form": "raw"}, name="message-raw"),
    path("project/<slug:name>/message/<msgid:msgid>/", mails.message_page, name="message"),
]
