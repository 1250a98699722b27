"""An IMAP server of the tests on loopback, with one folder; as much of RFC 9051 as is asked of it."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Folder:
    """What the server holds, and what it was told.

    :ivar mails: by UID.
    :ivar seen: UIDs of the mails that were read.
    :ivar breaks: the connection is closed instead of an answer to this command.
    """

    mails: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    password: str = "se/cret"
    breaks: str = ""
    url: str = ""


class _Session(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Answer commands until the client goes."""
        folder: Folder = self.server.folder  # type: ignore[attr-defined]
        self._say(b"* OK ready")
        while line := self.rfile.readline().decode().strip():
            tag, _, command = line.partition(" ")
            if folder.breaks and command.startswith(folder.breaks):
                return
            self._say(f"{tag} {self._answer(folder, command)}".encode())

    def _answer(self, folder: Folder, command: str) -> str:
        verb = command.upper()
        if verb == "CAPABILITY":
            self._say(b"* CAPABILITY IMAP4rev1")
        elif verb.startswith("LOGIN"):
            return "OK in" if folder.password in command else "NO wrong password"
        elif verb.startswith("SELECT"):
            return "OK selected" if '"Review"' in command else "NO no such folder"
        elif verb.startswith("UID SEARCH UNSEEN SMALLER"):
            unread = (str(uid) for uid in sorted(folder.mails) if uid not in folder.seen)
            self._say(f"* SEARCH {' '.join(unread)}".encode())
        elif found := re.fullmatch(r"UID FETCH (\d+) \(BODY\.PEEK\[\]\)", verb):
            if raw := folder.mails.get(int(found[1])):
                self._say(b"* 1 FETCH (UID %s BODY[] {%d}" % (found[1].encode(), len(raw)))
                self.wfile.write(raw)
                self._say(b")")
        elif found := re.fullmatch(r"UID STORE (\d+) \+FLAGS\.SILENT \(\\SEEN\)", verb):
            folder.seen.add(int(found[1]))
        else:
            return "BAD not known"
        return "OK done"

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


@contextmanager
def imap_server() -> Iterator[Folder]:
    """Run the server."""
    folder = Folder()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session) as server:
        server.daemon_threads = True
        server.folder = folder  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        folder.url = f"imap://us%40x:se%2Fcret@127.0.0.1:{server.server_address[1]}/Review"
        yield folder
        server.shutdown()
