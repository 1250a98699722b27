"""Works in all their versions, single patches, and how the service does."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from threads import links
from threads.api import shapes
from threads.api.base import PAGING, ApiView, UnknownError, find, page_of, paged, with_tag
from threads.api.problems import problems
from threads.api.series import everything, require_standing
from threads.conversion import storable
from threads.models import Topic
from threads.selectors import series as selectors
from threads.selectors import statistics


def _topic(request: Request, row: Topic) -> dict[str, Any]:
    return {
        "id": row.pk,
        "url": request.build_absolute_uri(f"/api/v1/topics/{row.pk}/"),
        "name": row.name,
        "versions": [
            {
                "version": one.version,
                "msgid": one.root_msgid,
                "api": request.build_absolute_uri(links.to_status(one.root_msgid)),
                "subject": one.subject,
                "date": one.date.isoformat(),
                "state": one.state,
                "verdict": one.verdict,
                "how": one.previous_how,
            }
            for one in sorted(row.series.all(), key=lambda one: (one.version, one.date))
        ],
    }


class TopicListView(ApiView):
    """Works, each with all its versions."""

    @extend_schema(
        operation_id="topics_list",
        parameters=[*PAGING, OpenApiParameter("q", str, description="a part of the name")],
        responses={200: paged("TopicPage", shapes.TopicStatus)} | problems(),
    )
    def get(self, request: Request) -> Response:
        """List works, newest first."""
        rows = Topic.objects.prefetch_related("series")
        if words := storable(request.query_params.get("q", ""))[:200]:
            rows = rows.filter(name__icontains=words)
        return page_of(request, rows, _topic)


class TopicView(ApiView):
    """One work."""

    @extend_schema(responses={200: shapes.TopicStatus} | problems(404))
    def get(self, request: Request, pk: int) -> Response:
        """Return a work with all its versions."""
        return Response(_topic(request, find(Topic.objects.prefetch_related("series"), pk, "topic")))


class PatchView(ApiView):
    """One patch, by its own Message-ID."""

    @extend_schema(
        parameters=[OpenApiParameter("msgid", str, OpenApiParameter.PATH, description="of the patch")],
        responses={200: shapes.PatchInSeries} | problems(404),
    )
    def get(self, request: Request, msgid: str) -> Response:
        """Return what is known about one patch: its checks and its findings alone."""
        series = require_standing(msgid)
        whole = everything(request, series)
        wanted = selectors.bare_msgid(msgid)
        patch = next((one for one in whole["patches"] if one["msgid"] == wanted), None)
        if patch is None:
            raise UnknownError(
                f"<{wanted}> is no patch but another mail of a series; ask for {links.to_status(wanted)} instead."
            )
        answer = patch | {
            "series": request.build_absolute_uri(links.to_status(series.root_msgid)),
            "found": [one for one in whole["findings"] if one["id"] in patch["findings"]],
        }
        return with_tag(Response(answer), f"{series.tag}-{patch['n']}")


class StatisticsView(ApiView):
    """How the service does."""

    @extend_schema(
        responses={
            200: inline_serializer(
                "Statistics",
                {
                    "series": s.IntegerField(),
                    "mails": s.IntegerField(),
                    "verdicts": s.DictField(child=s.IntegerField()),
                    "queues": shapes.QueueStatus(many=True),
                    "newest_mail": s.DateTimeField(allow_null=True),
                    "rules": shapes.RuleStanding(many=True),
                },
            )
        }
        | problems()
    )
    def get(self, request: Request) -> Response:
        """Return how much was looked at, what came of it, what waits, and how right the rules were found."""
        return Response(statistics.overview())
