"""Series by any of their Message-IDs, lists of them, and asking for one."""

from __future__ import annotations

import threading
import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag, urlencode
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from reviewbot.lore.origin import parse_target
from reviewbot.reports import badge, status, text
from reviewbot.reports.facts import State, Verdict
from threads import links
from threads.api import shapes
from threads.api.auth import require
from threads.api.base import FIELDS, ApiView, UnknownError, number_of, with_tag
from threads.api.problems import problems
from threads.models import Series, Submission
from threads.selectors import listing, standing
from threads.selectors import series as selectors
from threads.services import intake
from threads.services.marks import note
from threads.services.rerun import rerun

#: seconds that an answer is held back at most, and between two looks
LONGEST_WAIT = 60
PAUSE = 1.0
#: requests that may wait at once in one process, half of its threads; more are answered as if they had not asked to
_waiters = threading.BoundedSemaphore(2)

_MSGID = OpenApiParameter("msgid", str, OpenApiParameter.PATH, description="of the cover, a patch or a reply")
_WAIT = OpenApiParameter(
    "wait",
    int,
    description=f"hold the answer back up to so many seconds (at most {LONGEST_WAIT}) until there is news: against "
    "If-None-Match when it is sent, else until nothing more will happen",
)


def require_series(message_id: str) -> Series:
    """Return the series of a mail.

    :raises UnknownError: with what to do.
    """
    series = selectors.find_series(message_id)
    if series is None:
        raise unknown(message_id)
    return series


def require_standing(message_id: str) -> standing.Standing:
    """Return how the series of a mail stands.

    :raises UnknownError: with what to do.
    """
    row = standing.by_message(selectors.bare_msgid(message_id))
    if row is None:
        raise unknown(message_id)
    return row


def unknown(message_id: str) -> UnknownError:
    """Return what is said about a mail of which no series is known: whether it was asked for, and what to do."""
    asked = Submission.objects.filter(target=selectors.bare_msgid(message_id)).first()
    if asked is None:
        return UnknownError(
            f"No series is known by <{message_id}>. If it is on an archive, POST "
            '{"target": "<message-id>"} to /api/v1/series/ and it is fetched with its thread.'
        )
    if State(asked.state).settled:
        return UnknownError(f"<{message_id}> was asked for and could not be had: {asked.reason}")
    return UnknownError(f"<{message_id}> was asked for and is not fetched yet; ask again, or with ?wait=25.")


class SeriesView(ApiView):
    """One series, by any of its Message-IDs."""

    @extend_schema(
        parameters=[_MSGID, _WAIT, FIELDS],
        responses={200: shapes.SeriesStatus, 304: OpenApiResponse(description="nothing new")} | problems(404),
    )
    def get(self, request: Request, msgid: str) -> HttpResponse:
        """Return everything that is known about a series."""
        row = _awaited(request, msgid)
        unchanged = get_conditional_response(request, etag=quote_etag(row.tag))
        if unchanged is not None:
            return with_tag(unchanged, row.tag)
        return with_tag(Response(everything(request, row)), row.tag)


def everything(request: Request, row: standing.Standing) -> dict[str, Any]:
    """Return all that is said about a series, with the addresses of this site."""
    report = row.report()
    urls = links.SiteUrls(next(iter(report.lists), ""), request.build_absolute_uri("/")[:-1])
    return status.as_dict(report, urls, row.beside(report))


def _awaited(request: Request, msgid: str) -> standing.Standing:
    """Return how the series stands, after waiting for news when that is asked for."""
    seconds = number_of(request, "wait", 0, LONGEST_WAIT)
    if not seconds or not _waiters.acquire(blocking=False):
        return require_standing(msgid)
    try:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not _news(request, msgid):
            time.sleep(min(PAUSE, max(0.0, deadline - time.monotonic())))
    finally:
        _waiters.release()
    return require_standing(msgid)


def _news(request: Request, msgid: str) -> bool:
    """Tell whether a waiting client has something to learn."""
    row = standing.by_message(selectors.bare_msgid(msgid))
    if row is None:
        return not Submission.objects.filter(
            target=selectors.bare_msgid(msgid), state__in=[State.NOT_RUN, State.RUNNING]
        ).exists()
    known = request.headers.get("If-None-Match", "")
    return row.tag not in known if known else standing.settled(row)


class SeriesTextView(ApiView):
    """One series as text for a terminal."""

    @extend_schema(parameters=[_MSGID], responses={(200, "text/plain"): OpenApiTypes.STR} | problems(404))
    def get(self, request: Request, msgid: str) -> HttpResponse:
        """Return the report as a reviewer reads it in a terminal."""
        row = require_standing(msgid)
        body = text.render(row.report(), width=number_of(request, "width", 100, 200))
        response = HttpResponse(body, content_type="text/plain; charset=utf-8")
        return with_tag(response, f"{row.tag}-txt")


