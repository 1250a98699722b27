"""Cutting kernel source into functions and macros, without a configuration.

The text is cut with a scanner before it is parsed: one function that the
grammar cannot read then costs that function and not the file, and only the
functions of interest are parsed at all. Every cut keeps its length and its
lines, so that a place in a piece is a place in the file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate

from reviewbot.checks.c.conditionals import DIRECTIVE, DIRECTIVES, Conditions, spaces
from reviewbot.checks.c.scoped import free_definitions

# A string that is not closed ends with its line: to look for its end from each of its quotes would take for ever.
_BLANKED = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)"""
    r"""|"(?:\\.|[^"\\\n])*(?:"|(?=\n)|\\?\Z)|'(?:\\.|[^'\\\n])*(?:'|(?=\n)|\\?\Z)""",
    re.DOTALL,
)
# No name in C is as long; what looks for parts of names takes the square of their length.
MAX_NAME = 500
_TOO_LONG = re.compile(rf"\b\w{{{MAX_NAME},}}")
_TOKEN = re.compile(r"[#{};]")
_TOKEN_INSIDE = re.compile(r"[#{}]")
#: how far a directive may be indented
MAX_INDENT = 200
_DIRECTIVE = re.compile(DIRECTIVE)
_DEFINE = re.compile(r"^\s*#\s*define\s+(\w+)(\(([^)]*)\))?", re.DOTALL)
_ANNOTATION = re.compile(
    r"\b(?:__attribute__|__printf|__scanf|__acquires|__releases|__must_hold|__section|__alias|__aligned|"
    r"__alloc_size|__malloc|__nocapture|__diagnose_as|__counted_by|__rcu|__no_sanitize|__assume_aligned)"
    r"\s*\((?:[^()]|\([^()]*\))*\)"
)
_DEFINITION = re.compile(r"\s*DEFINE_\w+\s*\(")
_CALL_HEAD = re.compile(r"\b(\w+)\s*\(")
_NESTED = re.compile(r"[(\[{}\])]")
_NOT_FUNCTION = re.compile(r"\b(?:struct|union|enum)\s+\w*\s*(?:\b__\w+\s*)*$|=\s*(?:\([^()]*\)\s*)?$")


#: characters of a line that are shown, and of a parameter that is one
MAX_TEXT = 1000
#: bytes of a file that are read; the longest of Linux that are written by hand have a third of it
MAX_FILE = 2_000_000


def _space(match: re.Match[str]) -> str:
    text = match.group()
    if text[0] in "\"'":
        end = text[-1] if len(text) > 1 and text[-1] == text[0] else ""
        return text[0] + spaces(text[1 : len(text) - len(end)]) + end
    return spaces(text)


def blank(text: str) -> str:
    """Replace comments and the insides of strings with spaces; lines and columns stay."""
    blanked = _BLANKED.sub(_space, text)
    return _TOO_LONG.sub(_space, blanked) if max(map(len, blanked.split("\n"))) >= MAX_NAME else blanked


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function or macro; ``type`` is "" for a macro's."""

    name: str
    type: str


#: how many arguments behind a macro's ``...`` are told apart
MAX_REST = 4
_CALLED = re.compile(r"\b([A-Za-z_]\w*+)\s*+\(")
#: a function in parentheses that is called, and one that a variable is set to
_POINTED = re.compile(r"\(\s*+([A-Za-z_]\w*+)\s*+\)\s*+\(|(?<![=!<>])=\s*+&?\s*+([A-Za-z_]\w*+)\s*+;")


@dataclass(frozen=True)
class Piece:
    """A function or function-like macro, as text.

    :ivar name: its name, ``foo`` also for the kernel's ``foo_noprof``.
    :ivar body: the text of the body from ``{`` to ``}``, comments blanked; for a macro the
        replacement text without continuation marks.
    :ivar line: the line of the name; ``body_line`` that of the start of ``body``.
    :ivar condition: the conditions of the ``#if`` around it, joined by ``&&``.
    :ivar written: the name as it is written.
    :ivar broken: why the piece ends too early, "" when it is whole.
    """

    path: str
    name: str
    kind: str
    result: str
    parameters: tuple[Parameter, ...]
    body: str
    line: int
    body_line: int
    condition: str
    static: bool
    broken: str = ""
    written: str = ""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.path, self.line, self.name))

    @property
    def last_line(self) -> int:
        """The line of the closing brace."""
        return self.body_line + self.body.count("\n")

    @cached_property
    def called(self) -> frozenset[str]:
        """The plain names of what it calls, keywords before a parenthesis and values of variables among them."""
        pointed = (first or second for first, second in _POINTED.findall(self.body))
        return frozenset(plain_name(name) for name in (*_CALLED.findall(self.body), *pointed))


