"""What a process in the sandbox may use, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on everything that runs in one sandbox, taken together unless said otherwise.

    :ivar wall_seconds: time on the clock.
    :ivar cpu_seconds: processor time of all processes, the finished ones included.
    :ivar memory_bytes: resident memory of all processes, and what they keep in temporary files.
    :ivar processes: threads and processes that live at the same time.
    :ivar file_bytes: size of any one file.
    :ivar disk_bytes: what the writable folders may grow by; the same again, but at most
        ``memory_bytes``, bounds the temporary folder.
    :ivar output_bytes: standard output and standard error together.
    """

    wall_seconds: float = 900
    cpu_seconds: float = 3600
    memory_bytes: int = 4 * GIB
    processes: int = 256
    file_bytes: int = 512 * MIB
    disk_bytes: int = 2 * GIB
    output_bytes: int = 16 * MIB


class Outcome(StrEnum):
    """How a run in the sandbox ended. Only ``EXITED`` is the word of the command itself."""

    EXITED = "exited"
    TIMED_OUT = "timed out"
    CPU = "too much processor time"
    MEMORY = "out of memory"
    PROCESSES = "too many processes"
    DISK = "disk full"
    OUTPUT = "too much output"
    KILLED = "killed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Result:
    """What a run in the sandbox left behind.

    :ivar outcome: see :class:`Outcome`.
    :ivar exit_code: status of the command, -n when signal n ended it; -9 when the sandbox was stopped.
    :ivar output: standard output and standard error as they came, at most ``Limits.output_bytes``.
        They are a stranger's bytes: they may hold anything, terminal escapes included.
    :ivar truncated: the command wrote more than is kept.
    :ivar seconds: time on the clock.
    :ivar reason: one sentence for every outcome but ``EXITED``, "" then.
    """

    outcome: Outcome
    exit_code: int
    output: bytes
    truncated: bool
    seconds: float
    reason: str = ""

    @property
    def ok(self) -> bool:
        """The command ran to its end and returned 0."""
        return self.outcome is Outcome.EXITED and self.exit_code == 0
