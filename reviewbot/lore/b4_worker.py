"""Runs b4 in a process of its own: a request as JSON on standard input, mails on standard output.

Started by :mod:`reviewbot.lore.fetch` with an empty home. The request has
``url, max_bytes, timeout``, and ``message_id, versions`` or ``patch_ids``. The answer is one line of
JSON, ``{"state": "ok", "lengths": [...]}`` and the mails one after the other,
or ``{"state": unknown | unreachable | status | garbage | too-large | failed, "detail": ...}``.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import os
import resource
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from reviewbot.errors import AuthorError
from reviewbot.lore.versions import linked_versions, own_patches, same_work, version_query
from reviewbot.mail.mbox import split_mbox
from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message

#: other threads that are fetched for earlier and later versions
MAX_THREADS = 12
_MEMORY = 3 << 30


class Refused(Exception):  # noqa: N818 - an answer, not an error
    """The archive gave no mail; says why in the words of the protocol."""

    def __init__(self, state: str, detail: str = "") -> None:
        super().__init__(state, detail)
        self.state, self.detail = state, detail


class Archive:
    """One archive, asked through b4 within a time and a size."""

    def __init__(self, url: str, *, max_bytes: int, deadline: float) -> None:
        import b4
        import liblore
        import requests

        settings = {
            "b4.midmask": f"{url}/%s",
            "b4.linkmask": f"{url}/%s",
            "b4.attestation-policy": "off",
            "b4.cache-expire": "0",
        }
        b4.setup_config(argparse.Namespace(config=settings))
        self._node = b4.get_lore_node()
        self._remote_error: type[Exception] = liblore.RemoteError
        self._transport_error: type[Exception] = requests.RequestException
        self._budget = max_bytes
        self._deadline = deadline

    @property
    def time_left(self) -> bool:
        """Whether another request may be made."""
        return time.monotonic() < self._deadline

    def thread(self, message_id: str) -> list[bytes]:
        """Return the whole thread of a mail.

        :raises Refused: when there is none.
        """
        return self._mails(lambda: self._node.get_mbox_by_msgid(message_id, nocache=True))

    def search(self, query: str) -> list[bytes]:
        """Return the mails that match; none when nothing does.

        :raises Refused: when the archive does not answer the question.
        """
        try:
            return self._mails(lambda: self._node.get_mbox_by_query(query, nocache=True))
        except Refused as refusal:
            if refusal.state == "unknown":
                return []
            raise

    def _mails(self, ask: Callable[[], bytes]) -> list[bytes]:
        try:
            mbox = ask()
        except self._remote_error as error:
            status = getattr(error, "status_code", None)
            if status is None:
                raise Refused("unreachable", "no connection") from error
            raise Refused("unknown" if status == 404 else "status", str(status)) from error
        except self._transport_error as error:
            raise Refused("unreachable", type(error).__name__) from error
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise Refused("garbage", "not compressed as agreed") from error
        self._budget -= len(mbox)
        if self._budget < 0:
            raise Refused("too-large")
        if not mbox.strip():
            raise Refused("unknown")
        try:
            return list(split_mbox(io.BytesIO(mbox)))
        except AuthorError as error:
            raise Refused("garbage", str(error)) from error


def collect(archive: Archive, message_id: str, *, versions: bool) -> list[bytes]:
    """Return the thread of a mail, and the threads of other versions of the same work.

    :raises Refused: when the thread itself cannot be had; what else is missing is left out.
    """
    found = _Collection()
    found.add(archive.thread(message_id))
    # An archive knows a mail with several Message-IDs by each of them; here it has the first.
    mail = found.by_id.get(message_id) or next(iter(found.by_id.values()))
    if mail.parent and mail.parent not in found.by_id:
        _add_thread(found, archive, mail.parent)
    if versions:
        _add_versions(found, archive, mail.message_id)
    return [mail.raw for mail in found.by_id.values()]


class _Collection:
    """Mails by Message-ID, in the order in which they came."""

    def __init__(self) -> None:
        self.by_id: dict[str, Message] = {}

    def add(self, mails: list[bytes]) -> None:
        for raw in mails:
            mail = parse_message(raw)
            self.by_id.setdefault(mail.message_id, mail)


def _add_versions(found: _Collection, archive: Archive, message_id: str) -> None:
    patches = own_patches(list(found.by_id.values()), message_id)
    if not patches:
        return
    wanted = linked_versions(patches)
    query = version_query(patches)
    if query and archive.time_left:
        with contextlib.suppress(Refused):
            hits = [parse_message(raw) for raw in archive.search(query)]
            hits.sort(key=lambda hit: abs(hit.date - patches[0].date))
            wanted += [hit.message_id for hit in hits if same_work(hit, patches)]
    threads = 0
    asked: set[str] = set()
    while wanted and threads < MAX_THREADS and archive.time_left:
        other = wanted.pop(0)
        if other in found.by_id or other in asked:
            continue
        asked.add(other)
        threads += 1
        if _add_thread(found, archive, other):
            # A version may be linked from the version before it only.
            wanted += linked_versions(own_patches(list(found.by_id.values()), other))


def _add_thread(found: _Collection, archive: Archive, message_id: str) -> bool:
    try:
        found.add(archive.thread(message_id))
    except Refused:
        return False
    return True


def main() -> None:
    """Answer one request; every way to end, b4's ``sys.exit`` too, gives an answer."""
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)  # b4 prints
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        request: dict[str, Any] = json.load(sys.stdin)
        try:
            mails = _answer(request)
        except Refused as refusal:
            _write(answer, {"state": refusal.state, "detail": refusal.detail})
        except MemoryError:
            _write(answer, {"state": "too-large"})
        except (Exception, SystemExit) as error:
            _write(answer, {"state": "failed", "detail": f"{type(error).__name__}: {error}"[:500]})
        else:
            _write(answer, {"state": "ok", "lengths": [len(mail) for mail in mails]})
            answer.writelines(mails)


def _answer(request: dict[str, Any]) -> list[bytes]:
    archive = Archive(
        request["url"].rstrip("/"),
        max_bytes=request["max_bytes"],
        deadline=time.monotonic() + request["timeout"] / 2,
    )
    if "patch_ids" in request:
        return archive.search(" OR ".join(f"patchid:{name}" for name in request["patch_ids"]))
    return collect(archive, request["message_id"], versions=request["versions"])


def _write(answer: BinaryIO, verdict: dict[str, Any]) -> None:
    answer.write(json.dumps(verdict).encode() + b"\n")


if __name__ == "__main__":
    main()
