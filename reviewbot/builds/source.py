"""The source text beneath a diagnostic: the line, and the function around it."""

from __future__ import annotations

import re
from pathlib import Path

from reviewbot import sandbox
from reviewbot.sandbox import MIB

_HEADER = re.compile(r"^[A-Za-z_].*\(")
_LABEL = re.compile(r"^[A-Za-z_]\w*\s*:(?!:)")
_MACRO_NAME = re.compile(r"\b(?:COMPAT_)?SYSCALL(?:32|64)?_DEFINE\d\(\s*(\w+)")
_NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")
_ATTRIBUTES = re.compile(r"\b__\w+\s*\((?:[^()]|\([^()]*\))*\)")
_MAX_FILE = 4 * MIB
_MAX_TEXT = 400


class Source:
    """Lines of the files below a folder; a file is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, list[str]] = {}

    def place(self, file: str, line: int) -> tuple[str, str]:
        """Return the enclosing function ("" at file scope) and the text of a line (from 1)."""
        lines = self._lines(file)
        if not 0 < line <= len(lines):
            return "", ""
        function = enclosing_function(lines, line) if file.endswith((".c", ".h")) else ""
        return function, lines[line - 1].strip()[:_MAX_TEXT]

    def _lines(self, file: str) -> list[str]:
        if file not in self._files:
            data = sandbox.read(self._folder, file, limit=_MAX_FILE) or b""
            self._files[file] = data.decode("utf-8", "replace").split("\n")
        return self._files[file]


def enclosing_function(lines: list[str], line: int) -> str:
    """Return the name of the function or macro that a line (from 1) is in, in kernel style.

    A body begins with a ``{`` in the first column and ends with a ``}`` there; the header stands
    above it and begins in the first column (``Documentation/process/coding-style.rst``).
    """
    macro = _enclosing_macro(lines, line)
    if macro:
        return macro
    for number in range(line - 1, -1, -1):
        text = lines[number]
        if text.startswith("}") and number != line - 1:
            return ""
        if _HEADER.match(text) and not _LABEL.match(text) and not text.rstrip().endswith(";"):
            return _name_of(text)
    return ""


def _enclosing_macro(lines: list[str], line: int) -> str:
    number = line - 1
    while number > 0 and lines[number - 1].rstrip().endswith("\\"):
        number -= 1
    define = re.match(r"\s*#\s*define\s+(\w+)", lines[number])
    return define[1] if define else ""


def _name_of(header: str) -> str:
    syscall = _MACRO_NAME.search(header)
    if syscall:
        return syscall[1]
    name = _NAME.search(_ATTRIBUTES.sub("", header))
    return name[1] if name else ""
