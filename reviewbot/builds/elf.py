"""As much of ELF as comparing two relocatable objects takes (64 bits, little endian; see elf(5)).

The bytes are a stranger's: whatever does not fit is a :class:`ValueError`, and nothing is larger than the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

ALLOCATED = 0x2
_RELA, _SYMTAB, _NOBITS = 4, 2, 8
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")
_MAX_ITEMS = 500_000
AARCH64 = 183


class Relocation(NamedTuple):
    """At ``offset`` of its section, ``kind`` refers to symbol number ``symbol`` plus ``addend``."""

    offset: int
    kind: int
    symbol: int
    addend: int


class Symbol(NamedTuple):
    """A name for ``size`` bytes at ``value`` of a section; ``kind`` is 1 for data, 2 a function, 3 the section."""

    name: str
    kind: int
    section: int
    value: int
    size: int


@dataclass(slots=True)
class Section:
    """A section with its content and the relocations that apply to it, ordered by offset."""

    name: str
    flags: int
    data: bytes
    size: int
    relocations: list[Relocation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Object:
    """A relocatable object."""

    machine: int
    sections: list[Section]
    symbols: list[Symbol]


def read(data: bytes) -> Object:
    """Read an object file.

    :raises ValueError: when it is none, or broken.
    """
    try:
        return _read(data)
    except (struct.error, IndexError) as error:
        raise ValueError("this is no whole ELF object") from error


def _read(data: bytes) -> Object:
    ident, _, machine, _, _, _, offset, _, _, _, _, size, count, names = _HEADER.unpack_from(data)
    if ident[:6] != b"\x7fELF\x02\x01" or size != _SECTION.size or offset + count * size > len(data):
        raise ValueError("this is no 64-bit little-endian ELF object")
    headers = [_SECTION.unpack_from(data, offset + number * size) for number in range(count)]

    def content(header: tuple[int, ...]) -> bytes:
        if header[1] == _NOBITS:
            return b""
        if header[4] + header[5] > len(data):
            raise ValueError("a section lies outside of the file")
        return data[header[4] : header[4] + header[5]]

    strings = content(headers[names])
    sections = [Section(_text(strings, head[0]), head[2], content(head), head[5]) for head in headers]
    symbols: list[Symbol] = []
    for head in headers:
        if head[1] == _SYMTAB:
            symbols = _symbols(content(head), content(headers[head[6]]))
        elif head[1] == _RELA:
            sections[head[7]].relocations = _relocations(content(head))
    return Object(machine, sections, symbols)


def _symbols(table: bytes, strings: bytes) -> list[Symbol]:
    _check_count(table, _SYMBOL.size)
    return [
        Symbol(_text(strings, name), info & 0xF, section, value, size)
        for name, info, _, section, value, size in _SYMBOL.iter_unpack(table)
    ]


def _relocations(table: bytes) -> list[Relocation]:
    _check_count(table, _RELOCATION.size)
    found = [
        Relocation(offset, info & 0xFFFFFFFF, info >> 32, addend)
        for offset, info, addend in _RELOCATION.iter_unpack(table)
    ]
    return sorted(found)


def _check_count(table: bytes, size: int) -> None:
    if len(table) % size or len(table) // size > _MAX_ITEMS:
        raise ValueError("a table of the ELF object is cut or too long")


def _text(strings: bytes, offset: int) -> str:
    end = strings.find(b"\0", offset)
    if not 0 <= offset <= len(strings) or end < 0:
        raise ValueError("a name lies outside of its table")
    return strings[offset:end].decode("utf-8", "replace")
