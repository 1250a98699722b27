"""What an operator can do about a machine that lets nobody build walls."""

from __future__ import annotations

import os
from pathlib import Path

# Setting -> the value that forbids user namespaces, and what allows them (user_namespaces(7); Debian; Ubuntu).
_SWITCHES = {
    "user/max_user_namespaces": ("0", "user.max_user_namespaces=15000"),
    "kernel/unprivileged_userns_clone": ("0", "kernel.unprivileged_userns_clone=1"),
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "kernel.apparmor_restrict_unprivileged_userns=0"),
}
_CONTAINERS = (".dockerenv", "run/.containerenv")
_SYS_ADMIN = 1 << 21


def remedy(root: Path = Path("/")) -> str:
    """Say which switch of the kernel or right of a container is missing, as far as it can be told.

    :param root: where the files of the system are looked for.
    """
    for name, (forbids, command) in _SWITCHES.items():
        if _read(root / "proc/sys" / name) == forbids:
            return f"set the kernel's switch: sysctl -w {command}"
    if any((root / name).exists() for name in _CONTAINERS):
        allowed = "--security-opt seccomp=unconfined --security-opt apparmor=unconfined"
        if os.geteuid() == 0 and not _capabilities(root) & _SYS_ADMIN:
            return f"start the container with --cap-add SYS_ADMIN {allowed}, or run the service there as another user"
        return f"start the container with {allowed}"
    return "install bubblewrap and util-linux, and allow user namespaces (sysctl user.max_user_namespaces)"


def _capabilities(root: Path) -> int:
    for line in _read(root / "proc/self/status").splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""
