"""The one door to a process that reads a stranger's bytes as code."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from reviewbot.errors import OperatorError, ReviewError, TransientError
from reviewbot.sandbox import bubblewrap, seccomp, watch
from reviewbot.sandbox.limits import MIB, Limits, Outcome, Result
from reviewbot.sandbox.remedy import remedy

_LOOK_SECONDS = 0.05
_MEASURE_SECONDS = 2.0
_CANCEL_SECONDS = 0.5
_DRAIN_SECONDS = 10.0
_CHUNK = 65536


def run(
    argv: Sequence[str],
    *,
    read_only: Mapping[Path, str] | None = None,
    writable: Mapping[Path, str] | None = None,
    cwd: str = "/",
    env: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    on_output: Callable[[bytes], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Result:
    """Run a command in the sandbox and wait for it and for everything that it started.

    :param argv: the command, with its path inside the sandbox.
    :param read_only: folders and files outside -> paths inside.
    :param writable: folders outside -> paths inside. Root's are handed to the sandbox's user.
        What is written there is a stranger's: follow no symbolic link in it.
    :param cwd: folder inside to start in.
    :param env: variables on top of :data:`reviewbot.sandbox.bubblewrap.ENVIRONMENT`; nothing is inherited.
    :param on_output: called with each piece of output as it comes, until the limit.
    :param cancelled: asked twice a second; true stops the run.
    :raises OperatorError: when a folder is missing, the disk is full, or no sandbox can be had.
    :raises TransientError: when the machine has no processes or no memory left for one more sandbox.
    """
    limits = limits or Limits()
    read_only, writable = read_only or {}, writable or {}
    _check_folders(read_only, writable)
    with _filter() as filter_fd, tempfile.TemporaryFile() as status:
        command = bubblewrap.command(
            argv,
            read_only=read_only,
            writable=writable,
            cwd=cwd,
            env=env or {},
            limits=limits,
            filter_fd=filter_fd,
            status_fd=status.fileno(),
        )
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={},
            cwd="/",
            pass_fds=(filter_fd, status.fileno()),
        ) as process:
            result = _Run(process, limits, tuple(writable), on_output, cancelled).wait()
        status.seek(0)
        if result.outcome is Outcome.EXITED and not bubblewrap.started(status.read(_CHUNK)):
            raise _not_started(result.output)
        return result


@functools.cache
def require() -> None:
    """Make sure that the sandbox works on this machine; asked once, remembered when it does.

    :raises OperatorError: when it does not. Nothing of a stranger's may be built or run then.
    """
    result = run(["/usr/bin/true"], limits=Limits(wall_seconds=30))
    if not result.ok:
        raise _not_started(result.output or result.reason.encode())


def remove(folder: Path) -> None:
    """Remove a folder that a sandbox has written, however it is nested and whatever its modes are."""
    if not os.path.lexists(folder):
        return
    delete = ["/usr/bin/rm", "-rf", "--one-file-system", "--", str(folder)]
    if subprocess.run(delete, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        subprocess.run(["/usr/bin/chmod", "-R", "u+rwX", "--", str(folder)], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(delete, stderr=subprocess.DEVNULL, check=False)
    if os.path.lexists(folder):
        raise OperatorError(f"The folder {folder} cannot be removed; the operator must see to it.")


def _check_folders(read_only: Mapping[Path, str], writable: Mapping[Path, str]) -> None:
    for path in (*read_only, *writable):
        if not path.exists():
            raise OperatorError(f"{path} is not there, but the sandbox was to show it; the operator must see to it.")
    user, group = bubblewrap.owner()
    for folder in writable:
        if folder.lstat().st_uid != user:
            os.chown(folder, user, group, follow_symlinks=False)
        if watch.free_bytes(folder) < watch.RESERVE_BYTES:
            raise OperatorError(
                f"Less than {watch.RESERVE_BYTES // MIB} MiB are free where {folder} lies;"
                " the operator must make room before anything is built."
            )


@contextlib.contextmanager
def _filter() -> Iterator[int]:
    reader, writer = os.pipe()
    try:
        with os.fdopen(writer, "wb") as file:
            file.write(seccomp.program())
        yield reader
    finally:
        os.close(reader)


def _not_started(output: bytes) -> ReviewError:
    """Return the error for a sandbox that could not be made, with what bubblewrap said."""
    said = output.decode("utf-8", "replace").strip().splitlines()[:1]
    why = "".join(c for c in said[0] if c.isprintable()) if said else "it gave no reason"
    if os.strerror(errno.EAGAIN) in why or os.strerror(errno.ENOMEM) in why:
        return TransientError(f"This machine is too busy for one more sandbox ({why}); it is tried again later.")
    return OperatorError(
        f"The sandbox does not work here ({why}), and without it nothing of a stranger's is built or run;"
        f" the operator must {remedy()}."
    )


class _Run:
    """One process in the sandbox, from its start to the last byte of its output."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        limits: Limits,
        writable: Sequence[Path],
        on_output: Callable[[bytes], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self.process = process
        self.limits = limits
        self.on_output = on_output
        self.cancelled = cancelled
        self.started = time.monotonic()
        self.output = bytearray()
        self.truncated = False
        self.stopped: tuple[Outcome, str] | None = None
        self.disk = _Disk(process.pid, writable, limits.disk_bytes)
        self.next_question = self.started

    def wait(self) -> Result:
        """Read, watch, and stop what goes too far; then say how it ended."""
        try:
            self._loop()
        finally:
            self._kill()
        code = self.process.wait()
        seconds = time.monotonic() - self.started
        outcome, reason = self.stopped or _ending(code)
        if self.stopped:
            code = -signal.SIGKILL
        elif 128 < code <= 128 + signal.NSIG:
            code = 128 - code
        return Result(outcome, code, bytes(self.output), self.truncated, seconds, reason)

    def _loop(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        pipe = self.process.stdout.fileno()
        os.set_blocking(pipe, False)
        deadline = float("inf")
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            next_look = self.started
            while time.monotonic() < deadline:
                ready = selector.select(max(0.0, min(_LOOK_SECONDS, next_look - time.monotonic())))
                if ready and not self._read(pipe):
                    return
                if self.stopped and deadline == float("inf"):
                    deadline = time.monotonic() + _DRAIN_SECONDS
                if time.monotonic() >= next_look:
                    self._look()
                    next_look = time.monotonic() + _LOOK_SECONDS

    def _read(self, pipe: int) -> bool:
        try:
            data = os.read(pipe, _CHUNK)
        except BlockingIOError:
            return True
        if not data:
            return False
        kept = data[: max(0, self.limits.output_bytes - len(self.output))]
        self.output += kept
        if kept and self.on_output is not None:
            self.on_output(kept)
        if len(kept) < len(data):
            self.truncated = True
            self._stop(Outcome.OUTPUT, f"it wrote more than {_size(self.limits.output_bytes)} of output")
        return True

    def _look(self) -> None:
        if self.stopped:
            return
        now, limits = time.monotonic(), self.limits
        used = watch.usage(self.process.pid)
        if now - self.started > limits.wall_seconds:
            self._stop(Outcome.TIMED_OUT, f"it took longer than {limits.wall_seconds:g} s")
        elif used.memory_bytes > limits.memory_bytes:
            self._stop(Outcome.MEMORY, f"it used more than {_size(limits.memory_bytes)} of memory")
        elif used.threads > limits.processes:
            self._stop(Outcome.PROCESSES, f"it had more than {limits.processes} processes at a time")
        elif used.cpu_seconds > limits.cpu_seconds:
            self._stop(Outcome.CPU, f"it used more than {limits.cpu_seconds:g} s of processor time")
        elif reason := self.disk.look(now):
            self._stop(Outcome.DISK, reason)
        elif self.cancelled is not None and now >= self.next_question:
            self.next_question = now + _CANCEL_SECONDS
            if self.cancelled():
                self._stop(Outcome.CANCELLED, "it was cancelled")

    def _stop(self, outcome: Outcome, why: str) -> None:
        if self.stopped is None:
            self.stopped = outcome, f"The run was stopped because {why}."
        self._kill()

    def _kill(self) -> None:
        """Kill bubblewrap and the first process of its namespace, whose death kills all the others.

        That one dies with bubblewrap, but not before it has asked to; so both are killed, and while
        bubblewrap stands still, so that it makes no other.
        """
        pid = self.process.pid
        if self.process.poll() is not None:
            return
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        for one in (*watch.children(pid), pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)


class _Disk:
    """Keeps an eye on the writable folders: cheaply on the free space, and now and then on every file."""

    def __init__(self, pid: int, folders: Sequence[Path], limit: int) -> None:
        self.pid = pid
        self.folders = folders
        self.limit = limit
        self.before = sum(watch.folder_bytes(folder) or 0 for folder in folders)
        self.free = self._free()
        self.next_measure = time.monotonic() + _MEASURE_SECONDS

    def look(self, now: float) -> str:
        """Return why the run must stop, or ""."""
        if not self.folders:
            return ""
        free = self._free()
        if free < watch.RESERVE_BYTES // 2:
            return "the disk of this machine is nearly full"
        if now < self.next_measure and self.free - free < self.limit // 4:
            return ""
        self.free = free
        total = watch.open_deleted_bytes(self.pid)
        for folder in self.folders:
            held = watch.folder_bytes(folder)
            if held is None:
                return "it made folders that cannot be measured"
            total += held
        # A measure of many files takes a while: spend a twentieth of the time on it at most.
        took = time.monotonic() - now
        self.next_measure = now + max(_MEASURE_SECONDS, 20 * took)
        return f"it wrote more than {_size(self.limit)} to disk" if total - self.before > self.limit else ""

    def _free(self) -> int:
        return min((watch.free_bytes(folder) for folder in self.folders), default=0)


def _ending(code: int) -> tuple[Outcome, str]:
    number = -code if code < 0 else code - 128
    if code < 0:
        return Outcome.KILLED, f"The sandbox was killed from outside by signal {number}."
    if not 0 < number <= signal.NSIG:
        return Outcome.EXITED, ""
    if number == signal.SIGXCPU:
        return Outcome.CPU, "The command used more processor time than one process may."
    if number == signal.SIGXFSZ:
        return Outcome.DISK, "The command wrote a larger file than it may."
    return Outcome.KILLED, f"The command was killed by signal {number}."


def _size(number: int) -> str:
    return f"{number / MIB:.4g} MiB"
