"""C files as something that can be edited by syntax: bodies, calls, statements, and edits by byte offset.

A *body* is a function or a function-like macro. Offsets are always offsets
into the file, also inside a macro, whose text is parsed on its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import tree_sitter_c
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_c.language()))

# Words between the type and the name that the grammar does not know.
_ANNOTATION = re.compile(
    rb"\b(__(?:(?:mem|cpu)?init|(?:mem)?exit|ref|always_inline|maybe_unused|must_check|weak|used|pure"
    rb"|sched|kprobes|cold|init_or_module|no_sanitize_address|latent_entropy)|noinline|asmlinkage"
    rb"|noinstr|notrace|fastcall|FORCE_INLINE|UM_HOST_ONLY)\b"
)
_MACRO_HEAD = re.compile(rb"[ \t]*#[ \t]*define[ \t]+\w+\([^()\n]*\)")


class Edit(NamedTuple):
    """Replace the bytes ``start:end`` of a file by ``text``."""

    start: int
    end: int
    text: bytes


def apply_edits(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Return ``data`` with the edits done; they must not overlap.

    :raises ValueError: when two edits overlap.
    """
    parts = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < position:
            raise ValueError("overlapping edits")
        parts += [data[position : edit.start], edit.text]
        position = edit.end
    parts.append(data[position:])
    return b"".join(parts)


def moved(offset: int, edits: Iterable[Edit]) -> int:
    """Return where a byte that stood at ``offset`` stands after the edits."""
    shift = sum(len(edit.text) - (edit.end - edit.start) for edit in edits if edit.end <= offset)
    return offset + shift


def line_of(data: bytes, offset: int) -> int:
    """Return the line of a byte, from 1."""
    return data.count(b"\n", 0, max(offset, 0)) + 1


def walk(node: Node, kind: str = "") -> Iterator[Node]:
    """Yield a node and all below it, in source order, optionally only those of one type."""
    stack = [node]
    while stack:
        current = stack.pop()
        if not kind or current.type == kind:
            yield current
        stack.extend(reversed(current.children))


def error_count(data: bytes) -> int:
    """Count what the grammar cannot read; a mutant may not have more than its original."""
    found, stack = 0, [_PARSER.parse(_blanked(data)).root_node]
    while stack:
        node = stack.pop()
        found += node.is_error or node.is_missing
        if node.has_error:
            stack.extend(node.children)
    return found


def _blanked(data: bytes) -> bytes:
    return _ANNOTATION.sub(lambda match: b" " * len(match.group()), data)


@dataclass(frozen=True, eq=False)
class Body:
    """A function or a function-like macro of one file.

    :ivar node: its compound statement (or the macro's whole text).
    :ivar shift: what to add to a node's offset to get the offset in the file.
    :ivar head: offset of the first byte of the definition.
    :ivar tail: offset behind its last byte.
    """

    unit: Unit
    name: str
    macro: bool
    node: Node
    shift: int
    head: int
    tail: int
    parameters: tuple[tuple[str, str], ...] = ()
    result: str = ""

    def start(self, node: Node) -> int:
        """Offset of a node in the file."""
        return node.start_byte + self.shift

    def end(self, node: Node) -> int:
        """Offset behind a node in the file."""
        return node.end_byte + self.shift

    def text(self, node: Node) -> str:
        """Source text of a node."""
        return self.unit.data[self.start(node) : self.end(node)].decode("utf-8", "replace")

    def line(self, node: Node) -> int:
        """Line of a node in the file, from 1."""
        return line_of(self.unit.data, self.start(node))

    def replace(self, node: Node, text: str) -> Edit:
        """Edit that puts other text in the place of a node."""
        return Edit(self.start(node), self.end(node), self.one_piece(text))

    def before(self, node: Node, text: str) -> Edit:
        """Edit that inserts a statement in front of a node, on a line of its own."""
        return Edit(self.start(node), self.start(node), self.one_piece(text + self.newline(node)))

    def after(self, node: Node, text: str) -> Edit:
        """Edit that inserts a statement behind a node, on a line of its own."""
        return Edit(self.end(node), self.end(node), self.one_piece(self.newline(node) + text))

    def one_piece(self, text: str) -> bytes:
        """Text as it must stand in this body: a macro's lines end in a backslash."""
        return (text.replace("\n", "\\\n") if self.macro else text).encode()

    def newline(self, node: Node) -> str:
        """A line break and the indentation of the line on which a node stands."""
        begin = self.unit.data.rfind(b"\n", 0, self.start(node)) + 1
        blank = re.match(rb"[ \t]*", self.unit.data[begin:])
        return "\n" + (blank.group().decode() if blank else "")

    @cached_property
    def calls(self) -> list[Node]:
        """The calls of named functions, in source order."""
        found = walk(self.node, "call_expression")
        return [node for node in found if _child(node, "function").type == "identifier"]

    def callee(self, call: Node) -> str:
        """Name of the called function."""
        return self.text(_child(call, "function"))

    def arguments(self, call: Node) -> list[Node]:
        """Arguments of a call."""
        return [node for node in _child(call, "arguments").named_children if node.type != "comment"]


