"""What every request passes through that is ours."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars

HEADER = "X-Request-ID"
_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


class Naming:
    """Binds an id, and the mail that a page is about, to every line that is logged for a request; the answer says it.

    The id of a proxy in front is taken over, so that its log and ours can be read side by side.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        given = request.headers.get(HEADER, "") if settings.PROXIES else ""
        name = given if _ID.fullmatch(given) else uuid.uuid4().hex
        bind_contextvars(request=name)
        try:
            response = self._get_response(request)
        finally:
            clear_contextvars()
        response[HEADER] = name
        return response

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: dict[str, Any]) -> None:
        """Bind the mail that the address names."""
        if "msgid" in kwargs:
            bind_contextvars(mail=kwargs["msgid"])
