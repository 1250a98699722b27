"""Why an object is not built: the options that a Makefile puts before it.

This reads assignments as ``Documentation/kbuild/makefiles.rst`` describes them and no
more: it explains what make has decided, it decides nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

Read = Callable[[str], bytes | None]

_ASSIGNMENT = re.compile(r"^\s*(?P<name>[\w.-]+(?:\$\([^)]*\))?[\w.-]*)\s*(?P<sign>[:+?]?=)\s*(?P<words>.*)$")
_OPTION = re.compile(r"\$\((CONFIG_\w+)\)")
_MAX_DEPTH = 8


def gates(target: str, read: Read, config: dict[str, str] | None = None) -> list[frozenset[str]]:
    """Return the sets of options of which one must be on for an object; empty when no Makefile names it.

    :param target: path of the object, relative to the tree, e.g. ``mm/hugetlb.o``.
    :param read: gives the content of a file of the tree, or None.
    :param config: when given, a list that this configuration replaces by another counts no more.
    """
    folder, name = posixpath.split(target)
    ways = _ways(folder, name, read, config)
    while folder and ways:
        parent, base = posixpath.split(folder)
        above = _ways(parent, f"{base}/", read, config)
        # The top and the architectures' own Makefiles name their folders by other means.
        if above:
            ways = [way | outer for way in ways for outer in above]
        folder = parent
    return list(dict.fromkeys(ways))


def why_not(target: str, read: Read, config: dict[str, str]) -> str:
    """Say why a configuration leaves an object out, e.g. ``CONFIG_HUGETLB_PAGE is not set``; "" when it does not.

    An object that no Makefile seems to name is not called left out: make knows better.
    """
    ways = gates(target, read, config)
    if not ways and gates(target, read):
        return "another file takes its place"
    missing = [sorted(way - config.keys()) for way in ways]
    if not missing or not all(missing):
        return ""
    nearest = min(missing, key=len)
    return f"{' and '.join(nearest)} {'is' if len(nearest) == 1 else 'are'} not set"


def mentioned(target: str, read: Read) -> bool:
    """Say whether a Makefile on the way to an object speaks of it at all, in whatever form.

    kbuild compiles any file that it is told to; one that no Makefile speaks of is a part of another.
    """
    parts = target.split("/")
    for depth in reversed(range(len(parts))):
        folder, name = "/".join(parts[:depth]), "/".join(parts[depth:])
        word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])".encode())
        if any(word.search(read(posixpath.join(folder, file)) or b"") for file in ("Kbuild", "Makefile")):
            return True
    return False


def _ways(folder: str, name: str, read: Read, config: dict[str, str] | None) -> list[frozenset[str]]:
    """Return the sets of options under which the Makefiles of a folder list a name."""
    assignments: list[tuple[str, frozenset[str]]] = []
    for file in ("Kbuild", "Makefile"):
        text = read(posixpath.join(folder, file))
        if text:
            assignments += _assignments(text.decode("utf-8", "replace"), config)
    return _lists(name, assignments, 0)


def _assignments(text: str, config: dict[str, str] | None) -> list[tuple[str, frozenset[str]]]:
    found: list[tuple[str, frozenset[str]]] = []
    for line in text.replace("\\\n", " ").split("\n"):
        match = _ASSIGNMENT.match(line.partition("#")[0])
        if not match:
            continue
        if config is not None and match["sign"] in ("=", ":="):
            # mmu-y := nommu.o, then mmu-$(CONFIG_MMU) := memory.o: the second replaces the first if it is set
            name = _value(match["name"], config)
            found = [(other, words) for other, words in found if _value(other, config) != name]
        found.append((match["name"], frozenset(match["words"].split())))
    return found


def _value(variable: str, config: dict[str, str]) -> str:
    return _OPTION.sub(lambda option: config.get(option[1], ""), variable)


def _lists(name: str, assignments: list[tuple[str, frozenset[str]]], depth: int) -> list[frozenset[str]]:
    ways: list[frozenset[str]] = []
    for variable, words in assignments:
        if name not in words or depth > _MAX_DEPTH:
            continue
        options = frozenset(_OPTION.findall(variable))
        stem = re.split(r"-(?:y|m|objs|\$)", variable)[0]
        if stem in ("obj", "lib", "core", "libs", "subdir", "drivers", "head"):
            ways.append(options)
            continue
        # mmu-$(CONFIG_MMU) := memory.o is used as $(mmu-y), or stands for mmu.o
        users = {f"$({stem}-y)", f"$({stem}-m)", f"$({stem}-objs)", f"{stem}.o"} - {name}
        outer = [way for user in sorted(users) for way in _lists(user, assignments, depth + 1)]
        ways += [options | way for way in outer]
    return ways
