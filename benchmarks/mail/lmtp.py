"""Mails that a Postfix of our own hands on to us by LMTP: each is read once, and one that has to wait comes again."""

from __future__ import annotations

import smtplib
import threading
import time
from collections import Counter
from pathlib import Path
from unittest import mock

from benchmarks.mail import postfix
from reviewbot.errors import TransientError
from reviewbot.mail.parse import parse_message
from threads.services import lmtp, receiving

_MAILS = 50
_CONFIGURATION = """\
virtual_transport = lmtp:unix:{socket}
queue_run_delay = 5s
minimal_backoff_time = 5s
lmtp_tls_security_level = none
"""
_PATIENCE = 120


def run(work: Path) -> int:
    """Hand mails to Postfix; return 0 when each was read to its end once, the last one at the second try."""
    offered: Counter[str] = Counter()
    read: Counter[str] = Counter()

    def receive(raw: bytes) -> str:
        name = parse_message(raw).message_id
        offered[name] += 1
        if name.startswith("wait.") and offered[name] == 1:
            raise TransientError("The DNS does not answer.")
        outcome = receiving.receive(raw)
        read[name] += 1
        return outcome

    socket = work / "lmtp"
    with (
        mock.patch.object(lmtp, "receive", receive),
        lmtp.server(str(socket)) as server,
        postfix.server(work, _CONFIGURATION.format(socket=socket)) as (url, _),
    ):
        socket.chmod(0o666)  # Postfix is of no group of ours
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _post(url)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and len(read) < _MAILS:
            time.sleep(0.2)
        server.shutdown()
    again = sum(number - 1 for number in offered.values())
    print(f"{len(read)} of {_MAILS} mails read, {sum(read.values()) - len(read)} twice, {again} offered again")
    return int(not (len(read) == sum(read.values()) == _MAILS and again == 1))


def _post(url: str) -> None:
    host, _, port = url.removeprefix("smtp://").partition(":")
    with smtplib.SMTP(host, int(port)) as client:
        for number in range(_MAILS):
            name = f"{'wait' if number == 0 else number}.mail@example.org"
            text = f"From: a@example.org\nTo: review@example.org\nMessage-ID: <{name}>\nSubject: x\n\n.\n..\nHello.\n"
            client.sendmail("a@example.org", ["review@example.org"], text)
