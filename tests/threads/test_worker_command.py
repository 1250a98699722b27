"""``manage.py worker``: a machine takes the work that it can do, and a new one makes itself ready first."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from reviewbot.builds import toolchains
from reviewbot.errors import OperatorError
from reviewbot.tree.store import Store
from threads import models
from threads.management.commands import worker
from threads.selectors import health


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Collect what the process would become, on a machine that has everything but clang and other compilers."""
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, arguments: commands.append(arguments))
    monkeypatch.setattr(worker, "broker_answers", lambda: None)
    monkeypatch.setattr(worker.sandbox, "require", lambda: None)
    monkeypatch.setattr(toolchains, "find", lambda: None)
    monkeypatch.setattr(toolchains, "installed", lambda arch, compiler: (arch, compiler) == ("arm64", "gcc"))
    return commands


def start(*words: str) -> tuple[int, str]:
    said = io.StringIO()
    try:
        call_command("worker", *words, stdout=said, stderr=said)
    except SystemExit as end:
        return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()


def queues(command: list[str]) -> str:
    return command[command.index("-Q") + 1]


def test_a_machine_takes_all_that_it_can_do(became: list[list[str]]) -> None:
    assert start() == (0, "Takes work of intake, tree, check, build, build.arm64, publish.\n")
    assert queues(became[0]) == "intake,tree,check,build,build.arm64,publish"


def test_a_machine_that_cannot_build_takes_the_rest_and_says_why(
    became: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OperatorError("The sandbox does not work here.")

    monkeypatch.setattr(worker.sandbox, "require", refuse)
    assert "Takes no builds: The sandbox does not work here." in start()[1]
    assert queues(became[0]) == "intake,tree,check,publish"


def test_a_worker_may_be_for_some_queues_only(became: list[list[str]]) -> None:
    start("publish", "-c", "4", "--name", "mailer")
    assert queues(became[0]) == "publish"
    assert became[0][became[0].index("-c") + 1] == "4"
    assert became[0][became[0].index("--hostname") + 1] == "mailer@%h"


def test_a_queue_that_is_none_is_refused(became: list[list[str]]) -> None:
    status, said = start("builds")
    assert (status, became) == (3, [])
    assert said == "No queue is called builds; there are intake, tree, check, build, publish.\n"


def test_a_new_machine_reads_the_trees_that_it_does_not_have(
    became: list[list[str]], minikernel: models.Tree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "STORE", tmp_path / "other.git")
    status, said = start("--join")
    assert (status, len(became)) == (0, 1)
    assert "does not have the tree minikernel" in said
    assert [branch.name for branch in Store(tmp_path / "other.git").branches()] == ["minikernel"]


@pytest.mark.django_db
def test_a_machine_with_another_program_does_not_join(became: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    def problems() -> list[Any]:
        return [health.Problem("migrations", "The database is 1 migrations behind this program.", blocks=True)]

    monkeypatch.setattr(health, "problems", problems)
    assert start("--join") == (3, "The database is 1 migrations behind this program.\n")
    assert became == []
