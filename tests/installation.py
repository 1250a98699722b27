"""An installation of the service for tests: real processes on a data folder, a database and a queue of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from reviewbot.capabilities import expand

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 60.0
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
QUEUES = ("intake", "tree", "check", "build", "publish")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.1)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Redis:
    """A Redis of our own that can be stopped, and comes back empty."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(lambda: answers(self.port), "redis")

    def stop(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def say(self, *words: str) -> str:
        command = ["redis-cli", "-p", str(self.port), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Postgres:
    """A PostgreSQL of our own; it refuses to run as root, so root lends it another user and a folder of its."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"postgres://service@127.0.0.1:{self.port}/reviews"
        self._folder = Path(tempfile.mkdtemp(prefix="reviewbot-postgres-"))
        self._data = self._folder / "data"
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres")

    def _run(self, program: str, *arguments: str) -> None:
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run([*user, str(POSTGRES[-1] / program), *arguments], check=True, capture_output=True, cwd="/")

    def start(self) -> None:
        """Start the server; the first time with an empty database."""
        anew = not self._data.exists()
        if anew:
            self._run(
                "initdb",
                "-D",
                str(self._data),
                "-U",
                "service",
                "--auth",
                "trust",
                "--locale",
                "C",
                "-E",
                "UTF8",
                "--no-sync",
            )
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._folder / "log"), "-o", options, "start")
        if anew:
            self.create("reviews")

    def create(self, name: str) -> str:
        """Make another empty database; return its address."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "service", name)
        return f"postgres://service@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        """Stop the server at once, as a machine that loses power would."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")

    def remove(self) -> None:
        """Stop the server and forget everything."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


class Installation:
    """Commands and processes of one installation; :meth:`stop` ends all that were started."""

    def __init__(self, var: Path, queue: str, database: str = "", **settings: str) -> None:
        self.var = var
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "reviewbot.settings",
            "REVIEWBOT_VAR": str(var),
            "DATABASE_URL": database,
            "REDIS_URL": queue,
            "REVIEWBOT_ENVIRONMENT": os.devnull,
            **settings,
        }
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a management command, with pipes for what it says."""
        return subprocess.Popen(
            [sys.executable, "-u", "manage.py", *arguments],
            cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def manage(self, *arguments: str) -> tuple[int, str]:
        """Run a management command to its end; return its exit status and what it said."""
        with self.start(*arguments) as process:
            said, _ = process.communicate(timeout=4 * SECONDS)
        return process.returncode, said

    def celery(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a worker or a scheduler in a session of its own; its log is in the data folder.

        It is started again when it ends by itself, as systemd and Docker do: Celery gives up when it loses Redis
        in the wrong moment.
        """
        self.var.mkdir(exist_ok=True)
        again = ["sh", "-c", 'until "$@"; do sleep 1; done', "sh"]
        with (self.var / "celery.log").open("a") as log:
            process = subprocess.Popen(
                [*again, sys.executable, "-m", "celery", "--quiet", "-A", "reviewbot", *arguments],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log, text=True, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def worker(self) -> subprocess.Popen[str]:
        """Start a worker for all queues."""
        queues = ",".join(expand(QUEUES, everything=True))
        name = f"worker-{len(self.processes)}@%h"
        return self.celery(
            "worker", "-Q", queues, "-c", "2", "--hostname", name, "--without-gossip", "--without-mingle"
        )

    def scheduler(self) -> subprocess.Popen[str]:
        """Start a scheduler."""
        return self.celery("beat", "--pidfile", "", "--max-interval", "1")

    def rows(self, question: str) -> list[tuple[object, ...]]:
        """Ask the database, as somebody who only reads; JSON is text in either kind of it."""
        if url := self.environment["DATABASE_URL"]:
            with psycopg.connect(url, autocommit=True) as connected:
                found = connected.execute(question).fetchall()  # type: ignore[call-overload]  # no stranger's words
            return [tuple(json.dumps(one) if isinstance(one, list | dict) else one for one in row) for row in found]
        connection = sqlite3.connect(f"file:{self.var / 'db.sqlite3'}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()

    def stop(self) -> None:
        """Kill whatever of this installation still runs."""
        for process in self.processes:
            kill(process)
        self.processes.clear()


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process and its children, as a machine that loses power would."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
