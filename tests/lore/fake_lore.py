"""A public-inbox of a few invented mails, on loopback."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from reviewbot.mail.parse import parse_message
from reviewbot.mail.patchid import patch_id


@dataclass
class Lore:
    """What the archive has: threads of mails; and what it was asked."""

    threads: list[list[bytes]]
    url: str = ""
    asked: list[str] = field(default_factory=list)
    #: answers to everything, when set
    broken: Callable[[], tuple[int, bytes]] | None = None

    def thread(self, message_id: str) -> list[bytes]:
        return next((mails for mails in self.threads if message_id in map(_id, mails)), [])

    def search(self, query: str) -> list[bytes]:
        if names := {part.removeprefix("patchid:") for part in query.split() if part.startswith("patchid:")}:
            return [mail for mails in self.threads if names & set(map(_patch_id, mails)) for mail in mails]
        words = {part.partition(":")[2].strip("()") for part in query.split() if part.lstrip("(").startswith("s:")}
        return [
            mail
            for mails in self.threads
            for mail in mails
            if words & set(parse_message(mail).subject.lower().replace(":", " ").split())
        ]

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        if self.broken:
            return self.broken()
        url = urlsplit(path)
        mails = []
        if url.path.endswith("/t.mbox.gz"):
            mails = self.thread(unquote(url.path.split("/")[-2]))
        elif url.query:
            mails = self.search(parse_qs(url.query)["q"][0])
        if not mails:
            return 404, b"not found"
        return 200, gzip.compress(
            b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + mail + b"\n" for mail in mails)
        )


def _patch_id(mail: bytes) -> str:
    body = parse_message(mail).body
    return patch_id(body[body.find("diff --git") :])


def _id(mail: bytes) -> str:
    return parse_message(mail).message_id


@contextmanager
def serve(lore: Lore) -> Iterator[Lore]:
    """Serve an archive at ``lore.url`` (inbox ``linux-mm``)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = lore.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_HEAD(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    lore.url = f"http://127.0.0.1:{server.server_port}/linux-mm"
    try:
        yield lore
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
