"""Addresses of the dialect: with and without a version, with and without the last slash."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from threads.api.patchwork import views

_VERSION = r"^(?:(?P<version>1\.[0-4])/)?"
_PK = r"(?P<pk>\d{1,18})"

urlpatterns: list[URLPattern] = [
    re_path(r"^(?:(?P<version>1\.[0-4])/?)?$", views.Index.as_view(), name="patchwork-index"),
    re_path(rf"{_VERSION}projects/?$", views.Projects.as_view()),
    re_path(rf"{_VERSION}projects/(?P<key>[-\w]{{1,100}})/?$", views.Project.as_view()),
    re_path(rf"{_VERSION}people/?$", views.People.as_view()),
    re_path(rf"{_VERSION}people/{_PK}/?$", views.PersonView.as_view()),
    re_path(rf"{_VERSION}users/?$", views.Users.as_view()),
    re_path(rf"{_VERSION}users/{_PK}/?$", views.UserView.as_view()),
    re_path(rf"{_VERSION}bundles/?$", views.Empty.as_view()),
    re_path(rf"{_VERSION}patches/?$", views.Patches.as_view()),
    re_path(rf"{_VERSION}patches/{_PK}/?$", views.PatchView.as_view()),
    re_path(rf"{_VERSION}patches/{_PK}/checks/?$", views.ChecksView.as_view()),
    re_path(rf"{_VERSION}patches/{_PK}/checks/(?P<number>\d{{1,9}})/?$", views.CheckView.as_view()),
    re_path(rf"{_VERSION}series/?$", views.SeriesList.as_view()),
    re_path(rf"{_VERSION}series/{_PK}/?$", views.SeriesView.as_view()),
    re_path(rf"{_VERSION}covers/?$", views.Covers.as_view()),
    re_path(rf"{_VERSION}covers/{_PK}/?$", views.CoverView.as_view()),
    re_path(rf"{_VERSION}events/?$", views.Events.as_view()),
    re_path(r"^(?P<rest>(?s:.*))$", views.Unknown.as_view()),
]
