"""Everything that the service needs beside its database, on one machine, for one terminal.

A private redis-server on a socket (when there is one on PATH and no shared
Redis is configured), a worker for all queues, and, for the service, a
scheduler and a web server. All of them end with the process that started them.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import redis
from django.conf import settings

from reviewbot.capabilities import expand
from reviewbot.errors import OperatorError, TransientError

_PR_SET_PDEATHSIG = 1
_CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "reviewbot"]
_REDIS_SECONDS = 10.0
_STOP_SECONDS = 15.0
# A process that ends by itself more often than this within that time is not started again.
_ENDS = 3
_LATELY_SECONDS = 120.0
# A log that is longer when its process starts is put aside, in place of the one before.
_MAX_LOG = 16 << 20


class Stack:
    """The processes of one terminal; at most one stack uses a data folder at a time."""

    def __init__(self) -> None:
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.logs = settings.VAR / "logs"
        self._lock: IO[str] | None = None
        self._commands: dict[str, list[str]] = {}
        self._ends: list[tuple[str, float]] = []

    def take(self) -> bool:
        """Claim the data folder; False when another terminal's stack serves it."""
        settings.VAR.mkdir(parents=True, exist_ok=True)
        lock = (settings.VAR / "stack.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def start_broker(self) -> None:
        """Start the private redis-server and wait until it answers.

        :raises OperatorError: when it does not start.
        """
        if not settings.EMBEDDED_REDIS:
            return
        settings.REDIS_SOCKET.unlink(missing_ok=True)
        self._start(
            "redis",
            ["redis-server", "--port", "0", "--unixsocket", str(settings.REDIS_SOCKET), "--unixsocketperm", "700",
             "--save", "", "--appendonly", "no", "--dir", str(settings.VAR), "--daemonize", "no"],
        )  # fmt: skip
        client = redis.Redis(unix_socket_path=str(settings.REDIS_SOCKET))
        deadline = time.monotonic() + _REDIS_SECONDS
        while True:
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                return
            if time.monotonic() > deadline or self.processes["redis"].poll() is not None:
                raise OperatorError(f"redis-server did not start; {self.logs / 'redis.log'} says why.")
            time.sleep(0.02)

    def start_workers(self, concurrency: int = 2) -> None:
        """Start one worker for the builds, which use every processor by themselves, and one for all other queues."""
        self._start_worker("builder", ["build"], 1)
        self._start_worker("worker", [queue for queue in settings.QUEUES if queue != "build"], concurrency)

    def _start_worker(self, name: str, queues: list[str], concurrency: int) -> None:
        self._start(
            name,
            [*_CELERY, "worker", "-Q", ",".join(expand(queues, everything=True)),
             "-c", str(concurrency), "--without-gossip", "--without-mingle", "--hostname", f"{name}-{os.getpid()}@%h"],
        )  # fmt: skip

    def start_scheduler(self) -> None:
        """Start the scheduler of the periodic tasks."""
        self._start("scheduler", [*_CELERY, "beat"])

    def start_web(self, bind: str) -> None:
        """Start the web server."""
        self._start(
            "web",
            [sys.executable, "-m", "gunicorn", "--config", "python:reviewbot.serving", "reviewbot.wsgi", "--bind", bind,
             "--access-logfile", "-"],
        )  # fmt: skip

    def check(self) -> None:
        """Start again what ended by itself: a worker gives up when it loses its queue in the wrong moment.

        :raises OperatorError: when a process ends again and again, with the name of its log.
        """
        for name, process in self.processes.items():
            if process.poll() is None:
                continue
            self._ends.append((name, time.monotonic()))
            lately = [ended for ended, at in self._ends if time.monotonic() - at < _LATELY_SECONDS]
            if lately.count(name) > _ENDS:
                log = self.logs / f"{name}.log"
                raise OperatorError(
                    f"The {name} ended by itself {_ENDS + 1} times, with status {process.returncode}; {log} says why."
                )
            self._start(name, self._commands[name])

    def stop(self) -> None:
        """Stop what was started, the last first; nothing survives this."""
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _start(self, name: str, command: list[str]) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        self._commands[name] = command
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > _MAX_LOG:
            path.replace(path.with_suffix(".old"))
        with path.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=Path(settings.BASE_DIR),
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )


@contextlib.contextmanager
def running(stack: Stack) -> Iterator[Stack]:
    """Stop a stack at the end, whatever the end is."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield stack
    finally:
        signal.signal(signal.SIGTERM, before)
        stack.stop()


def broker_answers() -> None:
    """Make sure that the queue is there.

    :raises TransientError: when it is not.
    """
    from celery import current_app

    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:
        raise TransientError(
            f"The queue at {settings.CELERY_BROKER_URL.split('@')[-1]} does not answer: {str(error).rstrip('.')}."
        ) from error


def _die_with_parent() -> None:
    """Ask the kernel to end this process when its parent is killed, prctl(2)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
