"""What every answer of the API has in common: errors that say what to do, and readers from any origin."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from django.core.exceptions import SuspiciousOperation
from django.core.signals import got_request_exception
from django.db.models import Model, QuerySet
from django.http import Http404, HttpResponseServerError
from django.http.response import HttpResponseBase
from django.utils.http import quote_etag
from django.utils.log import log_response
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import exceptions, status
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.views import exception_handler as default_handler

from reviewbot.errors import AuthorError, NotFoundError, ReviewError, TransientError
from threads.api.limits import ReadThrottle, WriteThrottle
from threads.api.problems import PROBLEM

#: bytes of a body that is read
MAX_BODY = 1 << 20
_Answer = TypeVar("_Answer", bound=HttpResponseBase)


class UnknownError(exceptions.APIException):
    """What was asked for is not known here; the text says what to do."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "unknown"


def problem(error: Exception, context: dict[str, Any]) -> Response:
    """Return an error as problem+json."""
    if isinstance(error, ReviewError):
        error = _as_api_error(error)
    if isinstance(error, Http404):
        error = UnknownError(str(error) or "There is nothing at this address; /api/v1/ names what there is.")
    response = default_handler(readable(error), context) or our_fault(error, context)
    response.data = {
        "type": "about:blank",
        "title": HTTPStatus(response.status_code).phrase,
        "status": response.status_code,
        "detail": _sentence(response.data),
    }
    response.content_type = PROBLEM
    return response


def readable(error: Exception) -> Exception:
    """Return what Python and Django raise for a request that nobody can read as a 400."""
    if isinstance(error, RecursionError):
        return exceptions.ParseError("The body is nested too deeply to be read.")
    if isinstance(error, SuspiciousOperation):
        return exceptions.ParseError(f"The request cannot be read: {error}")
    return error


def our_fault(error: Exception, context: dict[str, Any]) -> Response:
    """Return an error that nobody foresaw as JSON; it is logged and told as any other failure of a page is."""
    request = context["request"]._request
    got_request_exception.send(sender=None, request=request)
    log_response("%s: %s", "Internal Server Error", request.path, request=request, exception=error,
                 response=HttpResponseServerError())  # fmt: skip
    return Response({"detail": "Something failed here, and it is our fault; the operator finds it in the log."}, 500)


def check_size(request: Request) -> None:
    """Refuse a body before it is read that is longer than anything that is taken here.

    :raises APIException: 413.
    """
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if length.isdecimal() and int(length) > MAX_BODY:
        refused = exceptions.APIException(f"The body has {length} bytes; at most {MAX_BODY} are read.")
        refused.status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
        raise refused


def _as_api_error(error: ReviewError) -> exceptions.APIException:
    codes: tuple[tuple[type[ReviewError], int], ...] = (
        (NotFoundError, status.HTTP_404_NOT_FOUND),
        (AuthorError, status.HTTP_422_UNPROCESSABLE_ENTITY),
        (TransientError, status.HTTP_503_SERVICE_UNAVAILABLE),
    )
    code = next((code for kind, code in codes if isinstance(error, kind)), status.HTTP_500_INTERNAL_SERVER_ERROR)
    known = exceptions.APIException(str(error))
    known.status_code = code
    return known


def _sentence(data: Any) -> str:  # noqa: ANN401 - whatever DRF puts into an error
    """Return what DRF says as one text: ``field: what is wrong with it``."""
    if isinstance(data, dict):
        if set(data) == {"detail"}:
            return str(data["detail"])
        return " ".join(f"{name}: {_sentence(value)}" for name, value in data.items())
    return " ".join(map(_sentence, data)) if isinstance(data, list) else str(data)


FIELDS = OpenApiParameter("fields", str, description="names between commas: only these fields are answered")
PAGING = [
    FIELDS,
    OpenApiParameter("limit", int, description="rows of a page, at most 200"),
    OpenApiParameter("before", int, description="only ids below this one, as `next` names it"),
]


def paged(name: str, row: type[s.Serializer[Any]]) -> s.Serializer[Any]:
    """Return the shape of a page of rows."""
    return inline_serializer(name, {"next": s.CharField(allow_null=True), "results": row(many=True)})


def page_of(request: Request, rows: QuerySet[Any], answer: Callable[[Request, Any], dict[str, Any]]) -> Response:
    """Return one page of rows, newest first, with the address of the next (1 query, and what the rows prefetch)."""
    size = max(1, number_of(request, "limit", 50, 200))
    before = number_of(request, "before", 0, 2**62)
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: size + 1])
    following = None
    if len(found) > size:
        query = request.query_params.copy()
        query["before"] = str(found[size - 1].pk)
        following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
    return Response({"next": following, "results": [answer(request, row) for row in found[:size]]})


def find(rows: QuerySet[Any], pk: int, what: str) -> Any:  # noqa: ANN401 - a row of the query set
    """Return one row.

    :raises Http404: when there is none of that number.
    """
    row: Model | None = rows.filter(pk=pk).first() if pk < 2**63 else None
    if row is None:
        raise Http404(f"There is no {what} {pk}.")
    return row


def _chosen(request: Request, data: Any) -> Any:  # noqa: ANN401 - JSON
    """Return an answer with the fields alone that ``fields`` names; of a page, its rows.

    :raises ValidationError: when there is no field of that name.
    """
    names = [name.strip() for name in request.query_params["fields"].split(",") if name.strip()]
    if not names:
        return data
    rows = data["results"] if isinstance(data, dict) and "results" in data else data
    for row in rows if isinstance(rows, list) else [rows]:
        if unknown := [name for name in names if name not in row]:
            raise exceptions.ValidationError(f"There is no field {unknown[0][:40]!r}; there are: {', '.join(row)}.")
    if isinstance(rows, list):
        some = [{name: row[name] for name in names} for row in rows]
        return data | {"results": some} if rows is not data else some
    return {name: rows[name] for name in names}


class ApiView(APIView):
    """A view whose GET may be read from any origin and whose errors are problem+json."""

    throttle_classes = [ReadThrottle, WriteThrottle]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Refuse what is too long, then look who asks and how often."""
        check_size(request)
        super().initial(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        """Return :func:`problem`."""
        return problem

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401
        """Give the fields that are asked for, and let scripts of any origin read; no answer is by who asks."""
        if response.status_code == status.HTTP_200_OK and request.method == "GET" and "fields" in request.GET:
            try:
                response.data = _chosen(request, response.data)
            except exceptions.ValidationError as error:
                response = self.handle_exception(error)
        response = super().finalize_response(request, response, *args, **kwargs)
        if request.method in ("GET", "HEAD", "OPTIONS"):
            response["Access-Control-Allow-Origin"] = "*"
            response["Access-Control-Allow-Methods"] = "GET, HEAD"
            response["Access-Control-Allow-Headers"] = "If-None-Match"
            response["Access-Control-Expose-Headers"] = "ETag, Link, Location"
        response.headers.setdefault("Cache-Control", "no-cache")
        return response


def with_tag(response: _Answer, tag: str) -> _Answer:
    """Give an answer its entity tag; it may be kept and is asked for again."""
    response["ETag"] = quote_etag(tag)
    response["Cache-Control"] = "no-cache"
    return response


def number_of(request: Request, name: str, default: int, most: int) -> int:
    """Read a whole number of the query, held between 0 and ``most``.

    :raises ValidationError: when it is none.
    """
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise exceptions.ValidationError(f"{name} takes a whole number, not {text[:40]!r}.")
    return min(int(text), most)
