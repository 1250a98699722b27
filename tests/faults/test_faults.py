"""Whatever breaks on the way, a series ends as it would have ended: nothing is lost, nothing is done twice.

A list is followed by a real scheduler and real workers on a real Redis. Each test breaks something; the rows at the
end are those of a run that nobody disturbed.
"""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from reviewbot.lore.mbox import read_mailbox
from tests.installation import ROOT, Installation, Redis, kill, wait_for
from tests.lore.epochs import append, mail

CORPUS = ROOT / "tests" / "corpus"
MAILS = list(read_mailbox(CORPUS / "minikernel.mbox"))
#: short waits, so that what was left behind is taken up within seconds
PATIENCE = {"LEASE_SECONDS": "6", "SWEEP_SECONDS": "2", "FOLLOW_SECONDS": "2", "BUILD_ENABLED": "no"}
SETTLED = 120.0

ROWS = (
    "SELECT message_id FROM threads_message ORDER BY 1",
    "SELECT root_msgid, version, state, verdict, reason FROM threads_series ORDER BY 1, 2",
    "SELECT tree_id, check_name, scope, state, reason FROM threads_run ORDER BY 1, 2, 3",
    "SELECT r.tree_id, f.rule, f.file, f.line, f.fingerprint, f.occurrence"
    " FROM threads_finding f JOIN threads_run r ON r.id = f.run_id ORDER BY 1, 2, 3, 4",
    "SELECT message_id, stage, recipients FROM threads_delivery ORDER BY 1",
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set up an installation that follows a list of which it has read everything there is."""
    folder = tmp_path_factory.mktemp("installation")
    append(folder / "0.git", [("m", mail(1))])
    redis = Redis()
    redis.start()
    made = Installation(folder / "var", redis.url, **PATIENCE)
    try:
        for command in (
            ["migrate", "--verbosity", "0"],
            ["tree", "add", "minikernel", str(CORPUS / "minikernel")],
            ["lists", "follow", "linux-mm", str(folder / "0.git")],
            ["shell", "-v0", "-c", "from threads.services import following; following.follow_all()"],
        ):
            status, said = made.manage(*command)
            assert status == 0, said
    finally:
        redis.stop()
    return folder


class Site:
    """An installation to break: its list, its queue, its processes."""

    def __init__(self, template: Path, folder: Path) -> None:
        shutil.copytree(template, folder)
        self.epoch = folder / "0.git"
        self.redis = Redis()
        self.redis.start()
        self.service = Installation(folder / "var", self.redis.url, **PATIENCE)
        with sqlite3.connect(folder / "var" / "db.sqlite3") as database:
            database.execute("UPDATE threads_mailinglist SET epochs = ? WHERE epochs != ''", [str(self.epoch)])
        database.close()

    def post(self) -> None:
        """Let the discussion arrive on the list."""
        append(self.epoch, [("m", raw) for raw in MAILS])

    def run(self) -> None:
        self.service.scheduler()
        self.service.worker()

    @property
    def settled(self) -> bool:
        """Every series that can be looked at was looked at, and the mails about them are drafted."""
        states = self.service.rows("SELECT state FROM threads_series WHERE wanted AND verdict != 'incomplete'")
        stale = self.service.rows("SELECT 1 FROM threads_report WHERE stale_at IS NOT NULL")
        return len(states) >= 2 and not stale and not {state for (state,) in states} & {"not run", "running"}

    def wait(self) -> None:
        wait_for(lambda: self.settled, "a settled state", SETTLED)

    def state(self) -> list[list[tuple[object, ...]]]:
        return [self.service.rows(question) for question in ROWS]

    def close(self) -> None:
        self.service.stop()
        self.redis.stop()


@pytest.fixture(scope="module")
def undisturbed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[object, ...]]]:
    """Return the rows of a run in which nothing breaks."""
    site = Site(template, tmp_path_factory.mktemp("undisturbed") / "site")
    try:
        site.run()
        site.post()
        site.wait()
        return site.state()
    finally:
        site.close()


@pytest.fixture
def site(template: Path, tmp_path: Path) -> Iterator[Site]:
    made = Site(template, tmp_path / "site")
    yield made
    made.close()


def test_a_list_is_followed_and_its_series_are_looked_at(undisturbed: list[list[tuple[object, ...]]]) -> None:
    messages, series, runs, findings, deliveries = undisturbed
    assert len(messages) == len(MAILS)
    assert {row[3] for row in series} == {"findings"}
    assert len(runs) > 4
    assert "C06" in {row[1] for row in findings}
    assert sorted(row[1] for row in deliveries) == ["draft", "withheld"]  # the first version gives way to the second


def test_a_queue_that_forgets_everything(site: Site, undisturbed: object) -> None:
    site.post()
    site.service.scheduler()
    first = site.service.worker()
    wait_for(lambda: bool(site.service.rows("SELECT 1 FROM threads_series WHERE wanted")), "the series")
    kill(first)
    site.redis.say("FLUSHALL")
    site.service.worker()
    site.wait()
    assert site.state() == undisturbed


def test_a_queue_that_is_down_for_a_while(site: Site, undisturbed: object) -> None:
    site.run()
    site.post()
    wait_for(lambda: len(site.service.rows("SELECT 1 FROM threads_message")) > 1, "the first mails")
    site.redis.stop()
    wait_for(lambda: "Connection refused" in (site.service.var / "celery.log").read_text(), "the loss")
    site.redis.start()
    site.wait()
    assert site.state() == undisturbed


def test_workers_that_are_killed_again_and_again(site: Site, undisturbed: object) -> None:
    site.service.scheduler()
    site.post()
    steps = (
        "SELECT 1 FROM threads_message WHERE id > 1",
        "SELECT 1 FROM threads_application",
        "SELECT 1 FROM threads_run",
    )
    for step in steps:
        worker = site.service.worker()
        wait_for(lambda step=step: bool(site.service.rows(step)), step)  # type: ignore[misc]
        kill(worker)
    site.service.worker()
    site.wait()
    assert site.state() == undisturbed


def test_two_schedulers_at_once(site: Site, undisturbed: object) -> None:
    site.service.scheduler()
    site.run()
    site.post()
    site.wait()
    assert site.state() == undisturbed


def test_a_queue_with_poison(site: Site, undisturbed: object) -> None:
    for task, arguments in (("unknown", []), ("apply", ["x"]), ("apply", [10**6]), ("check", [1]), ("fetch", [{}])):
        site.redis.say("LPUSH", "intake", poison(task, arguments))
    site.run()
    site.post()
    site.wait()
    assert site.state() == undisturbed


def poison(task: str, arguments: list[object]) -> str:
    """Return a message as Celery writes it, for a task that cannot end well."""
    body = base64.b64encode(json.dumps([arguments, {}, {}]).encode()).decode()
    properties = {
        "delivery_info": {"exchange": "", "routing_key": "intake"},
        "delivery_tag": task,
        "body_encoding": "base64",
    }
    message = {
        "body": body,
        "headers": {"task": f"threads.tasks.{task}", "id": "1", "lang": "py"},
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "properties": properties,
    }
    return json.dumps(message)
