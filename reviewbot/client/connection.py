"""Asking the API, and turning what goes wrong into one sentence."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from reviewbot.client.model import Series, read_series

#: seconds that the service holds an answer back at most, and that are added to that for the network
LONGEST_WAIT, NETWORK = 60, 30
#: bytes of an answer that are read
MAX_ANSWER = 64 << 20


class ClientError(Exception):
    """The service refuses, does not know, or does not answer; the text is a sentence.

    :ivar status: HTTP status, 0 when there was no answer.
    """

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class _NoRedirect(HTTPRedirectHandler):
    """A token is for one host: no answer may send it to another."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Refuse."""
        return


class Client:
    """One service.

    :param site: its address, e.g. ``https://review.example.org``.
    :param token: as its operator gave it out; reading needs none.
    """

    def __init__(self, site: str, token: str = "") -> None:
        if urlsplit(site).scheme not in ("http", "https"):
            raise ClientError(f"{site!r} is no address of a service; it begins with https://.")
        self._site = site.rstrip("/")
        self._token = token
        self._opener: OpenerDirector = build_opener(_NoRedirect)

    def status(self, message_id: str, *, wait: float = 0) -> Series:
        """Return what is known about a series.

        :param message_id: of its cover, one of its patches, or a reply.
        :param wait: seconds to wait at most until nothing more will happen.
        :raises ClientError: when it is not known.
        """
        deadline = time.monotonic() + wait
        while True:
            left = max(0, min(LONGEST_WAIT, int(deadline - time.monotonic())))
            found = read_series(self._ask("GET", self._series(message_id), {"wait": left} if left else {}))
            if found.done or time.monotonic() + 1 >= deadline:
                return found
            time.sleep(1)

    def text(self, message_id: str, *, width: int = 100) -> str:
        """Return the report of a series as text for a terminal."""
        path = f"{self._series(message_id)[:-1]}.txt"
        return self._send("GET", path, {"width": width}, None).decode("utf-8", "replace")

    def submit(self, target: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Ask for a series by Message-ID or link; return what became of it so far."""
        return self._ask("POST", "/api/v1/series/", {}, {"target": target, "options": options})

    def rerun(self, message_id: str) -> None:
        """Ask to look at a series again."""
        self._send("POST", f"{self._series(message_id)}rerun/", {}, {})

    def verdict(self, message_id: str, finding: str, judgement: str, reason: str) -> dict[str, Any]:
        """Say that a finding is ``right``, ``wrong`` or ``not worth it``, and why."""
        path = f"{self._series(message_id)}findings/{quote(finding, safe='')}/verdict/"
        return self._ask("POST", path, {}, {"judgement": judgement, "reason": reason})

    def findings(self, **filters: str | int) -> Iterator[dict[str, Any]]:
        """Yield what runs state, newest first, page by page.

        :param filters: ``rule``, ``severity``, ``file``, ``function``, ``fingerprint`` or ``run``.
        """
        query: Mapping[str, str | int] = filters
        while True:
            page = self._ask("GET", "/api/v1/findings/", query)
            yield from page["results"]
            if not page["next"]:
                return
            query = {**filters, "before": page["results"][-1]["id"]}

    @staticmethod
    def _series(message_id: str) -> str:
        return f"/api/v1/series/{quote(message_id.strip('<> '), safe='@')}/"

    def _ask(
        self, method: str, path: str, query: Mapping[str, str | int], body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            answer = json.loads(self._send(method, path, query, body))
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ClientError(f"{self._site} answers with something else than the status API; is the address right?")
        return answer

    def _send(self, method: str, path: str, query: Mapping[str, str | int], body: dict[str, Any] | None) -> bytes:
        url = f"{self._site}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "*/*", "User-Agent": "reviewbot-client/1"}
        if self._token:
            headers["Authorization"] = f"Token {self._token}"
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = Request(url, data=data, headers=headers, method=method)  # noqa: S310 - http or https, as checked above
        try:
            with self._opener.open(request, timeout=float(query.get("wait", 0)) + NETWORK) as answer:
                content: bytes = answer.read(MAX_ANSWER)
                return content
        except HTTPError as error:
            raise ClientError(_detail(error), error.code) from error
        except (URLError, OSError, http.client.HTTPException) as error:
            raise ClientError(f"{self._site} does not answer: {getattr(error, 'reason', error)}.") from error


def _detail(error: HTTPError) -> str:
    """Return the sentence of a problem, RFC 9457, or the status when the answer is none."""
    try:
        return str(json.loads(error.read(1 << 20))["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        return f"The service answered with status {error.code}."
