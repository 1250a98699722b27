"""The shell lines that do a build again on another machine."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from reviewbot.builds import kbuild
from reviewbot.builds.model import Configuration, Toolchain


def lines(
    toolchain: Toolchain,
    configuration: Configuration,
    objects: Sequence[str],
    *,
    fetch: Sequence[str] = (),
    base: str = "",
    message_id: str = "",
    version: int = 0,
    patches: int = 0,
) -> tuple[str, ...]:
    """Return lines for a POSIX shell in a kernel repository; they need nothing of this service.

    :param fetch: address and branch that have the base, for a repository that has it not yet.
    :param base: commit that the series was applied on.
    :param message_id: of the series, to be applied on the base with b4.
    :param version: which version of the series, when the thread may have several.
    :param patches: how many patches of the series are applied, 0 for all.
    """
    variables = shlex.join([*kbuild.variables(toolchain), *kbuild.words(configuration.kind)])
    make = f"make O=../build {variables}"
    found = [f"# {toolchain.name}, {configuration.title or configuration.name}"]
    if fetch:
        found.append(shlex.join(["git", "fetch", *fetch]))
    if base:
        found.append(f"git checkout {shlex.quote(base)}")
    if message_id:
        which = f"-v {version} " if version else ""
        some = f"-P 1-{patches} " if patches else ""
        found.append(f"b4 shazam {which}{some}{shlex.quote(message_id)}")
    found.append(f"{make} {configuration.target}")
    if configuration.fragment:
        words = " ".join(shlex.quote(line) for line in configuration.fragment)
        found.append(f"printf '%s\\n' {words} >> ../build/.config")
        found.append(f"{make} olddefconfig")
    found.append(f"{make} -k {' '.join(shlex.quote(name) for name in objects)}")
    return tuple(found)
