"""A reader of mails for the tests of the ways on which they come."""

from __future__ import annotations

from types import ModuleType

import pytest

from reviewbot.errors import TransientError


def reading(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> list[bytes]:
    """Let a module hand its mails to a list; one with ``later`` has to wait, one with ``breaks`` breaks us."""
    came: list[bytes] = []

    def receive(raw: bytes) -> str:
        came.append(raw)
        if b"later" in raw:
            raise TransientError("The DNS does not answer.")
        if b"breaks" in raw:
            raise RuntimeError("nobody has thought of that")
        return f"Read {len(raw)} bytes."

    monkeypatch.setattr(module, "receive", receive)
    return came
