"""Addresses of pages. A Message-ID is quoted whole, ``/`` too, as b4 and the archives do.

Django's ``reverse()`` leaves ``/`` as it is, and b4 reads a Message-ID up to the
next one; so these few addresses are put together here, and tests hold them
against the routes.
"""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings

from threads import models

#: stands in an address for "no list in particular"
ANY_LIST = "all"


def msgid(message_id: str) -> str:
    """Quote a Message-ID for a path."""
    return quote(message_id, safe="@!$&'()*+,;=:-._~")


def to_series(list_name: str, message_id: str) -> str:
    """Return the path of a series' page; a file of it has a suffix in place of the last slash."""
    return f"/project/{list_name or ANY_LIST}/series/{msgid(message_id)}/"


def to_patch(list_name: str, message_id: str) -> str:
    """Return the path of a patch's page; ``mbox/`` and ``raw/`` stand below it."""
    return f"/project/{list_name or ANY_LIST}/patch/{msgid(message_id)}/"


def to_message(list_name: str, message_id: str) -> str:
    """Return the path of one mail's page."""
    return f"/project/{list_name or ANY_LIST}/message/{msgid(message_id)}/"


def to_list(list_name: str = ANY_LIST) -> str:
    """Return the path of the series of a list."""
    return f"/project/{list_name}/list/"


def to_run(run_id: int) -> str:
    """Return the path of a run's page."""
    return f"/runs/{run_id}/"


def to_rule(name: str) -> str:
    """Return the path of a rule's page."""
    return f"/rules/{quote(name, safe='')}/"


def to_comparison(one: int, other: int) -> str:
    """Return the path of the comparison of two versions, named by their numbers as rows."""
    return f"/series/{one}/diff/{other}/"


def to_thread(list_name: str, message_id: str) -> str:
    """Return the path of the page of the whole thread of a mail."""
    return f"{to_message(list_name, message_id)}thread/"


def to_finding(list_name: str, message_id: str, key: str) -> str:
    """Return the path of the page of one finding of a series, where it is judged."""
    return f"{to_series(list_name, message_id)}finding/{key}/"


def to_author(email: str, list_name: str = ANY_LIST) -> str:
    """Return the path of what one person posted; quoted as a Message-ID is."""
    return f"/project/{list_name or ANY_LIST}/author/{msgid(email)}/"


def to_file(path: str, list_name: str = ANY_LIST) -> str:
    """Return the path of what was posted about one file."""
    return f"/project/{list_name or ANY_LIST}/file/{quote(path)}/"


def to_status(message_id: str) -> str:
    """Return the path of the status of a series."""
    return f"/api/v1/series/{msgid(message_id)}/"


def to_submission(row: models.Submission) -> str:
    """Return the path of the page that says what became of a submission."""
    return f"/submissions/{row.pk}/"


class SiteUrls:
    """Absolute addresses, for what leaves the site; see :class:`reviewbot.reports.status.Urls`."""

    def __init__(self, list_name: str, site: str = "") -> None:
        self._list = list_name
        self._site = site or settings.SITE_URL

    def series(self, message_id: str) -> str:
        """Return the page of a series."""
        return self._site + to_series(self._list, message_id)

    def patch(self, message_id: str) -> str:
        """Return the page of a patch."""
        return self._site + to_patch(self._list, message_id)

    def run(self, run: int) -> str:
        """Return the page of a run."""
        return self._site + to_run(run)

    def rule(self, rule: str) -> str:
        """Return the page of a rule."""
        return self._site + to_rule(rule)