def plain_name(name: str) -> str:
    """Drop the suffix that memory-allocation profiling gives to allocators."""
    return name.removesuffix("_noprof")


def more_arguments(rest: str) -> tuple[str, ...]:
    """Names for what a macro's ``...`` may hold besides its first argument, which goes by the name of the rest."""
    return tuple(f"{rest}#{number}" for number in range(1, MAX_REST))


def _split_arguments(text: str) -> list[str]:
    if not _NESTED.search(text):
        return [" ".join(part.split()) for part in text.split(",")]
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    return [" ".join(part.split()) for part in parts]


@lru_cache(maxsize=16384)
def parse_parameter(text: str) -> Parameter:
    """Split ``struct page *page`` into type and name; a function pointer keeps its whole type."""
    if len(text) > MAX_TEXT:
        return Parameter("", text)
    if pointer := re.search(r"\(\s*\*\s*(\w+)\s*\)", text):
        return Parameter(pointer.group(1), text)
    text = re.sub(r"\b__\w+\b(?=\s*\w)", "", text) if text.startswith("__") else text
    if found := re.match(r"^(.*?)(\w+)\s*((?:\[[^\]]*\])*)$", text):
        kind, name, array = found.groups()
        if kind.strip():
            return Parameter(name, " ".join(kind.split()) + (" *" if array else ""))
    return Parameter("", text)


def _matching(text: str, opening: int) -> int:
    nearest = text.find(")", opening)
    if text.find("(", opening + 1, nearest) < 0:
        return nearest
    depth = 0
    for index in range(opening, len(text)):
        if text[index] == "(":
            depth += 1
        elif text[index] == ")":
            depth -= 1
            if depth == 0:
                return index
    return -1


def _without_definitions(text: str) -> str:
    """Blank what stands before a function without a semicolon, as ``DEFINE_FREE(kfree, void *, …)`` does."""
    while found := _DEFINITION.match(text):
        closing = _matching(text, found.end() - 1)
        if closing < 0 or "(" not in text[closing:]:
            break
        text = spaces(text[: closing + 1]) + text[closing + 1 :]
    return text


def parse_header(text: str) -> tuple[str, str, tuple[Parameter, ...], int] | None:
    """Read ``static pte_t *f(struct mm_struct *mm)``: result, name, parameters, offset of the name."""
    if "(" not in text or _NOT_FUNCTION.search(" ".join(text.split())):
        return None
    cleaned = _ANNOTATION.sub(_space, text)
    if "DEFINE_" in cleaned:
        cleaned = _without_definitions(cleaned)
    head = _CALL_HEAD.search(cleaned)
    if head is None or "=" in cleaned[: head.start()]:
        return None
    closing = _matching(cleaned, head.end() - 1)
    if closing < 0:
        return None
    arguments = _split_arguments(cleaned[head.end() : closing])
    name, result = head.group(1), " ".join(cleaned[: head.start()].split())
    if re.fullmatch(r"(?:COMPAT_)?SYSCALL_DEFINE\d", name):
        return "long", "sys_" + arguments[0], (), head.start(1)
    if not re.search(r"[\w*]", result) and not name.isupper() and closing + 1 < len(cleaned.rstrip()):
        return None
    parameters = () if arguments in (["void"], [""]) else tuple(parse_parameter(a) for a in arguments)
    return result, name, parameters, head.start(1)


@dataclass(frozen=True, slots=True)
class Define:
    """A macro definition; ``parameters`` is None for an object-like macro."""

    name: str
    parameters: tuple[str, ...] | None
    body: str
    line: int
    body_line: int
    condition: str


