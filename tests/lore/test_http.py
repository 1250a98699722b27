"""Manners: what is asked, how often, and where never."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from reviewbot.errors import NotFoundError, OperatorError, TransientError
from reviewbot.lore.http import Client, Manners, gunzip


class Handler(BaseHTTPRequestHandler):
    """Answers by script: a list of (status, headers, body); the last one is repeated."""

    script: ClassVar[list[tuple[int, dict[str, str], bytes]]] = []
    seen: ClassVar[list[tuple[str, dict[str, str]]]] = []

    def do_GET(self) -> None:
        self.seen.append((self.path, dict(self.headers)))
        status, headers, body = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if "X-Trickle" not in headers:
            self.wfile.write(body)
            return
        with contextlib.suppress(OSError):
            for byte in body:
                self.wfile.write(bytes((byte,)))
                time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.script, Handler.seen = [(200, {}, b"page")], []
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()
    http.server_close()


MANNERS = Manners(
    "reviewbot (operator@example.org)", frozenset({"127.0.0.1", "localhost", ".example.org"}), private=True
)


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds


def client(manners: Manners = MANNERS) -> tuple[Client, Time]:
    clock = Time()
    return Client(manners, clock=lambda: clock.now, sleep=clock.sleep), clock


def test_a_page_is_asked_for_with_our_name(server: str) -> None:
    Handler.script = [(200, {"ETag": '"1"', "Last-Modified": "Tue, 04 Mar 2025 10:00:00 GMT"}, b"page")]
    page = client()[0].get(f"{server}/a?b=c")
    assert (page.body, page.fresh, page.etag) == (b"page", True, '"1"')
    assert Handler.seen[0][0] == "/a?b=c"
    assert Handler.seen[0][1]["User-Agent"] == "reviewbot (operator@example.org)"


def test_what_did_not_change_is_not_sent_again(server: str) -> None:
    Handler.script = [(304, {}, b"")]
    page = client()[0].get(server, etag='"1"', last_modified="Tue, 04 Mar 2025 10:00:00 GMT")
    assert not page.fresh
    assert Handler.seen[0][1]["If-None-Match"] == '"1"'
    assert Handler.seen[0][1]["If-Modified-Since"] == "Tue, 04 Mar 2025 10:00:00 GMT"


def test_between_two_requests_to_a_host_there_is_a_pause(server: str) -> None:
    asking, time = client()
    asking.get(server)
    asking.get(server)
    time.now += 1.5
    asking.get(server)
    assert time.slept == [2.0, 0.5]


def test_an_overloaded_host_is_asked_again_later_and_later(server: str) -> None:
    Handler.script = [(503, {}, b""), (429, {"Retry-After": "30"}, b""), (200, {}, b"page")]
    asking, time = client()
    assert asking.get(server).body == b"page"
    assert time.slept == [4.0, 30.0]


def test_it_is_given_up_when_the_host_wants_a_long_time_or_stays_away(server: str) -> None:
    Handler.script = [(429, {"Retry-After": "3600"}, b"")]
    with pytest.raises(TransientError, match="asks to wait 3600 seconds"):
        client()[0].get(server)
    Handler.script = [(502, {}, b"")]
    with pytest.raises(TransientError, match="asked 3 times"):
        client()[0].get(server)
    with pytest.raises(TransientError, match="does not answer"):
        client()[0].get("http://127.0.0.1:9/")


@pytest.mark.parametrize(("status", "error"), [(404, NotFoundError), (410, NotFoundError), (403, TransientError)])
def test_refusals(server: str, status: int, error: type[Exception]) -> None:
    Handler.script = [(status, {}, b"")]
    with pytest.raises(error):
        client()[0].get(server)


@pytest.mark.parametrize(
    "url",
    [
        "http://elsewhere.example.com/",
        "http://notexample.org/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://user:password@127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nHost: x",
        "http://[::1/",
        "",
    ],
)
def test_addresses_that_are_never_asked(url: str) -> None:
    with pytest.raises(OperatorError):
        client()[0].get(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "0.0.0.0",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a00:1",
        "fe80::1%eth0",
        "224.0.0.1",
        "100.64.0.1",
    ],
)
def test_a_name_with_a_private_address_is_not_asked(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("93.184.216.34", 80)), (0, 0, 0, "", (address, 80))]
    )
    with pytest.raises(OperatorError, match="private address"):
        client(replace(MANNERS, private=False))[0].get("http://lists.example.org/")


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:7f00:1]", "[::1]", "localhost"]
)
def test_a_private_address_in_another_spelling_is_not_asked(host: str, server: str) -> None:
    port = server.rpartition(":")[2]
    hosts = frozenset({host.strip("[]")})
    with pytest.raises((OperatorError, TransientError)):
        client(replace(MANNERS, private=False, hosts=hosts, attempts=1))[0].get(f"http://{host}:{port}/")
    assert Handler.seen == []


def test_it_connects_to_the_address_that_was_checked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(server.rpartition(":")[2])
    answers = [[(0, 0, 0, "", ("127.0.0.1", port))], [(0, 0, 0, "", ("192.0.2.1", port))]]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers.pop(0))
    connected: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        connected.append(address)
        sock = socket.socket()
        sock.settimeout(timeout)
        sock.connect(address)
        return sock

    monkeypatch.setattr(socket, "create_connection", connect)
    client()[0].get(f"http://lists.example.org:{port}/")
    assert connected == [("127.0.0.1", port)]
    assert Handler.seen[0][1]["Host"] == f"lists.example.org:{port}"
    assert len(answers) == 1  # the name was looked up once


def test_a_redirect_to_a_private_address_is_not_followed(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Handler.script = [(302, {"Location": "http://inside.example.org/secret"}, b"")]
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *rest: int, **options: int) -> object:
        return (
            [(0, 0, 0, "", ("10.0.0.1", port))] if host == "inside.example.org" else real(host, port, *rest, **options)
        )

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr("reviewbot.lore.http._is_public", lambda address: address == "127.0.0.1")
    with pytest.raises(OperatorError, match="private address"):
        client(replace(MANNERS, private=False))[0].get(server)
    assert len(Handler.seen) == 1


def test_an_answer_that_trickles_is_given_up(server: str) -> None:
    Handler.script = [(200, {"X-Trickle": "1"}, b"x" * 50)]
    with pytest.raises(TransientError, match="not whole after"):
        client(replace(MANNERS, timeout=0.5, attempts=1))[0].get(server)


def test_what_is_packed_without_being_asked_for_is_not_unpacked(server: str) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    Handler.script = [(200, {"Content-Encoding": "gzip"}, bomb)]
    assert client()[0].get(server).body == bomb
    assert Handler.seen[0][1]["Accept-Encoding"] == "identity"


def test_a_date_may_say_when_to_ask_again(server: str) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    Handler.script = [(429, {"Retry-After": later}, b""), (200, {}, b"page")]
    asking, clock = client()
    asking.get(server)
    assert 15 < clock.slept[0] <= 21


def test_a_redirect_is_checked_like_a_first_request(server: str) -> None:
    Handler.script = [(301, {"Location": "/b"}, b""), (200, {}, b"page")]
    assert client()[0].get(f"{server}/a").url == f"{server}/b"
    Handler.script = [(302, {"Location": "http://elsewhere.example.com/"}, b"")]
    with pytest.raises(OperatorError, match="not among those"):
        client()[0].get(server)
    Handler.script = [(302, {"Location": "/again"}, b"")]
    with pytest.raises(TransientError, match="without end"):
        client()[0].get(server)


def test_a_large_answer_is_not_read(server: str) -> None:
    Handler.script = [(200, {}, b"x" * 300_000)]
    with pytest.raises(OperatorError, match="larger than"):
        client(replace(MANNERS, max_bytes=100_000))[0].get(server)


def test_an_answer_that_is_cut_is_no_answer(server: str) -> None:
    Handler.script = [(200, {"Content-Length": "100"}, b"short")]
    with pytest.raises(TransientError):
        client(replace(MANNERS, timeout=1.0, attempts=1))[0].get(server)


def test_unpacking_is_bounded() -> None:
    assert gunzip(gzip.compress(b"x" * 1000), 2000) == b"x" * 1000
    for data in (gzip.compress(b"x" * 10_000), gzip.compress(b"x")[:-3], b"junk"):
        with pytest.raises(TransientError):
            gunzip(data, 2000)
