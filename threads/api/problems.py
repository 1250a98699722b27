"""The shape of every error, and which errors an operation may answer with."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers as s

from threads.api import examples

#: media type of every error, RFC 9457
PROBLEM = "application/problem+json"


class Problem(s.Serializer[Any]):
    """An error, RFC 9457."""

    type = s.CharField()
    title = s.CharField()
    status = s.IntegerField()
    detail = s.CharField(help_text="what happened, and who can do what")


_PROBLEMS = {
    400: "what was asked cannot be read",
    401: "no valid token",
    403: "not allowed",
    404: "not known here; the text says what to do",
    405: "not a method of this address",
    413: "the body is too long",
    415: "the body is neither JSON nor a form",
    422: "the mail or the patch is at fault",
    429: "too much was asked for",
    503: "it does not answer now; ask again",
}
#: may be the answer to anything; what is written may be too long or of no known kind, too
_ALWAYS, _WRITES = (400, 401, 403, 405, 429), (413, 415)


def problems(*codes: int, writes: bool = False) -> dict[tuple[int, str], OpenApiResponse]:
    """Return the errors of an operation for its schema."""
    wanted = (*codes, *_ALWAYS, *(_WRITES if writes else ()))
    return {(code, PROBLEM): OpenApiResponse(Problem, _PROBLEMS[code], [_problem(code)]) for code in wanted}


def _problem(code: int) -> OpenApiExample:
    example = examples.PROBLEM if code == examples.PROBLEM["status"] else {
        "type": "about:blank", "title": HTTPStatus(code).phrase, "status": code, "detail": f"{_PROBLEMS[code]}."
    }  # fmt: skip
    return OpenApiExample("example", value=example, status_codes=[str(code)])