class Source:
    """One C file, cut into pieces. Never raises on any bytes.

    :ivar whole: False when the file is longer than :data:`MAX_FILE`, and its rest was left out.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.whole = len(data) <= MAX_FILE
        self._raw = data[:MAX_FILE].decode("latin-1").replace("\r\n", " \n").replace("\f", " ")
        self.text = blank(self._raw)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *accumulate(len(line) + 1 for line in self._raw.split("\n"))]

    @cached_property
    def raw_lines(self) -> list[str]:
        """The lines as they are written, decoded as UTF-8 where possible."""
        lines = self._raw.split("\n")
        return [line.encode("latin-1").decode("utf-8", "replace") for line in lines]

    def line_text(self, line: int) -> str:
        """The text of a line, counted from 1, without the white space around it."""
        lines = self.raw_lines
        return lines[line - 1][:MAX_TEXT].strip().rstrip("\\").strip() if 0 < line <= len(lines) else ""

    def _line_of(self, offset: int) -> int:
        return bisect_right(self._line_starts, offset)

    @cached_property
    def _cut(self) -> tuple[list[Piece], list[Define]]:
        pieces: list[Piece] = []
        defines: list[Define] = []
        conditions = Conditions()
        depth = start = body = 0
        header: tuple[str, str, tuple[Parameter, ...], int] | None = None
        position = 0
        while token := (_TOKEN_INSIDE if depth else _TOKEN).search(self.text, position):
            text, position = token.group(), token.end()
            if text == "#":
                directive = self._directive(token.start())
                if directive is None:
                    continue
                position = directive.end()
                defines.extend(self._define(directive, conditions))
                depth = conditions.directive(directive.group(), depth)
                if depth == 0 and not self.text[start : token.start()].strip():
                    start = position
            elif text == "{":
                if depth == 0:
                    head = DIRECTIVES.sub(_space, self.text[start : token.start()])
                    header, body = parse_header(head), token.start()
                depth += 1
            elif text == "}":
                depth = max(depth - 1, 0)
                if depth == 0:
                    if header and not conditions.dead:
                        pieces.append(self._function(header, start, body, token.end(), conditions.text()))
                    header, start = None, token.end()
            elif depth == 0:
                start = token.end()
        if header and depth:
            pieces.append(self._function(header, start, body, len(self.text), "", "the file ends inside it"))
        return pieces, defines

    def _directive(self, offset: int) -> re.Match[str] | None:
        """The directive of a ``#``, None when that is not the first character of its line."""
        before = self.text[max(offset - MAX_INDENT, 0) : offset].rpartition("\n")[2]
        return None if before.strip(" \t") else _DIRECTIVE.match(self.text, offset)

    def _function(
        self,
        header: tuple[str, str, tuple[Parameter, ...], int],
        start: int,
        body: int,
        end: int,
        condition: str,
        broken: str = "",
    ) -> Piece:
        result, name, parameters, offset = header
        return Piece(
            self.path,
            plain_name(name),
            "function",
            result,
            parameters,
            self.text[body:end],
            self._line_of(start + offset),
            self._line_of(body),
            condition,
            re.search(r"\bstatic\b", result) is not None,
            broken,
            name,
        )

    def _define(self, token: re.Match[str], conditions: Conditions) -> Iterator[Define]:
        found = _DEFINE.match(token.group())
        if found is None or conditions.dead:
            return
        body = token.group()[found.end() :].replace("\\\n", " \n")
        names = None
        if found.group(2) is not None:
            names = tuple(part.strip().removesuffix("...") or "__VA_ARGS__" for part in found.group(3).split(","))
            if "..." in found.group(3):
                names = (*names, *more_arguments(names[-1]))
            elif names == ("__VA_ARGS__",):
                names = ()
        line = self._line_of(token.start())
        body_line = self._line_of(token.start() + found.end())
        yield Define(found.group(1), names, body, line, body_line, conditions.text())

    @property
    def defines(self) -> list[Define]:
        """All macro definitions, in order."""
        return self._cut[1]

    @cached_property
    def pieces(self) -> list[Piece]:
        """All functions and function-like macros, in order of their lines."""
        macros = [
            Piece(
                self.path, define.name, "macro", "", tuple(Parameter(name, "") for name in define.parameters or ()),
                define.body, define.line, define.body_line, define.condition, False, "", define.name,
            )
            for define in self.defines
            if define.parameters is not None and define.body.strip() and define.name + "_noprof(" not in define.body
        ]  # fmt: skip
        frees = [
            Piece(
                self.path, name, "macro", "", (Parameter("_T", kind),), body,
                self._line_of(start), self._line_of(first), "", False, "", name,
            )
            for name, kind, body, start, first in free_definitions(self.text)
        ]  # fmt: skip
        return sorted([*self._cut[0], *macros, *frees], key=lambda piece: piece.line)
