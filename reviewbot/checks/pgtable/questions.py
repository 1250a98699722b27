"""Functions that do nothing but ask: ``return mm->context.asce_limit == _REGION3_SIZE;``.

The test means the same to a path whether it is written out or has a name, so
that a name is looked through. Only what compares a place that a parameter
leads to with a constant is: other names say more than what stands behind them.
"""

from __future__ import annotations

from dataclasses import replace

from reviewbot.checks.c.source import Piece
from reviewbot.checks.c.tree import Expr, Graph
from reviewbot.checks.pgtable.sources import graphs

_TESTS = ("and", "or", "not", "compare")
_PLACES = ("name", "const", "field", "deref", "addr", "cast")
#: longer than a question is
_MAX_BODY = 400


def question(piece: Piece) -> tuple[tuple[str, ...], Expr] | None:
    """Return the parameters of a function or macro and the test that it does on them; None when it does more."""
    if not piece.parameters or len(piece.body) > _MAX_BODY:
        return None
    variants = graphs(piece)
    asked = _asked(variants[0][0]) if len(variants) == 1 else None
    if asked is None or not _is_test(asked):
        return None
    names = tuple(parameter.name for parameter in piece.parameters)
    plain = all(name.upper() == name for name in asked.names.difference(names))
    return (names, _replaced(asked, {}, 0)) if plain and _reads_member(asked, names) else None


def asked_of(names: tuple[str, ...], asked: Expr, call: Expr) -> Expr | None:
    """Return a question as the caller would write it, None when the arguments are more than places."""
    given = [part.bare() for part in call.parts[1:]]
    if len(given) != len(names) or not all(_is_place(argument) for argument in given):
        return None
    return _replaced(asked, dict(zip(names, given, strict=True)), call.line)


def _asked(graph: Graph) -> Expr | None:
    """``return TEST;``, or ``if (TEST) return 1; return 0;``."""
    if graph.entry < 0:
        return None
    first = graph.nodes[graph.entry]
    if first.kind == "return" or first.expr is None:
        return first.expr.bare() if first.expr is not None else None
    ends = [graph.nodes[index] if index >= 0 else None for index in (first.then, first.other)]
    values = [end.expr.text if end and end.kind == "return" and end.expr else "" for end in ends]
    return first.expr if first.kind == "branch" and values in (["1", "0"], ["true", "false"]) else None


def _is_test(expr: Expr) -> bool:
    expr = expr.bare()
    if expr.kind == "compare":
        return all(_is_place(part.bare()) for part in expr.parts)
    return expr.kind in _TESTS and all(_is_test(part) for part in expr.parts)


def _is_place(expr: Expr) -> bool:
    return expr.kind in _PLACES and all(_is_place(part) for part in expr.parts)


def _reads_member(expr: Expr, names: tuple[str, ...]) -> bool:
    if expr.kind == "field":
        return not expr.names.isdisjoint(names)
    return any(_reads_member(part, names) for part in expr.parts)


def _replaced(expr: Expr, given: dict[str, Expr], line: int) -> Expr:
    if expr.kind == "name" and expr.text in given:
        return given[expr.text]
    return replace(expr, parts=tuple(_replaced(part, given, line) for part in expr.parts), line=line)
