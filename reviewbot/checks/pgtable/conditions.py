"""Splitting a path by what a test says: NULL or not, constructed or failed, this level or another."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from reviewbot.checks.c.tree import Expr
from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.questions import asked_of
from reviewbot.checks.pgtable.state import UNKNOWN, State, Value, is_zero

if TYPE_CHECKING:
    from reviewbot.checks.pgtable.walk import Walk


#: parameters that say what a table is for
_FLAG = re.compile(r"param:(?:kernel|user|(?:is_|for_)?(?:vmemmap|early|boot|reserved))")


class Conditions:
    """The tests of one walk."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._tested = self._tested_paths()

    def _tested_paths(self) -> Counter[str]:
        """Count how often each place is compared or tested in the function, by whatever name."""
        counts: Counter[str] = Counter()
        waiting = [node.expr for node in self._walk.graph.nodes if node.expr is not None]
        while waiting:
            expr = waiting.pop()
            if expr.kind == "compare":
                counts[expr.parts[0].bare().canonical] += 1
            elif expr.kind in ("call", "field", "name"):
                counts[expr.canonical] += 1
            if (asked := self._question(expr)) is not None:
                waiting.append(asked)
            waiting.extend(expr.parts)
        return counts

    def _is_global(self, name: str) -> bool:
        """``pgtable_l5_enabled()``: a question without arguments, about the machine."""
        known = name in self._walk.types or name in words.STOPS or name in words.ALLOCATORS
        return not known and self._walk.program.summary(name, self._walk.piece.path) is None

    def _question(self, expr: Expr) -> Expr | None:
        """What a call asks, where the function that it calls does nothing else."""
        known = self._walk.program.question(expr.callee, self._walk.piece.path) if expr.callee else None
        return asked_of(*known, expr) if known is not None else None

    def test(self, expr: Expr, state: State) -> list[tuple[State, bool]]:
        """Split a path by the truth of a condition."""
        expr = expr.bare()
        if expr.kind == "not":
            return [(after, not truth) for after, truth in self.test(expr.parts[0], state)]
        if expr.kind in ("and", "or"):
            stop = expr.kind == "or"
            ways = []
            for after, truth in self.test(expr.parts[0], state):
                ways += [(after, truth)] if truth == stop else self.test(expr.parts[1], after)
            return self._walk.bounded(ways)
        if expr.kind == "compare":
            return self._compare(expr, state)
        if expr.kind == "call" and expr.callee in words.VALUES_OF_TEST and len(expr.parts) > 1:
            return self.test(expr.parts[1], state)
        if expr.kind == "call" and expr.callee in words.IS_ERROR and len(expr.parts) > 1:
            return [(after, not truth) for after, truth in self.test(expr.parts[1], state)]
        if expr.kind == "call" and len(expr.parts) == 1 and expr.callee and self._is_global(expr.callee):
            return self._split_global(expr.canonical, state)
        if (asked := self._question(expr)) is not None:
            return self.test(asked, state)
        if expr.kind == "arith":
            return [
                pair for after, _ in self._walk.eval(expr, state) for pair in self.split(UNKNOWN, after, expr.canonical)
            ]
        if expr.kind == "comma":
            return [
                pair for after, _ in self._walk.eval(expr.parts[0], state) for pair in self.test(expr.parts[1], after)
            ]
        return [
            pair for after, value in self._walk.eval(expr, state) for pair in self.split(value, after, expr.canonical)
        ]

    def split(self, value: Value, state: State, text: str = "") -> list[tuple[State, bool]]:
        """Split a path by whether a value is zero."""
        zero = is_zero(value)
        if zero is not None:
            return [(state, not zero)]
        if value.kind == "ctor":
            return self._split_result(value, state)
        if value.kind == "object":
            return self._split_null(value.name, state, text)
        if value.kind == "const":
            return self._split_global(value.name, state)
        again = self._tested[text] > 1 and not self._walk.coarse
        known = state.decided(text, "") if again else None
        if known is not None:
            return [(state, known)]
        ways = [(state, True), (state.copy(), False)]
        if again:
            for after, truth in ways:
                after.decide(text, "", truth)
        return ways

    def _split_global(self, name: str, state: State) -> list[tuple[State, bool]]:
        """A constant or condition of the configuration: the same answer in every function of a path."""
        known = state.known.get("#" + name)
        if known is not None:
            return [(state, known)]
        other = state.copy()
        state.known["#" + name], other.known["#" + name] = True, False
        return [(state, True), (other, False)]

    def _split_result(self, value: Value, state: State) -> list[tuple[State, bool]]:
        inverted = value.form == "not"
        table = state.table(value.name)
        if table.result in ("ok", "failed", "sure"):
            return [(state, (table.result != "failed") != inverted)]
        failed = state.copy()
        state.update(value.name, result="ok")
        failed.update(value.name, result="failed")
        return [(state, not inverted), (failed, inverted)]

    def _split_null(self, name: str, state: State, text: str) -> list[tuple[State, bool]]:
        table = state.table(name)
        if table.null in ("yes", "no"):
            return [(state, table.null == "no")]
        other = state.copy()
        if name.startswith(("place:", "call:")) and table.untouched and (self._walk.coarse or self._tested[text] < 2):
            return [(state, True), (other, False)]
        state.update(name, null="no")
        other.update(name, null="yes")
        if _FLAG.fullmatch(name):  # whose table it is
            flag = name.removeprefix("param:") + "?"
            state.known[flag], other.known[flag] = True, False
        return [(state, True), (other, False)]

    def _compare(self, expr: Expr, state: State) -> list[tuple[State, bool]]:
        ways: list[tuple[State, bool]] = []
        for after, (left, right) in self._walk.eval_all(expr.parts, state):
            ways.extend(self._compare_values(expr, left, right, after))
        return ways

    def _compare_values(self, expr: Expr, left: Value, right: Value, state: State) -> list[tuple[State, bool]]:
        if left.kind in ("const", "null") and right.kind not in ("const", "null"):
            left, right = right, left
            expr = Expr(expr.kind, expr.text, expr.parts[::-1], expr.line)
        equal = expr.text == "=="
        if expr.text in ("==", "!="):
            if right.kind == "null" or (right.kind == "const" and right.name in words.NO_MEMORY | {"false"}):
                return [(after, truth != equal) for after, truth in self.split(left, state, expr.parts[0].canonical)]
            if left.kind == "ctor" and right.name in ("true", "1"):
                return [(after, truth == equal) for after, truth in self.split(left, state)]
            return [(after, truth == equal) for after, truth in self._same(expr, left, right, state)]
        if left.kind == "const" and right.kind == "const" and right.name == "0":
            if left.name.startswith("-"):
                return [(state, expr.text in ("<", "<="))]
            if is_zero(left):
                return [(state, expr.text in ("<=", ">="))]
        return self._ordered(expr, state)

    def _ordered(self, expr: Expr, state: State) -> list[tuple[State, bool]]:
        """Split a path by ``mm->limit <= SIZE``: what an mm says of its size chooses levels, and is remembered."""
        place, bound = (part.bare() for part in expr.parts)
        operator = {"<": "<", ">=": "<", "<=": "<=", ">": "<="}[expr.text]
        root = next(iter(place.names)) if place.kind == "field" and len(place.names) == 1 else ""
        if (
            self._walk.coarse
            or "mm_struct" not in self._walk.types.get(root, "")
            or bound.kind not in ("name", "const")
        ):
            return [(state, True), (state.copy(), False)]
        text = f"{place.canonical} {operator} {bound.canonical}"
        inverted = operator != expr.text
        if text in state.known:
            return [(state, state.known[text] != inverted)]
        other = state.copy()
        state.known[text], other.known[text] = True, False
        return [(state, not inverted), (other, inverted)]

    def _same(self, expr: Expr, left: Value, right: Value, state: State) -> list[tuple[State, bool]]:
        """Split a path by ``left == right``, remembering it where it is asked again or chooses a level."""
        if left.kind == "const" and right.kind == "const":
            return [(state, left.name == right.name)]
        path, constant = expr.parts[0].bare().canonical, expr.parts[1].bare().canonical
        parameter = left.kind == "object" and left.name.startswith("param:")
        again = self._tested[path] > 1 and not self._walk.coarse
        if not again and not parameter and not words.level_of_constant(constant):
            return [(state, True), (state.copy(), False)]
        known = state.decided(path, constant)
        if known is not None:
            return [(state, known)]
        other = state.copy()
        state.decide(path, constant, True)
        other.decide(path, constant, False)
        return [(state, True), (other, False)]
