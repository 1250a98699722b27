"""Reading what a sandbox has written: a stranger's files, which may be links, pipes, or endless."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from reviewbot.sandbox.limits import MIB


def read(folder: Path, path: str, *, limit: int = 16 * MIB) -> bytes | None:
    """Return the content of a regular file below a folder, or None when there is no such file.

    No symbolic link is followed at any step below the folder, and nothing waits for a pipe.

    :param path: relative, with ``/``, without ``..``.
    :param limit: bytes; a longer file is cut.
    """
    names = path.split("/")
    if not all(names) or any(name in (".", "..") or "\0" in name for name in names):
        return None
    way = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        current = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for number, name in enumerate(names, start=1):
            kind = os.O_NONBLOCK if number == len(names) else os.O_DIRECTORY
            above = current
            try:
                current = os.open(name, way | kind, dir_fd=above)
            finally:
                os.close(above)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(current).st_mode):
        os.close(current)
        return None
    with os.fdopen(current, "rb") as file:
        try:
            return file.read(limit)
        except OSError:
            return None
