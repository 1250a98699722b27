"""What the expressions of one function yield on one path, and what assignments change.

The statements around them are followed in :mod:`reviewbot.checks.pgtable.walk`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TypeVar

from reviewbot.checks.c.source import Piece
from reviewbot.checks.c.tree import Expr, Graph
from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.knowledge import Knowledge
from reviewbot.checks.pgtable.state import FALSE, NULL, TRUE, UNKNOWN, State, Value

_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*")
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")

Ways = list[tuple[State, Value]]
Way = TypeVar("Way")
#: through one expression; what they cut off is reported
MAX_WAYS = 256


class Evaluation(ABC):
    """The expressions of one function; a subclass knows calls, tests and statements.

    :ivar parameters: the index of each parameter; ``types`` the declared type of each variable.
    :ivar coarse: whether values of no consequence are forgotten, so that fewer paths differ.
    :ivar initialising: the variable whose declaration is being evaluated.
    :ivar overflowed: whether an expression had more ways than are followed.
    """

    def __init__(self, piece: Piece, graph: Graph, program: Knowledge, *, coarse: bool) -> None:
        self.piece = piece
        self.program = program
        self.coarse = coarse
        self.parameters = {parameter.name: index for index, parameter in enumerate(piece.parameters)}
        self.types = {parameter.name: parameter.type for parameter in piece.parameters if parameter.type}
        self.types.update(graph.types)
        self.initialising = ""
        self.overflowed = False

    @abstractmethod
    def test(self, expr: Expr, state: State) -> list[tuple[State, bool]]:
        """Split a path by the truth of a condition."""

    @abstractmethod
    def split(self, value: Value, state: State, text: str) -> list[tuple[State, bool]]:
        """Split a path by whether a value is zero."""

    @abstractmethod
    def call(self, expr: Expr, state: State) -> Ways:
        """Evaluate a call."""

    @abstractmethod
    def block(self, expr: Expr, state: State) -> Ways:
        """Evaluate a GNU statement expression."""

    @abstractmethod
    def store_root(self, state: State, expr: Expr, value: Value) -> None:
        """Take note that a table becomes the root of an address space."""

    def form(self, name: str) -> str:
        """How a variable names a table, by its type; pgtable_t is one thing here and another there."""
        kind = self.types.get(name, "")
        if "pgtable_t" in kind and "*" not in kind:
            return self.program.pgtable_form(self.piece.path)
        if self.piece.kind == "macro" and self.parameters.get(name) == 1:
            found = re.fullmatch(r"_{0,2}(pte|pmd|pud|p4d)_free_tlb", self.piece.name)
            if found:
                return self.program.pgtable_form(self.piece.path) if found.group(1) == "pte" else "virt"
        return words.form_of_type(kind)

    def eval(self, expr: Expr, state: State) -> Ways:
        """Evaluate an expression on one path; the state may be changed in place when there is one way."""
        handler = _EVAL.get(expr.kind)
        return handler(self, expr, state) if handler else self._parts(expr, state)

    def eval_all(self, exprs: Iterable[Expr], state: State) -> list[tuple[State, list[Value]]]:
        """Evaluate expressions from left to right."""
        ways: list[tuple[State, list[Value]]] = [(state, [])]
        for expr in exprs:
            ways = [(after, [*got, value]) for before, got in ways for after, value in self.eval(expr, before)]
            ways = self.bounded(ways)
        return ways

    def bounded(self, ways: list[Way]) -> list[Way]:
        """Return the ways through an expression, or the first ones and note that there are more than is followed."""
        self.overflowed = self.overflowed or len(ways) > MAX_WAYS
        return ways[:MAX_WAYS]

    def _parts(self, expr: Expr, state: State) -> Ways:
        return [(after, UNKNOWN) for after, _ in self.eval_all(expr.parts, state)]

    def _const(self, expr: Expr, state: State) -> Ways:
        if expr.text in ("NULL", "nullptr"):
            return [(state, NULL)]
        return [(state, Value("const", expr.text))]

    def _name(self, expr: Expr, state: State) -> Ways:
        name = expr.text
        if (value := state.env.get(name)) is not None:
            return [(state, value)]
        if name not in self.types and name not in self.parameters:
            if _CONSTANT.fullmatch(name):
                return [(state, Value("const", name))]
            if self._is_function(name):
                return [(state, Value("function", name))]
        return [(state, Value("object", f"place:{name}", words.form_of_type(self.types.get(name, ""))))]

    def _is_function(self, name: str) -> bool:
        return words.is_primitive(name) or self.program.knows(name, self.piece.path)

    def _place(self, expr: Expr, state: State) -> Ways:
        """A field, an array element or what a pointer points to."""
        path = expr.canonical
        ways = []
        for after, values in self.eval_all([part for part in expr.parts if part.kind != "name"], state):
            value = after.env.get(path)
            if value is None and expr.kind == "index":
                value = after.element(expr.parts[0].canonical, path)
            if value is None:
                value = Value("object", f"place:{path}", self._element_form(expr))
            elif value.kind == "object" and after.table(value.name).null == "yes":
                value = NULL
            for chosen_by in (other for other in values if other.kind == "ctor"):
                after.update(chosen_by.name, delegated=True)
            ways.append((after, value))
        return ways

    def _element_form(self, expr: Expr) -> str:
        base = expr.parts[0].bare()
        if expr.kind == "index" and base.kind == "name":
            return words.form_of_type(re.sub(r"(\*|\[\])$", "", self.types.get(base.text, "")).strip())
        return ""

    def _address(self, expr: Expr, state: State) -> Ways:
        inner = expr.parts[0].bare()
        if inner.kind in ("field", "index"):
            holder = inner.parts[0].bare()
            ways = []
            for after, value in self.eval(holder, state):
                if value.kind == "object" and (inner.kind == "field" or value.name in after.tables):
                    ways.append((after, Value("object", value.name, "inner")))
                else:
                    ways.append((after, Value("address", inner.canonical)))
            return ways
        return [
            (after, value if value.kind == "function" else Value("address", inner.canonical))
            for after, value in self.eval(inner, state)
        ]

    def _cast(self, expr: Expr, state: State) -> Ways:
        if _PLAIN_NAME.fullmatch(expr.text) and self._is_function(expr.text):
            callee = Expr("name", expr.text, (), expr.line)  # (free_page)(address) reads like a cast
            return self.call(Expr("call", expr.text, (callee, *_listed(expr.parts[0])), expr.line), state)
        form = words.form_of_type(expr.text)
        ways = []
        for after, value in self.eval(expr.parts[0], state):
            if value.kind == "object" and form == "virt" and value.form not in ("page", "desc", "folio"):
                value = value._replace(form="virt")
            ways.append((after, value))
        return ways

    def _arith(self, expr: Expr, state: State) -> Ways:
        ways = []
        for after, values in self.eval_all(expr.parts, state):
            value = values[0]
            if value.kind == "object" and expr.text in ("+", "-", "&", "|", ">>", "<<", "^"):
                form = {">>": "pfn", "<<": "phys"}.get(expr.text, value.form)
                value = value._replace(form=form)
            else:
                value = UNKNOWN
            ways.append((after, value))
        return ways

    def _truth(self, expr: Expr, state: State) -> Ways:
        return [(after, TRUE if truth else FALSE) for after, truth in self.test(expr, state)]

    def _not(self, expr: Expr, state: State) -> Ways:
        inner = expr.parts[0].bare()
        if inner.kind == "call" and self.program.constructor(inner.callee, self.piece.path):
            flip = {"": "not", "not": ""}
            return [
                (after, value._replace(form=flip[value.form]) if value.kind == "ctor" else UNKNOWN)
                for after, value in self.eval(inner, state)
            ]
        return self._truth(expr, state)

    def _choice(self, expr: Expr, state: State) -> Ways:
        condition, *then, other = expr.parts
        ways: Ways = []
        if not then:
            for after, value in self.eval(condition, state):
                for end, truth in self.split(value, after, condition.canonical):
                    ways.extend([(end, value)] if truth else self.eval(other, end))
            return self.bounded(ways)
        for after, truth in self.test(condition, state):
            ways.extend(self.eval(then[0] if truth else other, after))
        return self.bounded(ways)

    def _comma(self, expr: Expr, state: State) -> Ways:
        return [(after, values[-1]) for after, values in self.eval_all(expr.parts, state)]

    def _increment(self, expr: Expr, state: State) -> Ways:
        target = expr.parts[0].bare()
        for name in sorted(target.names):
            state = state.copy()
            state.forget(name)
            value = state.env.get(name)
            if value is not None and value.kind != "object":
                state.env.pop(name)
            if value is not None and value.name == f"param:{name}":
                state.env[name] = Value("object", f"place:{name}", value.form)
        return [(state, UNKNOWN)]

    def _assign(self, expr: Expr, state: State) -> Ways:
        target, source = expr.parts[0].bare(), expr.parts[1]
        self.initialising = target.text if expr.text == "init" else ""
        evaluated = self.eval(source, state)
        self.initialising = ""
        ways: Ways = []
        for after, value in evaluated:
            for end, _ in self.eval_all(target.parts if target.kind == "index" else (), after):
                end = end.copy()
                if (
                    target.kind == "field"
                    and target.text == "pgd"
                    and value.name.startswith("alloc:")
                    and self._is_mm(target)
                ):
                    self.store_root(end, expr, value)
                self._store(end, target, value, expr.text)
                ways.append((end, value))
        return ways

    def _is_mm(self, target: Expr) -> bool:
        holder = target.parts[0].canonical.removeprefix("&")
        return "mm_struct" in self.types.get(holder, "") or holder.rpartition(".")[2] in ("mm", "vm_mm")

    def _is_local(self, target: Expr) -> bool:
        """Whether a place is a variable of this function, or a member of one that is no pointer."""
        if target.kind == "name":
            return target.text in self.types or target.text in self.parameters
        holder = target
        while holder.kind == "field":
            holder = holder.parts[0].bare()
        kind = self.types.get(holder.text, "") if holder.kind == "name" and holder.text not in self.parameters else ""
        return bool(kind) and not re.search(r"[*\[]|\bstatic\b|_t$", kind)

    def _store(self, state: State, target: Expr, value: Value, operator: str) -> None:
        path = target.canonical
        if operator not in ("=", "init"):
            if value.kind == "ctor":
                state.env[path] = value
            elif (old := state.env.get(path)) is None or old.kind != "object":
                state.env.pop(path, None)
            return
        if target.kind == "name":
            state.forget(target.text)
        else:
            for known in [text for text in state.known if text.startswith(path + " ")]:
                del state.known[known]
        local = self._is_local(target)
        if not local and value.kind == "object" and value.name in state.tables:
            state.update(value.name, escaped=True)
        if not local and value.kind == "ctor":
            state.update(value.name, delegated=True)
        dull = self.coarse and value.name.startswith(("call:", "place:")) and value.name not in state.tables
        if value.kind == "unknown" or dull or (value.kind == "object" and value.name == f"place:{path}"):
            state.env.pop(path, None)
            if target.kind == "name" and target.text in self.parameters:
                state.env[path] = Value("object", f"place:{path}", words.form_of_type(self.types.get(path, "")))
            return
        if value.kind == "object" and not value.form and target.kind == "name":
            value = value._replace(form=words.form_of_type(self.types.get(target.text, "")))
        state.env[path] = value


def _listed(expr: Expr) -> tuple[Expr, ...]:
    """The expressions between commas."""
    return (*_listed(expr.parts[0]), expr.parts[1]) if expr.kind == "comma" else (expr,)


_EVAL: dict[str, Callable[[Evaluation, Expr, State], Ways]] = {
    "const": Evaluation._const,
    "name": Evaluation._name,
    "field": Evaluation._place,
    "deref": Evaluation._place,
    "index": Evaluation._place,
    "addr": Evaluation._address,
    "cast": Evaluation._cast,
    "arith": Evaluation._arith,
    "not": Evaluation._not,
    "and": Evaluation._truth,
    "or": Evaluation._truth,
    "compare": Evaluation._truth,
    "choice": Evaluation._choice,
    "comma": Evaluation._comma,
    "block": lambda evaluation, expr, state: evaluation.block(expr, state),
    "step": Evaluation._increment,
    "assign": Evaluation._assign,
    "call": lambda evaluation, expr, state: evaluation.call(expr, state),
}
