"""The files that see a header, the nearest to the change first.

Who includes a header is read from the text, before anything is built: directly, and where that
gives few, through headers that include it. Which of them the configuration at hand really
compiles with it is known from the dependencies that kbuild has recorded, as soon as the base is
built: those that do not are replaced by others that do.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from reviewbot import sandbox
from reviewbot.builds.kbuild import Kbuild
from reviewbot.sandbox import MIB
from reviewbot.tree.files import Files

_MAX_READ = 3000
_MAX_STEPS = 2
_MAX_HEADERS = 60
_MAX_RECORD = 4 * MIB

# Declared or defined in a line of a header: a function, a macro, a type, a member that is called.
_IDENTIFIER = re.compile(
    rb"\b([A-Za-z_]\w{4,})[ \t]*\(|#[ \t]*define[ \t]+([A-Za-z_]\w{3,})|\b(?:struct|union|enum) (\w{4,})"
)
_COMMON = frozenset({b"__attribute__", b"sizeof", b"return", b"while", b"switch", b"typeof", b"likely", b"unlikely"})


def identifiers(diff: bytes) -> set[str]:
    """Return the names that a diff adds, changes or removes in headers."""
    names: set[bytes] = set()
    header = False
    for line in diff.split(b"\n"):
        if line.startswith((b"+++ ", b"--- ")):
            header = line.rstrip().endswith(b".h") or (header and b"/dev/null" in line)
        elif header and line[:1] in b"+-" and line[:1]:
            names.update(name for found in _IDENTIFIER.findall(line) for name in found if name)
    return {name.decode("ascii", "replace") for name in names - _COMMON}


def nearest(headers: Sequence[str], files: Files, arch: str, used: Collection[str], left: str) -> list[str]:
    """Return the C files that include one of the headers, the nearest first.

    :param used: names that the change adds or removes; files that use them come first.
    :param left: folders whose files are not of this kernel, as a pattern.
    """
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for header in headers:
        together[_near(header, arch)].append(header)
    found: dict[str, tuple[int, int, int]] = {}
    for under, group in together.items():
        for path, distance in _candidates(group, under, files, arch, used):
            if path.endswith(".c") and re.match(left, path) is None:
                found[path] = min(distance, found.get(path, distance))
    return [path for path, _ in sorted(found.items(), key=lambda item: (item[1], item[0]))]


def _candidates(
    headers: Sequence[str], under: Sequence[str], files: Files, arch: str, used: Collection[str]
) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Yield files below some folders that see the headers, each with how far it is; a search reads all that is there.

    The distance is: whether it uses none of the names, the steps between it and the header, the length of its path.
    """

    def distance(path: str) -> int:
        return min(_distance(path, header, arch) for header in headers)

    using = set(files.containing(sorted(used), under)) if used else set()
    seen: set[str] = set()
    step: Sequence[str] = headers
    for number in range(_MAX_STEPS):
        words = sorted({word for one in step for word in _includes(one)})
        users = [path for path in files.containing(words, under) if path not in seen]
        if not users and number == 0:
            users = files.containing(words)
        seen.update(users)
        for path in users[:_MAX_READ]:
            yield path, (0 if path in using else 1, number + distance(path), len(path))
        step = [path for path in users if path.endswith(".h")][:_MAX_HEADERS]
        if not step or sum(path.endswith(".c") for path in seen) > _MAX_HEADERS:
            break
    for path in sorted(using - seen)[:_MAX_READ]:
        # It uses what changed and gets the header through another one.
        yield path, (0, distance(path) + 1, len(path))


def _includes(header: str) -> list[str]:
    names = include_names(header)
    return [f"<{names[0]}>", *(f'"{name}"' for name in names)]


def _near(header: str, arch: str) -> tuple[str, ...]:
    """Return the folders in which includers are looked for: a whole tree is too much to read for each header."""
    if re.match(r"(?:arch/[^/]+/)?include/", header):
        ours = (f"arch/{arch}", "mm", "kernel", "fs", "lib", "init", "virt")
        return (*ours, "include/linux", "include/asm-generic")
    return (posixpath.dirname(header),)


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


def seen_by(kbuild: Kbuild, target: str) -> frozenset[str]:
    """Return the files that an object was compiled from, as kbuild has recorded them (``scripts/basic/fixdep.c``).

    :return: paths relative to the tree; empty when nothing is recorded.
    """
    folder, name = posixpath.split(target)
    data = sandbox.read(kbuild.output, posixpath.join(folder, f".{name}.cmd"), limit=_MAX_RECORD) or b""
    text = data.decode("utf-8", "replace")
    source = text.partition(f"source_{target} :=")[2].partition("\n")[0]
    headers = text.partition(f"deps_{target} :=")[2].partition("\n\n")[0]
    words = (
        word
        for word in f"{source} {headers}".split()
        if word != "\\" and not word.startswith("$(") and not word.endswith(")")
    )
    return frozenset(kbuild.relative(word) for word in words)


def blind(kbuild: Kbuild, objects: Collection[str], touched: Collection[str]) -> list[str]:
    """Return the objects that were compiled from none of the touched files, as kbuild has recorded it."""
    seen = {name: seen_by(kbuild, name) for name in objects}
    return [name for name, files in seen.items() if files and files.isdisjoint(touched)]


def seeing(kbuild: Kbuild, objects: Collection[str], touched: Collection[str]) -> list[str]:
    """Return the objects that were compiled from one of the touched files, as kbuild has recorded it."""
    return [name for name in objects if not seen_by(kbuild, name).isdisjoint(touched)]
