"""The command line of bubblewrap: what a process in the sandbox can see.

It sees a read-only ``/usr``, a fresh ``/proc`` and ``/dev``, a temporary folder of a limited
size, and the folders it was given; no network, no environment, no other process. It
runs as a user who owns nothing but the writable folders: when the service is root,
bubblewrap builds the walls and then a second, inner bubblewrap starts as
:data:`SANDBOX_UID`, so that a way out of the walls would not lead to root.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from reviewbot.errors import OperatorError
from reviewbot.sandbox.limits import MIB, Limits

# A user that Debian gives to nobody, so that no other service's files or limits are shared with it.
SANDBOX_UID = 65532
# What one sandbox may fork between two looks of the watcher (a shell manages about fifty), and all of them together.
_LEAST_PROCESSES = 1024
_ALL_PROCESSES = 16384
TEMPORARY = "/tmp"  # noqa: S108 - inside the sandbox, where it is private
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": TEMPORARY,
    "TMPDIR": TEMPORARY,
    "LC_ALL": "C.UTF-8",
    "TERM": "dumb",
}
# Links of Debian's alternatives and the linker's cache: what /usr needs of /etc, and nothing more.
_FROM_ETC = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
_USR_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_NAMESPACES = ("--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")


def program() -> str:
    """Return the path of bubblewrap.

    :raises OperatorError: when it is not installed.
    """
    found = shutil.which("bwrap")
    if not found:
        raise OperatorError(
            "bubblewrap is not installed, and without a sandbox nothing of a stranger's is built or run;"
            " the operator must install it (apt install bubblewrap)."
        )
    return found


def command(
    argv: Sequence[str],
    *,
    read_only: Mapping[Path, str],
    writable: Mapping[Path, str],
    cwd: str,
    env: Mapping[str, str],
    limits: Limits,
    filter_fd: int,
    status_fd: int,
) -> list[str]:
    """Return the whole command that runs ``argv`` behind walls.

    :param read_only: folder or file outside -> path inside.
    :param writable: folder outside -> path inside; it must belong to :func:`owner`.
    :param filter_fd: an open file with the program of :mod:`reviewbot.sandbox.seccomp`.
    :param status_fd: an open file for bubblewrap's own words (see :func:`started`); the command has it not.
    """
    root = os.geteuid() == 0
    walls = [program(), *_NAMESPACES, "--hostname", "sandbox", "--die-with-parent", "--new-session"]
    walls += ["--clearenv", *_environment(env), *_filesystem(read_only, writable, limits)]
    limited = ["/usr/bin/prlimit", *_rlimits(limits)]
    # Processes are counted by user and by user namespace: within the inner one, a sandbox counts only its own.
    counted = ["/usr/bin/prlimit", f"--nproc={max(_LEAST_PROCESSES, 4 * limits.processes)}", "--"]
    unprivileged = ["--unshare-user", "--uid", str(SANDBOX_UID), "--gid", str(SANDBOX_UID)]
    unprivileged += ["--cap-drop", "ALL", "--seccomp", str(filter_fd), "--json-status-fd", str(status_fd)]
    if not root:
        return [*walls, *unprivileged, "--chdir", cwd, "--", *limited, "--", *counted, *argv]
    walls += ["--cap-drop", "ALL"]
    for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
        walls += ["--cap-add", capability]
    become = ["/usr/bin/setpriv", f"--reuid={SANDBOX_UID}", f"--regid={SANDBOX_UID}", "--clear-groups"]
    become += ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"]
    inner = ["/usr/bin/bwrap", "--dev-bind", "/", "/", "--die-with-parent", *unprivileged, "--chdir", cwd]
    limited.append(f"--nproc={_ALL_PROCESSES}")
    return [*walls, "--", *limited, "--", *become, "--", *inner, "--", *counted, *argv]


def started(status: bytes) -> bool:
    """Tell from bubblewrap's own words whether the command ran: then, and only then, there is an exit code."""
    return b'"exit-code"' in status


def owner() -> tuple[int, int]:
    """Return the user and group, as seen outside, to whom writable folders must belong."""
    if os.geteuid() == 0:
        return SANDBOX_UID, SANDBOX_UID
    return os.geteuid(), os.getegid()


def _environment(env: Mapping[str, str]) -> list[str]:
    words: list[str] = []
    for name, value in (ENVIRONMENT | dict(env)).items():
        words += ["--setenv", name, value]
    return words


def _filesystem(read_only: Mapping[Path, str], writable: Mapping[Path, str], limits: Limits) -> list[str]:
    temporary = str(min(limits.disk_bytes, limits.memory_bytes))
    words = ["--ro-bind", "/usr", "/usr"]
    for name in _USR_LINKS:
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", f"usr/{name}", f"/{name}"]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    # Parents of what is shown; bubblewrap would make them for its own user alone.
    parents = {"/etc"}
    for inside in (*read_only.values(), *writable.values()):
        parents.update(str(parent) for parent in Path(inside).parents)
    for parent in sorted(parents - {"/", TEMPORARY}):
        words += ["--perms", "0755", "--dir", parent]
    for name in _FROM_ETC:
        words += ["--ro-bind-try", name, name]
    words += ["--proc", "/proc", "--dev", "/dev"]
    words += ["--perms", "1777", "--size", str(16 * MIB), "--tmpfs", "/dev/shm"]  # noqa: S108
    words += ["--perms", "1777", "--size", temporary, "--tmpfs", TEMPORARY]
    for outside, inside in read_only.items():
        words += ["--ro-bind", str(outside.resolve()), inside]
    for outside, inside in writable.items():
        words += ["--bind", str(outside.resolve()), inside]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/"]


def _rlimits(limits: Limits) -> list[str]:
    # The watcher stops the whole at the limits; these are for what is quicker than the watcher. An
    # address space is no memory yet, hence twice the size; and the kernel counts the time of one process by
    # ticks, well above what was used when the machine is busy: a process that it stops before the watcher
    # stops the whole would be the build's own failure.
    return [
        f"--as={2 * limits.memory_bytes}",
        f"--fsize={limits.file_bytes}",
        f"--cpu={2 * int(limits.cpu_seconds) + 1}",
        "--nofile=1024",
        "--core=0",
        "--memlock=0",
        "--msgqueue=0",
    ]
