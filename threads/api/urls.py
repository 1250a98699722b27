"""Addresses of the API."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

from threads.api import decisions, docs, files, reference, series, topics

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", reference.IndexView.as_view(), name="api-index"),
    path("v1/series/", series.SeriesListView.as_view(), name="api-series-list"),
    path("v1/series/<msgid:msgid>/rerun/", series.RerunView.as_view(), name="api-rerun"),
    path("v1/series/<msgid:msgid>/findings/<slug:key>/verdict/", decisions.VerdictView.as_view(), name="api-verdict"),
    path("v1/series/<msgid:msgid>.sarif", files.SarifView.as_view(), name="api-series-sarif"),
    path("v1/series/<msgid:msgid>.kcidb.json", files.KcidbView.as_view(), name="api-series-kcidb"),
    path("v1/series/<msgid:msgid>.junit.xml", files.JunitView.as_view(), name="api-series-junit"),
    path("v1/series/<msgid:msgid>.mbox", files.MailboxView.as_view(), name="api-series-mbox"),
    path("v1/series/<msgid:msgid>.txt", series.SeriesTextView.as_view(), name="api-series-text"),
    path("v1/series/<msgid:msgid>.svg", series.BadgeView.as_view(), name="api-series-badge"),
    path("v1/series/<msgid:msgid>/", series.SeriesView.as_view(), name="api-series"),
    path("v1/series/<msgid:msgid>", series.SeriesView.as_view(schema=None)),
    path("v1/patches/<msgid:msgid>/", topics.PatchView.as_view(), name="api-patch"),
    path("v1/topics/", topics.TopicListView.as_view(), name="api-topics"),
    path("v1/topics/<int:pk>/", topics.TopicView.as_view(), name="api-topic"),
    path("v1/deliveries/", decisions.DeliveryListView.as_view(), name="api-deliveries"),
    path("v1/deliveries/<int:pk>/", decisions.DeliveryView.as_view(), name="api-delivery"),
    path("v1/deliveries/<int:pk>/approve/", decisions.ApproveView.as_view(), name="api-approve"),
    path("v1/deliveries/<int:pk>/reject/", decisions.RejectView.as_view(), name="api-reject"),
    path("v1/deliveries/<int:pk>/edit/", decisions.EditView.as_view(), name="api-edit"),
    path("v1/statistics/", topics.StatisticsView.as_view(), name="api-statistics"),
    path("v1/submissions/", reference.SubmissionListView.as_view(), name="api-submissions"),
    path("v1/submissions/<int:pk>/", reference.SubmissionView.as_view(), name="api-submission"),
    path("v1/findings/", reference.FindingListView.as_view(), name="api-findings"),
    path("v1/findings/<int:pk>/", reference.FindingView.as_view(), name="api-finding"),
    path("v1/runs/", reference.RunListView.as_view(), name="api-runs"),
    path("v1/runs/<int:pk>/", reference.RunView.as_view(), name="api-run"),
    path("v1/rules/", reference.RuleListView.as_view(), name="api-rules"),
    path("v1/rules/<str:name>/", reference.RuleView.as_view(), name="api-rule"),
    path("v1/trees/", reference.TreeListView.as_view(), name="api-trees"),
    path("v1/lists/", reference.MailingListView.as_view(), name="api-lists"),
    path("v1/schema/", docs.schema, name="api-schema"),
    path("v1/docs/", docs.page, name="api-docs"),
    re_path(r"^v1/(?P<rest>(?s:.*))$", reference.UnknownView.as_view()),
    path("patchset", files.PatchsetView.as_view(), name="api-patchset"),
    path("", include("threads.api.patchwork.urls")),
]
