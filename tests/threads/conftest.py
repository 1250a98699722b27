"""The whole way on a small kernel, with a queue that runs when the test says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from threads import models, tasks
from threads.services import intake, pipeline, queue, trees

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
V1, V2 = "20260302090000.7001-{}-mara@example.org", "20260309090000.7002-{}-mara@example.org"


class Queue(list[tuple[str, tuple[int | str, ...]]]):
    """What was queued, in order; nothing runs by itself."""

    def drain(self, *, but: str = "") -> list[str]:
        """Run everything, and what that queues, as a worker would; return the names of the steps.

        :param but: a step that is left in the queue.
        """
        done = []
        while ready := [queued for queued in self if queued[0] != but]:
            step, arguments = ready[0]
            self.remove(ready[0])
            getattr(tasks, step).apply(args=arguments)
            done.append(step)
        return done


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Queue:
    waiting = Queue()
    monkeypatch.setattr(queue, "_send", lambda step, arguments: waiting.append((step, arguments)))
    return waiting


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a store and build folders of its own."""
    monkeypatch.setattr(settings, "STORE", tmp_path / "store.git")
    monkeypatch.setattr(settings, "BUILDS", tmp_path / "builds")


@pytest.fixture
def minikernel(transactional_db: None) -> Iterator[models.Tree]:
    return trees.add("minikernel", str(CORPUS / "minikernel"))


@pytest.fixture
def mails() -> list[bytes]:
    from reviewbot.lore.mbox import read_mailbox

    return list(read_mailbox(CORPUS / "minikernel.mbox"))


@pytest.fixture
def series(minikernel: models.Tree, steps: Queue, mails: list[bytes]) -> models.Series:
    """Return v2 of the series, taken in and asked for without builds; v1 is asked for with it."""
    row = intake.take_in(mails)
    pipeline.want(row, {"build": False})
    return row
