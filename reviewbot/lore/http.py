"""Fetching pages from archives: politely, and never from where we should not look.

Every address is resolved here, checked, and connected to as checked, so that a
name cannot point elsewhere between the check and the connection; every redirect
is checked like a first request. Proxies are not used for that reason.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urljoin, urlsplit

from reviewbot.errors import NotFoundError, OperatorError, TransientError

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_AGAIN = frozenset((429, 500, 502, 503, 504))
_CHUNK = 64 * 1024
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Manners:
    """How an archive is treated.

    :ivar identification: the User-Agent; names the service and how to reach its operator.
    :ivar hosts: hosts that may be asked; ``.example.org`` stands for every host below it.
    :ivar private: whether loopback and private addresses may be asked.
    :ivar pause: seconds between two requests to one host.
    :ivar attempts: how often a request is made before it is given up.
    :ivar max_wait: the longest pause that is made when a host asks for one, in seconds.
    :ivar max_bytes: the largest answer that is read.
    :ivar timeout: for connecting and for one request as a whole, in seconds.
    """

    identification: str
    hosts: frozenset[str]
    private: bool = False
    pause: float = 2.0
    attempts: int = 3
    max_wait: float = 60.0
    max_bytes: int = 16 * 1024 * 1024
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Page:
    """An answer.

    :ivar url: where it came from, after redirects.
    :ivar fresh: false when the host says that nothing changed; the body is empty then.
    :ivar etag: hand it back with the next request, as ``last_modified``.
    """

    url: str
    body: bytes
    fresh: bool = True
    etag: str = ""
    last_modified: str = ""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class _Vanished(Exception):  # noqa: N818 - a passing state of the network
    """No answer, or half of one."""


@dataclass(slots=True)
class Client:
    """Asks archives for pages; one for all threads of a process, as it keeps the pauses.

    :ivar clock: seconds, and ``sleep`` waits for them; replaced in tests.
    """

    manners: Manners
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _next: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, url: str, *, etag: str = "", last_modified: str = "") -> Page:
        """Return a page, or the word that it is unchanged.

        :param etag: of the copy that the caller has, with ``last_modified``: the request becomes conditional.
        :raises NotFoundError: when the host says that there is no such page.
        :raises OperatorError: when the address may not be asked, or the answer is too large.
        :raises TransientError: when the host does not answer, is overloaded or refuses, also after waiting.
        """
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in conditions.items() if value and value.isprintable()}
        for _ in range(6):
            answer = self._ask_until_answered(url, headers)
            if answer.status not in _REDIRECTS:
                return self._page(url, answer)
            url = urljoin(url, answer.headers.get("Location", ""))
        raise TransientError(f"{url} redirects without end.")

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Hand something to a host, once; return the status of its answer. No redirect is followed.

        :raises OperatorError: when the address may not be asked.
        :raises TransientError: when there is no answer.
        """
        place = self._allowed(url)
        try:
            return self._ask(place, dict(headers), body).status
        except _Vanished as error:
            raise TransientError(f"{place.netloc} does not answer ({error}).") from error

    def _page(self, url: str, answer: _Answer) -> Page:
        if answer.status in (404, 410):
            raise NotFoundError(f"There is no page {url}.")
        if answer.status not in (200, 304):
            raise TransientError(f"{urlsplit(url).netloc} answered with status {answer.status} for {url}.")
        return Page(
            url,
            answer.body,
            answer.status == 200,
            answer.headers.get("ETag", ""),
            answer.headers.get("Last-Modified", ""),
            answer.headers.get("Content-Type", ""),
        )

    def _ask_until_answered(self, url: str, headers: dict[str, str]) -> _Answer:
        """Ask, and again after a growing pause while the host is overloaded or away."""
        place = self._allowed(url)
        reason = ""
        for attempt in range(self.manners.attempts):
            self._wait_for_turn(place.netloc)
            wait = self.manners.pause * 2 ** (attempt + 1)
            try:
                answer = self._ask(place, headers)
            except _Vanished as error:
                reason = str(error)
            else:
                if answer.status not in _AGAIN:
                    return answer
                reason = f"status {answer.status}"
                wait = max(wait, _retry_after(answer.headers.get("Retry-After", "")))
            if wait > self.manners.max_wait:
                raise TransientError(f"{place.netloc} asks to wait {wait:.0f} seconds ({reason}); try again later.")
            self._postpone(place.netloc, wait)
        raise TransientError(f"{place.netloc} does not answer ({reason}); it was asked {self.manners.attempts} times.")

    def _wait_for_turn(self, host: str) -> None:
        with self._lock:
            now = self.clock()
            turn = max(now, self._next.get(host, 0.0))
            self._next[host] = turn + self.manners.pause
        if turn > now:
            self.sleep(turn - now)

    def _postpone(self, host: str, seconds: float) -> None:
        with self._lock:
            self._next[host] = max(self._next.get(host, 0.0), self.clock() + seconds)

    def _allowed(self, url: str) -> SplitResult:
        """Take an address apart.

        :raises OperatorError: when it may not be asked.
        """
        try:
            place = urlsplit(url)
            host, _ = (place.hostname or "").lower(), place.port
        except ValueError:
            raise OperatorError(f"{url[:200]!a} is no address of a page.") from None
        if place.scheme not in ("http", "https") or not host or place.username or not url.isprintable() or " " in url:
            raise OperatorError(f"{url[:200]!a} is no address of a page.")
        if not any(host == allowed or (allowed[0] == "." and host.endswith(allowed)) for allowed in self.manners.hosts):
            raise OperatorError(f"The host {host} is not among those that may be asked; the operator can add it.")
        return place

    def _address(self, place: SplitResult) -> tuple[str, int]:
        """Resolve a host to the address that is connected to.

        :raises OperatorError: when an address of it is private and may not be asked.
        """
        host = place.hostname or ""
        port = place.port or (443 if place.scheme == "https" else 80)
        try:
            found = {str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        except OSError as error:
            raise _Vanished("its name cannot be resolved") from error
        if not self.manners.private and not all(map(_is_public, found)):
            raise OperatorError(f"The host {host} has a private address, which may not be asked.")
        return min(found, key=lambda each: (":" in each, each)), port

    def _ask(self, place: SplitResult, headers: dict[str, str], body: bytes | None = None) -> _Answer:
        """Make one request.

        :raises _Vanished: when there is no whole answer in time.
        """
        address, port = self._address(place)
        deadline = time.monotonic() + self.manners.timeout
        connection = http.client.HTTPConnection(place.hostname or "", port, timeout=self.manners.timeout)
        try:
            sock = socket.create_connection((address, port), timeout=self.manners.timeout)
            if place.scheme == "https":
                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=place.hostname)
            connection.sock = sock
            target = (place.path or "/") + (f"?{place.query}" if place.query else "")
            fields = {"User-Agent": self.manners.identification, "Accept-Encoding": "identity", **headers}
            connection.request("GET" if body is None else "POST", target, body=body, headers=fields)
            response = connection.getresponse()
            return _Answer(response.status, response.headers, self._read(response, place, deadline))
        except (OSError, http.client.HTTPException) as error:
            raise _Vanished(type(error).__name__) from error
        finally:
            connection.close()

    def _read(self, response: http.client.HTTPResponse, place: SplitResult, deadline: float) -> bytes:
        body = bytearray()
        while chunk := response.read1(_CHUNK):
            body += chunk
            if len(body) > self.manners.max_bytes:
                raise OperatorError(f"{place.geturl()} is larger than {self.manners.max_bytes >> 20} MB.")
            if time.monotonic() > deadline:
                raise _Vanished(f"not whole after {self.manners.timeout:.0f} seconds")
        if response.length:
            raise _Vanished("the connection was cut")
        return bytes(body)


def _is_public(address: str) -> bool:
    """Return whether an address is of the open internet, also one that wraps an IPv4 address (mapped, 6to4, NAT64)."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if parsed in _NAT64:
            inner = ipaddress.IPv4Address(parsed.packed[-4:])
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return parsed.is_global and not parsed.is_multicast


def gunzip(data: bytes, limit: int) -> bytes:
    """Unpack gzip up to a size.

    :raises TransientError: when it is no gzip, or unpacks to more.
    """
    unpack = zlib.decompressobj(wbits=31)
    try:
        plain = unpack.decompress(data, limit)
    except zlib.error:
        raise TransientError("The archive sent a damaged compressed file; it will be tried again.") from None
    if not unpack.eof:
        raise TransientError("The archive sent a compressed file that is cut off or too large.")
    return plain


def _retry_after(value: str) -> float:
    """Read a Retry-After field: seconds, or a date."""
    if value.strip().isdigit():
        return float(value.strip()[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0