class Unit:
    """One C file with its bodies."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.root = _PARSER.parse(_blanked(data)).root_node

    @cached_property
    def bodies(self) -> list[Body]:
        """All functions and function-like macros that could be read, in source order."""
        found = [self._function(node) for node in walk(self.root, "function_definition")]
        found += [self._macro(node) for node in walk(self.root, "preproc_function_def")]
        return sorted((body for body in found if body is not None), key=lambda body: body.head)

    def _function(self, node: Node) -> Body | None:
        body, declarator = node.child_by_field_name("body"), node.child_by_field_name("declarator")
        if body is None or declarator is None or _unreadable(body):
            return None
        stars = 0
        while declarator is not None and declarator.type == "pointer_declarator":
            stars += 1
            declarator = declarator.child_by_field_name("declarator")
        if declarator is None or declarator.type != "function_declarator":
            return None
        name = declarator.child_by_field_name("declarator")
        result = node.child_by_field_name("type")
        if name is None or name.type != "identifier" or result is None:
            return None
        parameters = []
        for parameter in walk(declarator, "parameter_declaration"):
            names = [self._text(leaf) for leaf in walk(parameter, "identifier")]
            parameters.append((names[-1] if names else "", self._text(parameter)))
        returned = self._text(result) + (" " + "*" * stars if stars else "")
        return Body(self, self._text(name), False, body, 0, node.start_byte, node.end_byte, tuple(parameters), returned)

    def _text(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _macro(self, node: Node) -> Body | None:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        match = _MACRO_HEAD.match(self.data, node.start_byte)
        if name is None or value is None or match is None or b"/*" in self.data[value.start_byte : value.end_byte]:
            return None
        prefix = b"void f(void) {"
        text = self.data[value.start_byte : value.end_byte].replace(b"\\\n", b" \n")
        root = _PARSER.parse(prefix + text + b"\n;}").root_node
        if root.has_error:
            return None
        inside = self.data[match.start() : match.end()].decode()
        names = [part.strip() for part in inside[inside.index("(") + 1 : -1].split(",")]
        body = next(walk(root, "compound_statement"))
        return Body(
            self,
            self.data[name.start_byte : name.end_byte].decode(),
            True,
            body,
            value.start_byte - len(prefix),
            node.start_byte,
            value.end_byte,
            tuple((part, "") for part in names),
        )


def _unreadable(body: Node) -> bool:
    """Whether more is wrong than a type handed to a macro, as in ``container_of(p, struct page, lru)``."""
    return any(
        node.is_missing or (node.is_error and (node.parent is None or node.parent.type != "argument_list"))
        for node in walk(body)
    )


def _child(node: Node, field: str) -> Node:
    found = node.child_by_field_name(field)
    assert found is not None, field
    return found
