"""A mail server of the tests on loopback, which takes mails or misbehaves as it is told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Postbox:
    """What the server was given, and how it answers.

    :ivar answers: to DATA; ``drop`` closes the connection instead of answering, behind the last dot.
    :ivar unknown: recipients that are refused for good.
    """

    mails: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    answer: str = "250 taken"
    unknown: frozenset[str] = frozenset()
    url: str = ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if address in self.unknown:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail; whether the sender hears of it is another question."""
        if self.answer == "drop":
            self._keep(envelope)
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
            await asyncio.sleep(0.2)
        elif self.answer.startswith("25"):
            self._keep(envelope)
        return self.answer

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.original_content
        assert content is not None
        self.mails.append(content)
        self.recipients.append(list(envelope.rcpt_tos))
        self.senders.append(str(envelope.mail_from))


@contextmanager
def postbox() -> Iterator[Postbox]:
    """Run the server."""
    box = Postbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port, enable_SMTPUTF8=False)
    controller.start()
    try:
        box.url = f"smtp://127.0.0.1:{port}"
        yield box
    finally:
        controller.stop()
