"""What to build for a change: the objects of touched sources, and those that see a touched header."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from reviewbot.builds import configurations, makefiles
from reviewbot.builds.model import NotBuilt, Plan, PlannedBuild
from reviewbot.tree.files import Files

#: objects that are compiled for touched headers
INCLUDERS = 24
#: objects of touched sources; more would be a tree-wide change
SOURCES = 300
_MAX_READ = 3000

# Compiled for the build machine, or by nobody at all.
_NO_KERNEL_CODE = ("Documentation/", "LICENSES/", "samples/", "scripts/", "tools/", "usr/", "certs/")
_SUFFIXES = (".c", ".S", ".rs")
# Folders whose objects have names of their own (arch/arm64/kvm/hyp/nvhe/Makefile, arch/arm64/kernel/pi/Makefile).
_NAMES = (("arch/arm64/kvm/hyp/nvhe/", ".nvhe.o"), ("arch/arm64/kernel/pi/", ".pi.o"))
_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: str
    distance: tuple[int, int, int]


def plan(
    touched: Collection[str],
    files: Files,
    *,
    arch: str = "arm64",
    identifiers: Collection[str] = (),
    thorough: bool = False,
    includers: int = INCLUDERS,
) -> Plan:
    """Choose configurations and objects for a change.

    :param touched: paths that the change adds, changes or removes, relative to the tree.
    :param files: the tree after the change (or before it, for what is removed).
    :param arch: the architecture to build for.
    :param identifiers: names that the change adds or removes; includers that use them come first.
    :param thorough: also the configurations that the touched code calls for, not only the default one.
    :param includers: how many objects are compiled for touched headers.
    """
    left_out: list[NotBuilt] = []
    objects: list[str] = []
    headers: list[str] = []
    for path in sorted(touched):
        reason = _not_ours(path, arch)
        if reason:
            left_out.append(NotBuilt(path, reason))
        elif path.endswith(".h"):
            headers.append(path)
        elif path.endswith(_SUFFIXES):
            found = _objects_of(path, files)
            objects += found
            if not found:
                left_out.append(NotBuilt(path, "no object stands for it"))
    objects = list(dict.fromkeys(objects))
    if len(objects) > SOURCES:
        left_out += [NotBuilt(path, f"beyond the budget of {SOURCES} objects") for path in objects[SOURCES:]]
        objects = objects[:SOURCES]
    extra, beyond = _includers(headers, files, arch, identifiers, includers, set(objects))
    if beyond:
        left_out.append(NotBuilt(" ".join(headers), f"{beyond} more files use it, beyond the budget of {includers}"))
    objects += extra
    why = _why(len(objects) - len(extra), len(extra), headers)
    builds = tuple(_builds(touched, objects, arch, why, thorough=thorough)) if objects else ()
    return Plan(builds, tuple(left_out), _labels(touched))


def _builds(
    touched: Collection[str], objects: Sequence[str], arch: str, why: str, *, thorough: bool
) -> Iterator[PlannedBuild]:
    yield PlannedBuild(configurations.default(arch), tuple(objects), why)
    if not thorough or arch != "arm64":
        return
    for choice in configurations.EXTRA:
        if any(choice.paths.match(path) for path in touched):
            yield PlannedBuild(choice.configuration, tuple(objects), choice.why)


def _why(sources: int, includers: int, headers: Sequence[str]) -> str:
    parts = []
    if sources:
        parts.append(f"{sources} touched source file{'s' if sources > 1 else ''}")
    if includers:
        parts.append(f"{includers} that include {', '.join(headers[:3])}{' …' if len(headers) > 3 else ''}")
    return " and ".join(parts)


def _not_ours(path: str, arch: str) -> str:
    """Return why nothing of this kernel is compiled from a file, or ""."""
    if path.startswith(_NO_KERNEL_CODE):
        return "not part of the kernel image"
    parts = path.split("/")
    if parts[0] == "arch" and len(parts) > 2 and parts[1] != arch:
        return f"belongs to {parts[1]}, this build is for {arch}"
    name = parts[-1]
    if name.startswith(("Kconfig", "Makefile", "Kbuild")) or name.endswith("defconfig"):
        return "configures the build"
    if not name.endswith((".h", *_SUFFIXES)):
        return "is not compiled"
    return ""


def _objects_of(path: str, files: Files) -> list[str]:
    """Return the objects that a source file is compiled to; it may be included by others instead."""
    if files.read(path) is None:
        return []
    folder, name = posixpath.split(path)
    stem = posixpath.splitext(path)[0]
    for prefix, suffix in _NAMES:
        if path.startswith(prefix):
            return [stem + suffix]
    target = f"{stem}.o"
    if makefiles.gates(target, files.read):
        return [target]
    users = [
        user
        for user in files.containing([f'"{name}"', f"/{name}"], [folder] if folder else [])
        if user != path and user.endswith(".c") and _includes(user, path, files)
    ]
    return [f"{posixpath.splitext(user)[0]}.o" for user in users[:8]] or [target]


def _includes(user: str, path: str, files: Files) -> bool:
    data = files.read(user) or b""
    folder = posixpath.dirname(user)
    for _, name in _INCLUDE.findall(data):
        text = name.decode("utf-8", "replace")
        if path in (posixpath.normpath(posixpath.join(folder, text)), posixpath.normpath(text)):
            return True
    return False


def _includers(
    headers: Sequence[str], files: Files, arch: str, identifiers: Collection[str], budget: int, have: set[str]
) -> tuple[list[str], int]:
    """Return the objects of the files that include the headers, nearest first, and how many more there are."""
    found: dict[str, _Candidate] = {}
    for header in headers:
        for candidate in _candidates(header, files, arch, identifiers):
            known = found.get(candidate.path)
            if known is None or candidate.distance < known.distance:
                found[candidate.path] = candidate
    ordered = sorted(found.values(), key=lambda candidate: (candidate.distance, candidate.path))
    objects: list[str] = []
    beyond = 0
    for candidate in ordered:
        target = f"{posixpath.splitext(candidate.path)[0]}.o"
        if target in have or target in objects:
            continue
        if len(objects) < budget:
            objects.append(target)
        else:
            beyond += 1
    return objects, beyond


def _candidates(header: str, files: Files, arch: str, identifiers: Collection[str]) -> Iterator[_Candidate]:
    names = include_names(header)
    words = [f"<{names[0]}>", *(f'"{name}"' for name in names)]
    under = _near(header, arch)
    users = files.containing(words, under) or files.containing(words)
    using = set(files.containing(sorted(identifiers), under)) if identifiers else set()
    for path in users[:_MAX_READ]:
        if not path.endswith(".c") or _not_ours(path, arch):
            continue
        yield _Candidate(path, (0 if path in using else 1, _distance(path, header, arch), len(path)))
    for path in sorted(using - set(users))[:_MAX_READ]:
        # It uses what changed and gets the header through another one.
        if path.endswith(".c") and not _not_ours(path, arch):
            yield _Candidate(path, (0, _distance(path, header, arch) + 1, len(path)))


def _near(header: str, arch: str) -> list[str]:
    """Return the folders in which includers are looked for: a whole tree is too much to read for each header."""
    if re.match(r"(?:arch/[^/]+/)?include/", header):
        return [f"arch/{arch}", "mm", "kernel", "fs", "lib", "init", "virt"]
    return [posixpath.dirname(header)]


def include_names(header: str) -> list[str]:
    """Return the names by which a header is included, e.g. ``linux/mm.h`` for ``include/linux/mm.h``."""
    names = []
    inside = re.match(r"(?:arch/[^/]+/)?include/(?:uapi/)?(.+)", header)
    if inside:
        names.append(inside[1])
    names.append(posixpath.basename(header))
    return list(dict.fromkeys(names))


def _distance(path: str, header: str, arch: str) -> int:
    """Say how near a file is to the memory management and to the header; 0 is nearest."""
    folder = posixpath.dirname(path)
    if folder == posixpath.dirname(header):
        return 0
    for near, folders in enumerate(
        (("mm", f"arch/{arch}/mm"), ("kernel", f"arch/{arch}/kernel", "fs", f"arch/{arch}/kvm"))
    ):
        if folder in folders:
            return near + 1
    return 3 if not folder.startswith("drivers/") else 4


def _labels(touched: Collection[str]) -> tuple[str, ...]:
    labels = []
    names = [posixpath.basename(path) for path in touched]
    if any(name.startswith("Kconfig") for name in names):
        labels.append("touches Kconfig")
    if any(name.startswith(("Makefile", "Kbuild")) or name.endswith(".mk") for name in names):
        labels.append("touches Makefiles")
    if any(name.endswith("defconfig") for name in names):
        labels.append("touches a default configuration")
    if any(path.startswith("scripts/") for path in touched):
        labels.append("touches programs that run during the build")
    return tuple(labels)
