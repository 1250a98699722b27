"""What to build for a change: the objects of touched sources, and those that see a touched header."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from reviewbot.builds import configurations, makefiles, toolchains
from reviewbot.builds import includers as includers_module
from reviewbot.builds.model import Configuration, Kind, NotBuilt, Plan, PlannedBuild
from reviewbot.tree.files import Files

#: objects that are compiled for touched headers
INCLUDERS = 12
#: more of which the syntax is checked
SYNTAX = 60
#: objects up to which the most telling other configurations are built, too
CHEAP = 8
#: objects of touched sources; more would be a tree-wide change
SOURCES = 300

# Compiled for the build machine, or by nobody at all.
_NO_KERNEL_CODE = ("Documentation/", "LICENSES/", "samples/", "scripts/", "tools/", "usr/", "certs/")
_SUFFIXES = (".c", ".S", ".rs")
# Where the options stand that the configurations set.
_KCONFIG = ("arch/arm64/Kconfig", "mm/Kconfig.debug", "lib/Kconfig.debug")
# Folders whose objects have names of their own (arch/arm64/kvm/hyp/nvhe/Makefile, arch/arm64/kernel/pi/Makefile).
_NAMES = (("arch/arm64/kvm/hyp/nvhe/", ".nvhe.o"), ("arch/arm64/kernel/pi/", ".pi.o"))
_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)


def plan(
    touched: Collection[str],
    files: Files,
    *,
    arch: str = "arm64",
    identifiers: Collection[str] = (),
    thorough: bool = False,
    more: Collection[Kind] = (),
    includers: int = INCLUDERS,
    syntax: int = SYNTAX,
) -> Plan:
    """Choose configurations and objects for a change.

    :param touched: paths that the change adds, changes or removes, relative to the tree.
    :param files: the tree after the change (or before it, for what is removed).
    :param arch: the architecture to build for.
    :param identifiers: names that the change adds or removes; includers that use them come first.
    :param thorough: every configuration that the touched code calls for, not only the default one and, where few
        objects are built, the most telling ones.
    :param more: kinds of work beside compiling, each a build of its own.
    :param includers: how many objects are compiled for touched headers.
    :param syntax: of how many more the syntax is checked.
    """
    left_out: list[NotBuilt] = []
    objects, headers = _sources(touched, files, arch, left_out)
    sources = len(objects)
    seeing = includers_module.nearest(headers, files, arch, identifiers, _others(arch)) if headers else []
    users = [name for name in (f"{posixpath.splitext(path)[0]}.o" for path in seeing) if name not in objects]
    objects += users[:includers]
    checked = tuple(users[includers : includers + syntax])
    if beyond := len(users) - includers - syntax:
        reason = f"{beyond} more files use it, beyond the budget of {includers + syntax}"
        left_out += [NotBuilt(" ".join(headers), reason)] if beyond > 0 else []
    change = _Change(touched, files, arch, tuple(objects), checked, _why(sources, len(objects) - sources, headers))
    builds = [*_builds(change, thorough=thorough), *_more(change, more)] if objects else []
    if checked:
        why = f"the syntax of {len(checked)} more that include {_names(headers)}"
        builds.insert(1, PlannedBuild(builds[0].configuration.of(Kind.SYNTAX), checked, why))
    return Plan(tuple(builds), tuple(left_out), _labels(touched))


def plan_everywhere(
    touched: Collection[str],
    files: Files,
    *,
    identifiers: Collection[str] = (),
    thorough: bool = False,
    more: Collection[Kind] = (),
) -> Plan:
    """Plan for arm64, and for every other architecture whose own code is touched and whose compiler is here."""
    first = plan(touched, files, identifiers=identifiers, thorough=thorough, more=more)
    builds = list(first.builds)
    left_out = {one.path: one for one in first.left_out}
    for arch in dict.fromkeys(path.split("/")[1] for path in sorted(touched) if path.startswith("arch/")):
        own = [path for path in touched if path.startswith(f"arch/{arch}/")]
        if arch == "arm64" or arch not in toolchains.architectures():
            continue
        if not toolchains.installed(arch, "gcc"):
            missing = f"belongs to {arch}, and {toolchains.package(arch)} is not installed"
            left_out.update({path: NotBuilt(path, missing) for path in own if path in left_out})
            continue
        other = plan(own, files, arch=arch, identifiers=identifiers)
        builds += other.builds
        for path in own:
            left_out.pop(path, None)
        left_out.update({one.path: one for one in other.left_out})
    return Plan(tuple(builds), tuple(left_out.values()), first.labels)


@dataclass(frozen=True, slots=True)
class _Change:
    """What is touched in a tree, the objects that stand for it, and the next ones."""

    touched: Collection[str]
    files: Files
    arch: str
    objects: tuple[str, ...]
    spare: tuple[str, ...]
    why: str


def _sources(
    touched: Collection[str], files: Files, arch: str, left_out: list[NotBuilt]
) -> tuple[list[str], list[str]]:
    """Return the objects of the touched sources, and the touched headers; say what is neither."""
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
    left_out += [NotBuilt(path, f"beyond the budget of {SOURCES} objects") for path in objects[SOURCES:]]
    return objects[:SOURCES], headers


def _builds(change: _Change, *, thorough: bool) -> Iterator[PlannedBuild]:
    yield PlannedBuild(configurations.default(change.arch), change.objects, change.why, change.spare)
    if change.arch != "arm64":
        return
    cheap = len(change.objects) <= CHEAP
    for choice in configurations.EXTRA:
        if not (thorough or (cheap and any(map(choice.always.match, change.touched)))):
            continue
        concerned = sorted(path for path in change.touched if choice.paths.match(path))
        if not concerned or not _known(choice.configuration, change.files):
            continue
        if toolchains.installed(change.arch, choice.configuration.compiler):
            why = f"{choice.why} (for {_names(concerned)})"
            yield PlannedBuild(choice.configuration, change.objects, why, change.spare)


def _more(change: _Change, more: Collection[Kind]) -> Iterator[PlannedBuild]:
    for kind in Kind:
        if kind in more:
            configuration = configurations.default(change.arch).of(kind)
            yield PlannedBuild(configuration, change.objects, change.why, change.spare)


def _known(configuration: Configuration, files: Files) -> bool:
    """Say whether the tree has the options that make the configuration what it is."""
    options = [line.removeprefix("CONFIG_").split("=")[0] for line in configuration.fragment if line.endswith("=y")]
    text = b"\n".join(files.read(path) or b"" for path in _KCONFIG).decode("utf-8", "replace") if options else ""
    return all(re.search(rf"^config {name}$", text, re.MULTILINE) for name in options)


def _why(sources: int, includers: int, headers: Sequence[str]) -> str:
    parts = []
    if sources:
        parts.append(f"{sources} touched source file{'s' if sources > 1 else ''}")
    if includers:
        parts.append(f"{includers} that include {_names(headers)}")
    return " and ".join(parts)


def _names(paths: Sequence[str]) -> str:
    return f"{', '.join(paths[:3])}{' …' if len(paths) > 3 else ''}"


def _others(arch: str) -> str:
    """Return a pattern of the paths of which nothing is compiled for an architecture."""
    return rf"{'|'.join(map(re.escape, _NO_KERNEL_CODE))}|arch/(?!{re.escape(arch)}/)"


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
    if name.endswith(".lds.S"):
        return "is a linker script"
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
