"""MAINTAINERS of a kernel tree: which repository takes the patches to a file, and who maintains it.

Source: the head of the file itself ("Descriptions of section entries") and
Documentation/process/maintainers.rst of Linux.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_MAX_SIZE = 8 << 20
_ENTRY = re.compile(r"([MTFXNS]):[ \t]+(.+)")
_ADDRESS = re.compile(r"[^\s<>\"]{1,64}@[^\s<>\"]{1,255}")
_HEADING = re.compile(r"[^\s\d.*<-][^\n]*")


@dataclass(frozen=True, slots=True)
class Section:
    """One subsystem.

    :ivar name: its heading.
    :ivar trees: address and branch ("" when none is given) of each git repository that takes its patches.
    :ivar people: addresses of its maintainers (``M:``), in lower case.
    """

    name: str
    trees: tuple[tuple[str, str], ...]
    people: tuple[str, ...]
    files: tuple[str, ...]
    excluded: tuple[str, ...]
    regexes: tuple[re.Pattern[str], ...]

    def depth(self, path: str) -> int:
        """Say how precisely the section names a file: the parts of its pattern without mere stars, 0 for not at all."""
        if any(_covers(pattern, path) for pattern in self.excluded):
            return 0
        depths = [
            sum(part != "*" for part in pattern.rstrip("/").split("/"))
            for pattern in self.files
            if _covers(pattern, path)
        ]
        if any(regex.search(path) for regex in self.regexes):
            depths.append(1)
        return max(depths, default=0)


@lru_cache(maxsize=8)
def read(content: bytes) -> tuple[Section, ...]:
    """Return the subsystems that name a git repository."""
    return tuple(section for section in _subsystems(content) if section.trees)


def people(content: bytes, paths: Iterable[str]) -> frozenset[str]:
    """Return the maintainers of some files by address, in lower case.

    Who is named for every file of the kernel ("THE REST") is not among them.
    """
    named = [section for section in _subsystems(content) if section.people]
    return frozenset(person for path in paths for section in named if section.depth(path) for person in section.people)


@lru_cache(maxsize=8)
def _subsystems(content: bytes) -> tuple[Section, ...]:
    sections = []
    for block in re.split(r"\n\s*\n", content[:_MAX_SIZE].decode("utf-8", "replace")):
        heading, _, rest = block.strip().partition("\n")
        entries = [match.groups() for line in rest.splitlines() if (match := _ENTRY.match(line))]
        trees = tuple(tree for kind, value in entries if kind == "T" and (tree := _tree(value)))
        if not entries or not _HEADING.fullmatch(heading):
            continue
        values = {kind: tuple(value.strip() for name, value in entries if name == kind) for kind in "MFXN"}
        addresses = tuple(match[0].lower() for value in values["M"] if (match := _ADDRESS.search(value)))
        sections.append(Section(heading, trees, addresses, values["F"], values["X"], tuple(_regexes(values["N"]))))
    return tuple(sections)


def responsible(sections: Iterable[Section], path: str) -> tuple[Section, ...]:
    """Return the sections that name a file most precisely."""
    depths = [(section.depth(path), section) for section in sections]
    most = max((depth for depth, _ in depths), default=0)
    return tuple(section for depth, section in depths if depth == most) if most else ()


def same_repository(one: str, other: str) -> bool:
    """Tell whether two addresses are of one repository, by whatever protocol."""
    return bool(one) and _bare(one) == _bare(other)


def _bare(address: str) -> str:
    return re.sub(r"^[a-z+]+://|(?:\.git)?/*$", "", address.strip().lower()).replace("/pub/scm/", "/")


def _tree(value: str) -> tuple[str, str] | None:
    """Return address and branch of ``git ADDRESS [BRANCH]``."""
    kind, *words = value.split()
    if kind != "git" or not words or "://" not in words[0]:
        return None
    return words[0], words[1].strip("()") if len(words) > 1 else ""


def _regexes(patterns: Iterable[str]) -> Iterable[re.Pattern[str]]:
    for pattern in patterns:
        with contextlib.suppress(re.error):
            yield re.compile(pattern)


def _covers(pattern: str, path: str) -> bool:
    """Tell whether a file pattern holds for a path: a folder with all below it, or the files of its very depth."""
    if pattern.endswith("/"):
        return bool(_glob(pattern).match(path))
    if path.startswith(f"{pattern}/"):
        return True
    return pattern.count("/") == path.count("/") and bool(_glob(pattern).fullmatch(path))


@lru_cache(maxsize=20_000)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)) for char in pattern))
