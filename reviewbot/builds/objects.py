"""The code that came of a change: objects before and after, symbol by symbol.

Two functions are the same when their instructions and what these refer to are the
same. Where things lie does not matter: the distance of a branch and the offset into a section are
replaced by the name of what is there, so that a function that grows changes no other one. Debug
information does not matter either.
"""

from __future__ import annotations

import bisect
import hashlib
import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reviewbot.builds import elf
from reviewbot.builds.elf import Object, Section, Symbol

_FUNCTION, _DATA, _SECTION = 2, 1, 3
# Numbered by the compiler in the order of appearance (__func__.12, foo.constprop.0), by __COUNTER__ or by the
# line (__UNIQUE_ID_name123, __initcall__kmod_x__12_345_name6: include/linux/init.h).
_NUMBER = re.compile(r"(?:\.\d+)+$")
_COUNTED = re.compile(r"^(__UNIQUE_ID_.*?)\d+$|(?<=__)\d+_\d+_")
_BRANCH_MASK, _BRANCH, _BRANCH_LINK = 0xFC000000, 0x14000000, 0x94000000


@dataclass(frozen=True, slots=True)
class Code:
    """A function or a variable: bytes it takes, and a digest of what it is."""

    kind: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class SymbolChange:
    """A symbol that is not the same after a change; a size of None: it is not there."""

    name: str
    kind: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """What a change did to the generated code of one object.

    :ivar symbols: what changed; empty when the generated code and data are the same.
    """

    path: str
    symbols: tuple[SymbolChange, ...]

    @property
    def same(self) -> bool:
        """The object has the same functions and data as before."""
        return not self.symbols

    @property
    def growth(self) -> int:
        """Bytes of code and data that the object has more, or less when negative."""
        return sum((symbol.after or 0) - (symbol.before or 0) for symbol in self.symbols)


Summary = dict[str, Code]


def summarise(data: bytes) -> Summary:
    """Return the functions and variables of an object, by name; of equal names, all in one.

    :raises ValueError: when it is no object that can be read.
    """
    read = _Reader(elf.read(data))
    parts: dict[str, list[Code]] = defaultdict(list)
    for number, symbol in enumerate(read.object.symbols):
        if symbol.kind in (_FUNCTION, _DATA) and read.has(symbol):
            kind = "function" if symbol.kind == _FUNCTION else "data"
            parts[_plain(symbol.name)].append(Code(kind, symbol.size, read.digest(number)))
    return {name: _together(codes) for name, codes in sorted(parts.items())}


def compare(before: Mapping[str, Summary], after: Mapping[str, Summary]) -> tuple[ObjectChange, ...]:
    """Compare the objects that both sides have, in the order of ``after``."""
    return tuple(ObjectChange(path, tuple(_changes(before[path], after[path]))) for path in after if path in before)


def sentence(changes: Iterable[ObjectChange], arch: str) -> str:
    """Say in one sentence what changed, for a reviewer."""
    changes = list(changes)
    changed = [change for change in changes if not change.same]
    if not changes:
        return ""
    if not changed:
        compared = f"{len(changes)} object{'s' if len(changes) > 1 else ''} compared"
        return f"No change in the generated code on {arch} ({compared})."
    count = sum(len(change.symbols) for change in changed)
    growth = sum(change.growth for change in changed)
    where = f"in {len(changed)} of {len(changes)} objects"
    return f"{count} symbol{'s' if count > 1 else ''} {where} changed on {arch}, {growth:+d} bytes."


def _changes(before: Summary, after: Summary) -> Iterable[SymbolChange]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            some = new or old
            kind = some.kind if some else ""
            yield SymbolChange(name, kind, old.size if old else None, new.size if new else None)


def _together(codes: list[Code]) -> Code:
    if len(codes) == 1:
        return codes[0]
    words = "\0".join(sorted(code.digest for code in codes))
    return Code(codes[0].kind, sum(code.size for code in codes), _hash(words.encode()))


class _Reader:
    """One object, with its symbols ordered by place."""

    def __init__(self, read: Object) -> None:
        self.object = read
        self._at: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for number, symbol in enumerate(read.symbols):
            if symbol.kind in (_FUNCTION, _DATA):
                self._at[symbol.section].append((symbol.value, number))
        for places in self._at.values():
            places.sort()

    def has(self, symbol: Symbol) -> bool:
        """Say whether the symbol is defined here, in a section that goes into the kernel."""
        section = self._section(symbol.section)
        return (
            section is not None and bool(section.flags & elf.ALLOCATED) and symbol.value + symbol.size <= section.size
        )

    def digest(self, number: int) -> str:
        """Return a name for what the symbol holds, wherever that lies."""
        symbol = self.object.symbols[number]
        section = self.object.sections[symbol.section]
        start, end = symbol.value, symbol.value + symbol.size
        data = bytearray(section.data[start:end])
        references = []
        first = bisect.bisect_left(section.relocations, (start,))
        for relocation in section.relocations[first:]:
            if relocation.offset >= end:
                break
            target = self._target(relocation.symbol, relocation.addend)
            references.append(f"{relocation.offset - start} {relocation.kind} {target}")
        if symbol.kind == _FUNCTION and self.object.machine == elf.AARCH64:
            references += self._branches(symbol, data)
        name = re.sub(r"\.\d+$", "", section.name)
        return _hash(b"\0".join((name.encode(), bytes(data), *(text.encode() for text in references))))

    def _branches(self, symbol: Symbol, data: bytearray) -> list[str]:
        """Replace direct branches to other functions by the names of these; the assembler resolves the near ones."""
        found = []
        for offset in range(0, len(data) - 3, 4):
            word = struct.unpack_from("<I", data, offset)[0]
            if word & _BRANCH_MASK not in (_BRANCH, _BRANCH_LINK):
                continue
            distance = (word & 0x03FFFFFF) * 4
            distance -= 0x10000000 if distance >= 0x08000000 else 0
            if distance and not 0 <= offset + distance < symbol.size:
                place = self._name_at(symbol.section, symbol.value + offset + distance)
                found.append(f"{offset} branch {place}")
                struct.pack_into("<I", data, offset, word & _BRANCH_MASK)
        return found

    def _target(self, number: int, addend: int) -> str:
        if number >= len(self.object.symbols):
            return "?"
        symbol = self.object.symbols[number]
        if symbol.kind != _SECTION:
            return f"{_plain(symbol.name)}+{addend}"
        return self._name_at(symbol.section, addend)

    def _name_at(self, number: int, place: int) -> str:
        section = self._section(number)
        if section is None:
            return f"?+{place}"
        if ".str" in section.name:
            end = section.data.find(b"\0", max(place, 0))
            return "text " + section.data[max(place, 0) : end].hex()
        places = self._at.get(number, [])
        index = bisect.bisect_right(places, (place, len(self.object.symbols))) - 1
        if index < 0:
            return f"{section.name}+{place}"
        start, symbol = places[index]
        return f"{_plain(self.object.symbols[symbol].name)}+{place - start}"

    def _section(self, number: int) -> Section | None:
        return self.object.sections[number] if 0 < number < len(self.object.sections) else None


def _plain(name: str) -> str:
    return _COUNTED.sub(lambda found: found[1] or "", _NUMBER.sub("", name))


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
