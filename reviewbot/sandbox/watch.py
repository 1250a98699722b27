"""Measuring what a whole tree of processes uses, and what a folder holds.

The kernel limits processes one by one; a sandbox has to be limited as a whole, also where no
control group is writable. So the tree is measured several times a second and stopped
when it is over a limit. Limits on single processes (see
:mod:`reviewbot.sandbox.bubblewrap`) bound what can happen between two looks.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from reviewbot.sandbox.limits import MIB

_TICKS = os.sysconf("SC_CLK_TCK")
_SMALLEST = 4096  # what a file costs at least, so that a million empty ones are seen
_MEMORY_FIELDS = (b"RssAnon:", b"RssShmem:", b"VmSwap:")
#: free space of the host below which a run is stopped whoever filled the disk
RESERVE_BYTES = 512 * MIB


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tree of processes uses now: bytes in memory, threads, seconds of processor time."""

    memory_bytes: int = 0
    threads: int = 0
    cpu_seconds: float = 0.0


def descendants(pid: int) -> list[int]:
    """Return the process and everything below it, parents first."""
    found = [pid]
    for parent in found:
        found.extend(children(parent))
    return found


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and not waited for."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []
    return [int(word) for thread in threads for word in (_read(thread / "children") or b"").split()]


def usage(pid: int) -> Usage:
    """Measure the process and everything below it; pages that are shared count for each that has them."""
    memory = threads = ticks = 0
    for process in descendants(pid):
        for line in (_read(Path(f"/proc/{process}/status")) or b"").splitlines():
            if line.startswith(_MEMORY_FIELDS):
                memory += int(line.split()[1]) * 1024
            elif line.startswith(b"Threads:"):
                threads += int(line.split()[1])
        stat = (_read(Path(f"/proc/{process}/stat")) or b"").rpartition(b")")[2].split()
        if len(stat) > 15:
            # user and system time, its own and of the children it has waited for (proc(5), fields 14 to 17)
            ticks += sum(int(field) for field in stat[11:15])
    return Usage(memory, threads, ticks / _TICKS)


def folder_bytes(top: Path) -> int | None:
    """Return what a folder holds on disk, or None when it is nested too deep to tell.

    Symbolic links are counted, not followed. Files that vanish meanwhile count for nothing.
    """
    total = 0
    waiting = [str(top)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    with contextlib.suppress(FileNotFoundError):
                        blocks = entry.stat(follow_symlinks=False).st_blocks
                        total += max(blocks * 512, _SMALLEST)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:  # ENAMETOOLONG: a thousand folders in each other; or EACCES, made unreadable
            return None
    return total


def open_deleted_bytes(pid: int) -> int:
    """Return the disk space of files that the processes keep open although they have no name any more."""
    seen: dict[tuple[int, int], int] = {}
    for process in descendants(pid):
        try:
            with os.scandir(f"/proc/{process}/fd") as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        status = entry.stat()
                        if status.st_nlink == 0:
                            seen[status.st_dev, status.st_ino] = status.st_blocks * 512
        except OSError:
            continue
    return sum(seen.values())


def free_bytes(path: Path) -> int:
    """Return the space that the service may still use on the file system of ``path``."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
