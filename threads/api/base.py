"""What every answer of the API has in common: errors that say what to do, and readers from any origin."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import Http404
from django.utils.http import quote_etag
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.views import exception_handler as default_handler

from reviewbot.errors import AuthorError, NotFoundError, ReviewError, TransientError
from threads.api.limits import ReadThrottle, WriteThrottle
from threads.api.shapes import PROBLEM


class UnknownError(exceptions.APIException):
    """What was asked for is not known here; the text says what to do."""

    status_code = status.HTTP_404_NOT_FOUND
    default_code = "unknown"


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return an error as problem+json, None when it is none that we know."""
    if isinstance(error, ReviewError):
        error = _as_api_error(error)
    if isinstance(error, Http404):
        error = UnknownError(str(error) or "There is nothing at this address; /api/v1/ names what there is.")
    response = default_handler(error, context)
    if response is None:
        return None
    response.data = {
        "type": "about:blank",
        "title": HTTPStatus(response.status_code).phrase,
        "status": response.status_code,
        "detail": _sentence(response.data),
    }
    response.content_type = PROBLEM
    return response


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


class ApiView(APIView):
    """A view whose GET may be read from any origin and whose errors are problem+json."""

    throttle_classes = [ReadThrottle, WriteThrottle]

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        """Return :func:`problem`."""
        return problem

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401
        """Let scripts of any origin read; nothing is ever answered by who asks."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if request.method in ("GET", "HEAD", "OPTIONS"):
            response["Access-Control-Allow-Origin"] = "*"
            response["Access-Control-Allow-Methods"] = "GET, HEAD"
            response["Access-Control-Allow-Headers"] = "If-None-Match"
            response["Access-Control-Expose-Headers"] = "ETag, Link, Location"
        response.headers.setdefault("Cache-Control", "no-cache")
        return response


def with_tag(response: Response, tag: str) -> Response:
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