class BadgeView(ApiView):
    """One series as a badge."""

    @extend_schema(parameters=[_MSGID], responses={(200, "image/svg+xml"): OpenApiTypes.STR} | problems(404))
    def get(self, request: Request, msgid: str) -> HttpResponse:
        """Return the verdict as a small picture with words."""
        row = require_standing(msgid)
        return with_tag(HttpResponse(badge.render(row.report()), content_type="image/svg+xml"), f"{row.tag}-svg")


class RerunView(ApiView):
    """Looking at a series again."""

    @extend_schema(
        parameters=[_MSGID],
        request=None,
        responses={202: OpenApiResponse(description="queued")} | problems(404, writes=True),
    )
    def post(self, request: Request, msgid: str) -> Response:
        """Choose the base anew and run again what broke."""
        require(request, "submit")
        series = require_series(msgid)
        rerun(series)
        note(request.user.get_username(), "asked to look again", series.root_msgid)
        return Response(None, status=202, headers={"Location": links.to_status(series.root_msgid)})


class SeriesListView(ApiView):
    """Lists of series, and asking for one."""

    @extend_schema(
        operation_id="series_list",
        parameters=[
            FIELDS,
            OpenApiParameter("list", str, description="name of a mailing list"),
            OpenApiParameter("state", str, enum=[str(one) for one in State]),
            OpenApiParameter("verdict", str, enum=[str(one) for one in Verdict]),
            OpenApiParameter("author", str, description="part of the name or address"),
            OpenApiParameter("q", str, description="words of the subject, or a Message-ID"),
            OpenApiParameter("url", str, description="link to a mail of the series on an archive"),
            OpenApiParameter("latest", bool, description="only the newest version of each work"),
            OpenApiParameter("limit", int, description="rows of a page, at most 200"),
            OpenApiParameter("at", str, description="cursor, as `next` and `previous` name it"),
        ],
        responses={200: shapes.SeriesPage} | problems(404),
    )
    def get(self, request: Request) -> Response:
        """List series, newest first."""
        size = max(1, number_of(request, "limit", listing.PAGE_SIZE, 200))
        page = listing.page_of(listing.find_rows(_wanted(request)), request.query_params.get("at", ""), size)
        return Response(
            {
                "next": _address(request, page.older),
                "previous": _address(request, page.newer),
                "results": [_row(request, row) for row in page.rows],
            }
        )

    @extend_schema(
        request=shapes.Submit,
        responses={202: shapes.SubmissionStatus} | problems(404, 422, 503, writes=True),
    )
    def post(self, request: Request) -> Response:
        """Ask for a series; it is fetched with its whole thread, applied and checked."""
        require(request, "submit")
        asked = shapes.Submit(data=request.data)
        asked.is_valid(raise_exception=True)
        row = intake.submit(asked.validated_data["target"], dict(asked.validated_data.get("options", {})))
        note(request.user.get_username(), "submitted", row.target)
        answer = submission_status(request, row)
        return Response(answer, status=202, headers={"Location": answer["url"]})


def submission_status(request: HttpRequest | Request, row: Submission) -> dict[str, Any]:
    """Return what became of a submission."""
    series = row.series
    return {
        "id": row.pk,
        "target": row.target,
        "state": row.state,
        "reason": row.reason,
        "actor": row.actor,
        "series": request.build_absolute_uri(links.to_status(series.root_msgid)) if series else None,
        "url": request.build_absolute_uri(f"/api/v1/submissions/{row.pk}/"),
    }


def _wanted(request: Request) -> listing.Wanted:
    query = request.query_params
    for name, words in (("state", list(State)), ("verdict", list(Verdict))):
        if query.get(name, "") not in ("", *words):
            raise exceptions.ValidationError(f"{name} takes one of: {', '.join(words)}.")
    return listing.Wanted(
        list_name=query.get("list", ""),
        state=query.get("state", ""),
        verdict=query.get("verdict", ""),
        author=query.get("author", "")[:200],
        q=parse_target(query["url"]).message_id if query.get("url") else query.get("q", "")[:500],
        latest=query.get("latest", "") in ("1", "true"),
    )


def _address(request: Request, cursor: str) -> str | None:
    if not cursor:
        return None
    query = {**request.query_params.dict(), "at": cursor}
    return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")


def _row(request: Request, row: Any) -> dict[str, Any]:  # noqa: ANN401 - a Series with the annotations of a list
    return {
        "msgid": row.root_msgid,
        "url": request.build_absolute_uri(links.to_series(row.list_name or "", row.root_msgid)),
        "api": request.build_absolute_uri(links.to_status(row.root_msgid)),
        "subject": row.subject,
        "version": row.version,
        "expected": row.expected,
        "author": {"name": row.author.name, "email": row.author.email},
        "date": row.date.isoformat(),
        "list": row.list_name,
        "state": row.state,
        "verdict": row.verdict,
        "reason": row.reason,
        "new_errors": row.new_errors,
        "new_warnings": row.new_warnings,
        "mails": row.mails or 0,
        "outdated": row.outdated,
    }
