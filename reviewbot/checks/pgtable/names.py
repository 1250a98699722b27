"""What names mean: which function a name is in which file.

A name means the function in the same file, else in the same architecture, else
in the generic code; never one of another architecture.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Set
from functools import lru_cache
from itertools import takewhile

from reviewbot.checks.c.source import Piece, Source
from reviewbot.checks.pgtable import relevance
from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.sources import architecture

_ASSIGNED = re.compile(r"(?:\.|->)\s*(\w+)\s*=\s*&?\s*([A-Za-z_]\w*)\s*[,;}\n]")
_ALIAS = re.compile(r"^\s*([A-Za-z_]\w*)\s*$")
#: headers that stand in for a level which the configuration does not have
_FOLDED = re.compile(r"asm-generic/(?:pgtable-no|5level)")
#: what stands for a function where the configuration leaves nothing to do
_STUB = re.compile(r"[\s({]*(?:do\s*\{\s*\}\s*while\s*\(0\)|BUG\(\)[\s(){};*\d]*(?:p\w\w_t)?)[\s(){};*\d]*")
#: more functions of one name than this in one place are none that a configuration chooses from
MAX_DEFINITIONS = 32
#: through how many names a macro may lead to a function
MAX_RENAMES = 4


class Names:
    """The names that the files of a program define.

    :ivar sources: the files, by path.
    """

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}
        self._functions: dict[str, list[Piece]] = defaultdict(list)
        self._members: dict[str, dict[str, set[str]]] = {}
        self._aliases: dict[tuple[str, str], str] = {}
        self._candidates: dict[tuple[str, str], list[Piece]] = {}
        self._stand_ins: frozenset[str] | None = None
        self._changing: frozenset[str] | None = None

    def add(self, source: Source) -> None:
        """Take in the functions of one more file; before anything is asked about them."""
        self._candidates.clear()
        self._members.clear()
        self._stand_ins = self._changing = None
        self.sources[source.path] = source
        for piece in source.pieces:
            self._functions[piece.name].append(piece)
        for define in source.defines:
            found = _ALIAS.match(define.body)
            if define.parameters is None and found and found.group(1) != define.name:
                self._aliases[architecture(source.path), define.name] = found.group(1)

    def candidates(self, name: str, path: str) -> list[Piece]:
        """The definitions that a name may mean in a file."""
        known = self._candidates.get((name, path))
        if known is None:
            known = self._candidates[name, path] = self._look_up(name, path)
        return known

    def _look_up(self, name: str, path: str) -> list[Piece]:
        pieces = [piece for piece in self._functions.get(name, ()) if self._visible(piece, path)]
        pieces = [piece for piece in pieces if not _FOLDED.search(piece.path)] or pieces
        pieces = [piece for piece in pieces if not (piece.condition and _STUB.fullmatch(piece.body))] or pieces
        for near in (
            [piece for piece in pieces if piece.path == path],
            [piece for piece in pieces if architecture(piece.path) == architecture(path)],
            [piece for piece in pieces if not architecture(piece.path)],
        ):
            if near:
                return _nearest(near, path)[:MAX_DEFINITIONS]
        alias = self._alias(name, path)
        return self.candidates(alias, path) if alias and not self._alias(alias, path) else []

    def _alias(self, name: str, path: str) -> str:
        return self._aliases.get((architecture(path), name)) or self._aliases.get(("", name)) or ""

    def stands_in(self, piece: Piece) -> bool:
        """Whether a function calls one of the core kernel by a name that a macro gives to it."""
        if self._stand_ins is None:
            found: set[str] = set()
            while more := {
                name
                for (_, name), target in self._aliases.items()
                if name not in found and (target in found or words.is_primitive(target))
            }:
                found |= more
            self._stand_ins = frozenset(found - self._functions.keys())
        return not piece.called.isdisjoint(self._stand_ins)

    def real_name(self, name: str, path: str) -> str:
        """Return what a macro without arguments calls a function of the core kernel, else the name itself."""
        target = name
        for _ in range(MAX_RENAMES):
            if target in self._functions or words.is_primitive(target) or not (after := self._alias(target, path)):
                break
            target = after
        return target if words.is_primitive(target) else name

    @staticmethod
    def _visible(piece: Piece, path: str) -> bool:
        return piece.path == path or not piece.static or piece.path.endswith(".h")

    def anywhere(self, name: str, place: str) -> list[Piece]:
        """The functions of a name in an architecture, whoever may call them."""
        return [piece for piece in self._functions.get(name, ()) if architecture(piece.path) == place]

    def knows(self, name: str, path: str) -> bool:
        """Say whether a name is a function that can be seen from a file."""
        return bool(self.candidates(name, path))

    def arity(self, name: str, path: str) -> int:
        """Return how many arguments a function takes, 0 when that is not known."""
        return max((len(piece.parameters) for piece in self.candidates(name, path)), default=0)

    def through_table(self, member: str, path: str) -> str:
        """Return the one function that a member of function tables holds here, or ""."""
        place = architecture(path)
        if place not in self._members:
            members = self._members[place] = defaultdict(set)
            for source in self.sources.values():
                for assigned, function in _assigned(source) if architecture(source.path) == place else ():
                    members[assigned].add(function)
        known = {name for name in self._members[place].get(member, ()) if self.candidates(name, path)}
        return next(iter(known)) if len(known) == 1 else ""

    def installed_level(self, name: str, index: int, path: str) -> str:
        """Return the level that a populate function installs, read from its declaration, "" when not known."""
        for piece in self.candidates(name, path):
            if len(piece.parameters) > index:
                parameter = piece.parameters[index]
                named = words.levels_in_name(parameter.name.rstrip("p"))
                level = words.level_of_type(parameter.type) or (named[0] if len(named) == 1 else "")
                if "pgtable_t" in parameter.type or "struct page" in parameter.type:
                    level = "pte"
                return level
        return ""

    def pieces(self) -> Iterator[Piece]:
        """All functions and macros that are known."""
        for pieces in self._functions.values():
            yield from pieces

    def known(self) -> Set[str]:
        """All names of functions and macros."""
        return self._functions.keys()

    def changing(self) -> frozenset[str]:
        """The names of functions that change tables themselves, wherever, and those that may mean another name."""
        if self._changing is None:
            self._changing = frozenset(
                name for name, pieces in self._functions.items() if any(map(relevance.changes_tables, pieces))
            ) | frozenset(name for _, name in self._aliases)
        return self._changing


@lru_cache(maxsize=4096)
def _assigned(source: Source) -> frozenset[tuple[str, str]]:
    """The members that a file sets, each with the name that it is set to."""
    return frozenset(_ASSIGNED.findall(source.text))


def _nearest(pieces: list[Piece], path: str) -> list[Piece]:
    """Of several headers, keep those that share the longest folder with a file."""
    if len({piece.path for piece in pieces}) < 2 or any(not piece.path.endswith(".h") for piece in pieces):
        return pieces
    here = path.split("/")
    shared = [
        sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(piece.path.split("/"), here, strict=False)))
        for piece in pieces
    ]
    return [piece for length, piece in zip(shared, pieces, strict=True) if length == max(shared)]
