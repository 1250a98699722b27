"""The small language into which C is lowered: expressions, and a graph of statements.

Only what an analysis of objects needs is kept. Expressions are immutable and
print in one canonical form, so that two spellings of the same place
(``p->x`` and ``(*p).x``) compare equal.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property, lru_cache


@dataclass(frozen=True)
class Expr:
    """An expression.

    :ivar kind: ``name const call field deref addr index not and or compare choice assign
        comma cast arith step block opaque``.
    :ivar text: the name, constant, field, operator or type; ``init`` for the assignment of a declaration.
    :ivar parts: the operands, left to right; for a call the callee comes first.
    :ivar line: where it is written, from 1.
    :ivar block: the graph of a GNU statement expression.
    """

    kind: str
    text: str = ""
    parts: tuple[Expr, ...] = ()
    line: int = 0
    block: Graph | None = field(default=None, compare=False, hash=False)

    @cached_property
    def canonical(self) -> str:
        """One text for the same expression, without casts and parentheses."""
        return _canonical(self)

    @cached_property
    def names(self) -> frozenset[str]:
        """All identifiers in it, without called functions and fields."""
        if self.kind == "name":
            return frozenset((self.text,))
        parts = self.parts[1:] if self.kind == "call" and self.parts[0].kind == "name" else self.parts
        return frozenset().union(*(part.names for part in parts))

    @property
    def callee(self) -> str:
        """The name of the called function, "" when it is not a plain name."""
        return self.parts[0].text if self.kind == "call" and self.parts[0].kind == "name" else ""

    def bare(self) -> Expr:
        """The expression below casts."""
        return self.parts[0].bare() if self.kind == "cast" else self


def _canonical(expr: Expr) -> str:
    parts = [part.canonical for part in expr.parts]
    match expr.kind:
        case "name" | "const":
            return expr.text
        case "call":
            return f"{parts[0]}({', '.join(parts[1:])})"
        case "field":
            return f"{parts[0].removeprefix('*')}.{expr.text}"
        case "deref":
            return parts[0][1:] if parts[0].startswith("&") else "*" + parts[0]
        case "addr":
            return parts[0][1:] if parts[0].startswith("*") else "&" + parts[0]
        case "index":
            return f"{parts[0]}[{parts[1]}]"
        case "not":
            return f"!{parts[0]}"
        case "cast":
            return parts[0]
        case "opaque" | "block":
            return f"<{expr.text[:80]}>"
        case _:
            return f"({f' {expr.text} '.join(parts)})"


@dataclass(slots=True)
class Node:
    """One step of a function: ``eval`` an expression, ``branch`` on one, or ``return``.

    ``then`` is the index of the next node, ``other`` that of the false branch; -1 is the end.
    """

    kind: str
    expr: Expr | None
    line: int
    then: int = -1
    other: int = -1


@dataclass(slots=True)
class Graph:
    """The statements of a function body. ``value`` is what a statement expression yields."""

    nodes: list[Node] = field(default_factory=list)
    entry: int = -1
    value: Expr | None = None
    types: dict[str, str] = field(default_factory=dict)
    errors: list[tuple[int, str]] = field(default_factory=list)


def _all_names(expr: Expr | None) -> frozenset[str]:
    """All identifiers of an expression, also in its statement expressions."""
    if expr is None:
        return frozenset()
    found = identifiers(expr.canonical) | frozenset().union(*(_all_names(part) for part in expr.parts))
    if expr.block is not None:
        found |= frozenset().union(*(_all_names(node.expr) for node in expr.block.nodes))
        found |= _all_names(expr.block.value)
    return found


def joins(graph: Graph) -> Counter[int]:
    """Count the ways into each node: paths can only meet where there are several."""
    ways = Counter((graph.entry,))
    for node in graph.nodes:
        ways.update((node.then, node.other) if node.kind == "branch" else (node.then,))
    return ways


def names_ahead(graph: Graph) -> list[frozenset[str]]:
    """For each node, the identifiers that occur in it or in any node that can follow."""
    ahead = [_all_names(node.expr) for node in graph.nodes]
    changed = True
    while changed:
        changed = False
        for index, node in enumerate(graph.nodes):
            following = {after for after in (node.then, node.other) if after >= 0}
            more = ahead[index].union(*(ahead[after] for after in following))
            if len(more) > len(ahead[index]):
                ahead[index], changed = more, True
    return ahead


_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


@lru_cache(maxsize=16384)
def identifiers(text: str) -> frozenset[str]:
    """All identifiers in a text."""
    return frozenset(_IDENTIFIER.findall(text))
