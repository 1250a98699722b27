"""What people decide through the API: verdicts on findings, and mails that wait."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from reviewbot.reports import status
from threads import links
from threads.api import judgements
from threads.api.auth import holds, may, require
from threads.api.base import PAGING, ApiView, UnknownError, find, page_of, paged
from threads.api.problems import problems
from threads.api.series import require_series
from threads.models import Delivery, Series
from threads.selectors import series as selectors
from threads.selectors.watching import maintained_by
from threads.services import marks, outbox

_KEY = {"type": "string", "pattern": "^[-a-zA-Z0-9_]{1,100}$"}
_ROWS = Delivery.objects.select_related("series")


class VerdictView(ApiView):
    """Judging a finding of a series."""

    @extend_schema(
        parameters=[OpenApiParameter("key", _KEY, OpenApiParameter.PATH, description="`id` of the finding")],
        request=judgements.Judged,
        responses={201: judgements.VerdictKept} | problems(404, 422, writes=True),
    )
    def post(self, request: Request, msgid: str, key: str) -> Response:
        """Say whether a finding is right, wrong, or not worth it, with the reason."""
        series = require_series(msgid)
        require(request, "verdict", series)
        told = dict(status.named(selectors.report_of(series))).get(key)
        if told is None:
            raise UnknownError(
                f"The series has no finding {key[:100]!r}; {links.to_status(series.root_msgid)} names its findings."
            )
        posted = judgements.Judged(data=request.data)
        posted.is_valid(raise_exception=True)
        said = posted.validated_data
        row = marks.mark(series, told, said["judgement"], said["reason"], request.user.get_username())
        answer = {"rule": row.rule, "fingerprint": row.fingerprint, "judgement": row.judgement, "reason": row.reason}
        return Response(answer | {"who": row.who, "at": row.at.isoformat()}, status=201)


def _shown_to(request: Request) -> QuerySet[Delivery]:
    """Replies to patches stand on the pages of their series; letters are for who decides about the series."""
    if may(request, "moderate"):
        return _ROWS.all()
    lists = maintained_by(request.user.pk) if holds(request, "moderate") else []
    on_these = Series.lists.through.objects.filter(mailinglist__in=lists).values("series")
    return _ROWS.filter(Q(kind=Delivery.Kind.REPLY) | Q(series__in=on_these))


def _delivery(request: Request, row: Delivery) -> dict[str, Any]:
    return {
        "id": row.pk,
        "url": request.build_absolute_uri(f"/api/v1/deliveries/{row.pk}/"),
        "series": request.build_absolute_uri(links.to_status(row.series.root_msgid)) if row.series else None,
        "msgid": row.message_id,
        "in_reply_to": row.in_reply_to,
        "subject": row.subject,
        "stage": row.stage,
        "reason": row.reason,
        "decided_by": row.decided_by,
        "decided": row.decided_at.isoformat() if row.decided_at else None,
        "created": row.created_at.isoformat(),
        "text": bytes(row.raw).decode("utf-8", "replace"),
    }


class DeliveryListView(ApiView):
    """The mails that were drafted, and what became of them."""

    @extend_schema(
        operation_id="deliveries_list",
        parameters=[*PAGING, OpenApiParameter("stage", str, enum=Delivery.Stage.values)],
        responses={200: paged("DeliveryPage", judgements.DeliveryStatus)} | problems(),
    )
    def get(self, request: Request) -> Response:
        """List mails, newest first; who moderates sees what waits, others what their series show."""
        rows = _shown_to(request)
        if stage := request.query_params.get("stage", ""):
            if stage not in Delivery.Stage.values:
                raise exceptions.ValidationError(f"stage takes one of: {', '.join(Delivery.Stage.values)}.")
            rows = rows.filter(stage=stage)
        return page_of(request, rows, _delivery)


class DeliveryView(ApiView):
    """One mail."""

    @extend_schema(responses={200: judgements.DeliveryStatus} | problems(404))
    def get(self, request: Request, pk: int) -> Response:
        """Return a mail with its text."""
        return Response(_delivery(request, find(_shown_to(request), pk, "delivery")))


class _Decision(ApiView, ABC):
    """A decision about a mail that waits."""

    @abstractmethod
    def decide(self, request: Request, pk: int, said: dict[str, str]) -> None:
        """Carry it out."""

    def _post(self, request: Request, pk: int, body: type[Serializer[Any]] | None) -> Response:
        require(request, "moderate", find(_ROWS, pk, "delivery").series)
        said: dict[str, str] = {}
        if body is not None:
            posted = body(data=request.data)
            posted.is_valid(raise_exception=True)
            said = posted.validated_data
        self.decide(request, pk, said)
        return Response(_delivery(request, _ROWS.get(pk=pk)))


class ApproveView(_Decision):
    """Letting a mail go."""

    @extend_schema(request=None, responses={200: judgements.DeliveryStatus} | problems(404, 422, writes=True))
    def post(self, request: Request, pk: int) -> Response:
        """Approve a mail that waits."""
        return self._post(request, pk, None)

    def decide(self, request: Request, pk: int, said: dict[str, str]) -> None:
        """Approve it."""
        outbox.approve(pk, request.user.get_username())


class RejectView(_Decision):
    """Keeping a mail from going."""

    @extend_schema(
        request=judgements.Rejection, responses={200: judgements.DeliveryStatus} | problems(404, 422, writes=True)
    )
    def post(self, request: Request, pk: int) -> Response:
        """Reject a mail that waits, with the reason."""
        return self._post(request, pk, judgements.Rejection)

    def decide(self, request: Request, pk: int, said: dict[str, str]) -> None:
        """Reject it."""
        outbox.reject(pk, request.user.get_username(), said["reason"])


class EditView(_Decision):
    """Changing the text of a mail."""

    @extend_schema(
        request=judgements.Edited, responses={200: judgements.DeliveryStatus} | problems(404, 422, writes=True)
    )
    def post(self, request: Request, pk: int) -> Response:
        """Change the text of a mail that waits; header and recipients stay."""
        return self._post(request, pk, judgements.Edited)

    def decide(self, request: Request, pk: int, said: dict[str, str]) -> None:
        """Edit it."""
        outbox.edit(pk, request.user.get_username(), said["body"])
