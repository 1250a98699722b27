"""An installation that follows a list, for tests that break it while it works."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reviewbot.lore.mbox import read_mailbox
from tests.installation import ROOT, Installation, Redis, wait_for
from tests.lore.epochs import append, mail

CORPUS = ROOT / "tests" / "corpus"
MAILS = list(read_mailbox(CORPUS / "minikernel.mbox"))
#: short waits, so that what was left behind is taken up within seconds
PATIENCE = {"LEASE_SECONDS": "6", "SWEEP_SECONDS": "2", "FOLLOW_SECONDS": "2", "BUILD_ENABLED": "no"}
#: seconds within which the end is reached, on a machine that has much else to do; and for which it must not move then
SETTLED, QUIET = 300.0, 3.0
#: seconds after which rows that are settled and not as they should be will not become so
HOPELESS = 45.0

Rows = list[list[tuple[object, ...]]]

ROWS = (
    "SELECT message_id FROM threads_message ORDER BY 1",
    "SELECT root_msgid, version, state, verdict, reason FROM threads_series ORDER BY 1, 2",
    "SELECT tree_id, check_name, scope, state, reason FROM threads_run ORDER BY 1, 2, 3",
    "SELECT r.tree_id, f.rule, f.file, f.line, f.fingerprint, f.occurrence"
    " FROM threads_finding f JOIN threads_run r ON r.id = f.run_id ORDER BY 1, 2, 3, 4",
    "SELECT message_id, stage, recipients FROM threads_delivery ORDER BY 1",
)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set up an installation that follows a list of which it has read everything there is."""
    folder = tmp_path_factory.mktemp("installation")
    append(folder / "0.git", [("m", mail(1))])
    redis = Redis()
    redis.start()
    try:
        set_up(Installation(folder / "var", redis.url, **PATIENCE), folder / "0.git")
    finally:
        redis.stop()
    return folder


def set_up(service: Installation, epoch: Path) -> None:
    """Let a new service follow a list, and read what there is."""
    for command in (
        ["migrate", "--verbosity", "0"],
        ["tree", "add", "minikernel", str(CORPUS / "minikernel")],
        ["lists", "follow", "linux-mm", str(epoch)],
        ["shell", "-v0", "-c", "from threads.services import following; following.follow_all()"],
    ):
        status, said = service.manage(*command)
        assert status == 0, said


class Site:
    """An installation to break: its list, its queue, its processes, and the machine they run on.

    :ivar epoch: the archive of the list.
    """

    def __init__(self, template: Path, folder: Path, **settings: str) -> None:
        shutil.copytree(template, folder)
        self.epoch = folder / "0.git"
        self._faults = folder / "faults"
        self.misbehave()
        self.redis = Redis()
        self.redis.start()
        self.service = Installation(folder / "var", self.redis.url, FAULTS=str(self._faults), **PATIENCE, **settings)
        with sqlite3.connect(folder / "var" / "db.sqlite3") as database:
            database.execute("UPDATE threads_mailinglist SET epochs = ? WHERE epochs != ''", [str(self.epoch)])
        database.close()

    def misbehave(self, *, full: bool = False, seconds: int = 0) -> None:
        """Let the disk be full and the clock wrong by some seconds, or not any more, for processes that obey to it."""
        with self._faults.open("r+b" if self._faults.exists() else "wb") as file:
            file.write(struct.pack("lll", full, seconds, 0))

    @property
    def refused(self) -> int:
        """How often something could not be written since the disk is full."""
        return int(struct.unpack("lll", self._faults.read_bytes())[2])

    def post(self) -> None:
        """Let the discussion arrive on the list."""
        append(self.epoch, [("m", raw) for raw in MAILS])

    def run(self) -> None:
        self.service.scheduler()
        self.service.worker()

    def seen(self, question: str) -> None:
        """Wait until a question to the database has an answer."""
        wait_for(lambda: bool(self.service.rows(question)), question, SETTLED)

    def log(self) -> str:
        """Return what the workers and the scheduler have said."""
        return (self.service.var / "celery.log").read_text()

    @property
    def settled(self) -> bool:
        """Every series that can be looked at was looked at, and the mails about them are drafted."""
        states = self.service.rows("SELECT state FROM threads_series WHERE wanted AND verdict != 'incomplete'")
        stale = self.service.rows("SELECT 1 FROM threads_report WHERE stale_at IS NOT NULL")
        return len(states) >= 2 and not stale and not {state for (state,) in states} & {"not run", "running"}

    def wait(self, expected: Rows | None = None) -> Rows:
        """Wait until everything is settled and the rows stay as they are; return them.

        What moves once more is waited for, too, and of rows that are not as expected somewhat longer.
        """
        patience = {True: QUIET, False: 2 * QUIET if expected is None else HOPELESS}
        rows, since = self.state(), time.monotonic()

        def still() -> bool:
            nonlocal rows, since
            now = self.state()
            if now != rows or not self.settled:
                rows, since = now, time.monotonic()
            return time.monotonic() - since > patience[rows == expected]

        wait_for(still, "a settled state", SETTLED)
        return rows

    def state(self) -> Rows:
        return [self.service.rows(question) for question in ROWS]

    def close(self) -> None:
        self.service.stop()
        self.redis.stop()


@pytest.fixture(scope="session")
def undisturbed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Return the rows of a run in which nothing breaks."""
    site = Site(template, tmp_path_factory.mktemp("undisturbed") / "site")
    try:
        site.run()
        site.post()
        return site.wait()
    finally:
        site.close()


@pytest.fixture(scope="session")
def obedient(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the settings of processes whose machine misbehaves when it is told to."""
    library = tmp_path_factory.mktemp("machine") / "machine.so"
    source = Path(__file__).with_name("machine.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


@pytest.fixture
def site(template: Path, tmp_path: Path) -> Iterator[Site]:
    made = Site(template, tmp_path / "site")
    yield made
    made.close()
