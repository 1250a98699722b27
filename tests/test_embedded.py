"""The processes of one terminal: what ends by itself is started again, within reason."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from reviewbot.embedded import Stack
from reviewbot.errors import OperatorError
from tests.installation import wait_for


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setattr(settings, "VAR", tmp_path)
    made = Stack()
    yield made
    made.stop()


def test_a_process_that_ends_by_itself_is_started_again(stack: Stack) -> None:
    stack._start("worker", ["sleep", "60"])
    first = stack.processes["worker"].pid
    os.kill(first, signal.SIGKILL)
    stack.processes["worker"].wait()
    stack.check()
    assert stack.processes["worker"].pid != first
    assert stack.processes["worker"].poll() is None


def test_a_process_that_ends_again_and_again_is_given_up_with_the_name_of_its_log(stack: Stack) -> None:
    stack._start("worker", ["false"])

    said: list[str] = []

    def given_up() -> bool:
        try:
            stack.check()
        except OperatorError as error:
            said.append(str(error))
        return bool(said)

    wait_for(given_up, "giving up")
    assert "The worker ended by itself 4 times" in said[0]
    assert "worker.log says why" in said[0]
