"""Following all paths of one function: statements and expressions.

States that cannot be told apart are followed once, so that loops end and
branches that have nothing to do with tables cost nothing. What functions do
to tables is in :mod:`reviewbot.checks.pgtable.calls`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from reviewbot.checks.c.source import Piece, Source
from reviewbot.checks.c.tree import Expr, Graph, Node, joins, names_ahead
from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.calls import Calls
from reviewbot.checks.pgtable.conditions import Conditions
from reviewbot.checks.pgtable.knowledge import Knowledge
from reviewbot.checks.pgtable.state import FALSE, NULL, TRUE, UNKNOWN, Outcome, State, Step, Value
from reviewbot.findings import Evidence

#: bounds on one function: what they cut off is reported
MAX_STATES = 1500
MAX_COARSE_STATES = 4000
MAX_SECONDS = 20.0
MAX_OUTCOMES = 24
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*")
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")

Ways = list[tuple[State, Value]]


@dataclass(slots=True)
class Report:
    """What one function showed: its events, how it may end, and what was not followed.

    ``gave_up`` says why not all paths were followed; ``vague`` that there are more ends than are told apart;
    ``coarse`` that tests of anything but tables and their levels were taken to be independent of each other.
    """

    piece: Piece
    steps: list[Step]
    outcomes: set[Outcome]
    gave_up: str = ""
    vague: bool = False
    coarse: bool = False
    graph: Graph | None = None


class Walk:
    """One run through one variant of a function."""

    def __init__(
        self,
        piece: Piece,
        source: Source,
        graph: Graph,
        program: Knowledge,
        condition: str = "",
        *,
        coarse: bool = False,
    ) -> None:
        self.coarse = coarse
        self.piece = piece
        self.source = source
        self.graph = graph
        self.program = program
        self.condition = condition
        self.report = Report(piece, [], set(), coarse=coarse, graph=graph)
        self.parameters = {parameter.name: index for index, parameter in enumerate(piece.parameters)}
        self.types = {parameter.name: parameter.type for parameter in piece.parameters if parameter.type}
        self.types.update(graph.types)
        self._deadline = time.monotonic() + MAX_SECONDS
        self._budget = MAX_COARSE_STATES if coarse else MAX_STATES
        self._conditions = Conditions(self)
        self._calls = Calls(self)
        self.initialising = ""  #: the variable whose declaration is being evaluated

    def run(self) -> Report:
        """Follow all paths."""
        state = State()
        for condition in (self.piece.condition, self.condition):
            state.assume(condition)
        for name in self.parameters:
            state.env[name] = Value("object", f"param:{name}", self.form(name))
            if level := words.level_of_type(self.types.get(name, "")):
                state.update(f"param:{name}", level=level, origin="param")
        for end, value, line in self._follow(self.graph, state):
            self._leave(end, value, line)
        return self.report

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

    # Statements

    def _follow(self, graph: Graph, state: State) -> Iterator[tuple[State, Value | None, int]]:
        """Yield the states in which a graph is left: by return (with the value), or at its end (value None)."""
        waiting = [(graph.entry, state)]
        seen: set[tuple[object, ...]] = set()
        meeting = joins(graph)
        live = names_ahead(graph) if graph is self.graph else None
        while waiting:
            index, state = waiting.pop()
            if index < 0:
                yield state, None, 0
                continue
            if meeting[index] > 1:
                if live is not None:
                    state.prune(live[index], self.parameters)
                key = (index, *state.key)
                if key in seen:
                    continue
                seen.add(key)
            self._budget -= 1
            if self._budget < 0 or time.monotonic() > self._deadline:
                self.report.gave_up = "it has too many paths"
                return
            node = graph.nodes[index]
            if node.kind == "return":
                ways = self.eval(node.expr, state) if node.expr is not None else [(state, Value("void"))]
                for end, value in ways:
                    yield end, value, node.line
            else:
                waiting.extend(self._step(node, state))

    def _step(self, node: Node, state: State) -> list[tuple[int, State]]:
        if node.kind == "branch" and node.expr is not None:
            return [(node.then if truth else node.other, after) for after, truth in self.test(node.expr, state)]
        if node.kind == "end" or node.expr is None:
            return [(node.then, state)]
        return [(node.then, after) for after, _ in self.eval(node.expr, state)]

    # Expressions

    def eval(self, expr: Expr, state: State) -> Ways:
        """Evaluate an expression on one path; the state may be changed in place when there is one way."""
        handler = _EVAL.get(expr.kind)
        return handler(self, expr, state) if handler else self._parts(expr, state)

    def eval_all(self, exprs: Iterable[Expr], state: State) -> list[tuple[State, list[Value]]]:
        """Evaluate expressions from left to right."""
        ways: list[tuple[State, list[Value]]] = [(state, [])]
        for expr in exprs:
            ways = [(after, [*got, value]) for before, got in ways for after, value in self.eval(expr, before)]
        return ways

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
            if value is None:
                value = Value("object", f"place:{path}", self._element_form(expr))
            elif value.kind == "object" and after.table(value.name).null == "yes":
                value = NULL
            del values
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
        condition, then, other = expr.parts
        ways: Ways = []
        for after, truth in self.test(condition, state):
            ways.extend(self.eval(then if truth else other, after))
        return ways

    def _comma(self, expr: Expr, state: State) -> Ways:
        return [(after, values[-1]) for after, values in self.eval_all(expr.parts, state)]

    def _block(self, expr: Expr, state: State) -> Ways:
        if expr.block is None:
            return [(state, UNKNOWN)]
        ways: Ways = []
        for after, value, line in self._follow(expr.block, state):
            if value is not None:
                self._leave(after, value, line)
            elif expr.block.value is not None:
                ways.extend(self.eval(expr.block.value, after))
            else:
                ways.append((after, UNKNOWN))
        return ways

    def _increment(self, expr: Expr, state: State) -> Ways:
        target = expr.parts[0].bare()
        for name in target.names:
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
                    self._calls.store_root(end, expr, value)
                self._store(end, target, value, expr.text)
                ways.append((end, value))
        return ways

    def _is_mm(self, target: Expr) -> bool:
        holder = target.parts[0].canonical.removeprefix("&")
        return "mm_struct" in self.types.get(holder, "") or holder.rpartition(".")[2] in ("mm", "vm_mm")

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
        local = target.kind == "name" and (target.text in self.types or target.text in self.parameters)
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

    def test(self, expr: Expr, state: State) -> list[tuple[State, bool]]:
        """Split a path by the truth of a condition; see :mod:`reviewbot.checks.pgtable.conditions`."""
        return self._conditions.test(expr, state)

    def call(self, expr: Expr, state: State) -> Ways:
        """Evaluate a call; see :mod:`reviewbot.checks.pgtable.calls`."""
        return self._calls.call(expr, state)

    # Events and ends

    def evidence(self, line: int, what: str) -> Evidence:
        """One step of a path: what happens, and the text of the line."""
        return Evidence(self.piece.path, line, f"{what}: {self.source.line_text(line)}")

    def emit(self, step: Step) -> None:
        """Record an event."""
        self.report.steps.append(step)

    def _leave(self, state: State, value: Value | None, line: int) -> None:
        value = value or Value("void")
        if value.kind == "ctor" and state.table(value.name).result == "pending":
            name, inverted = value.name, value.form == "not"
            state.update(name, delegated=True)
            for truth in (True, False):
                way = state.copy()
                way.update(name, result="ok" if truth else "failed")
                self._end(way, TRUE if truth != inverted else FALSE, line)
            return
        self._end(state, value, line)

    def _end(self, state: State, value: Value, line: int) -> None:
        for name, table in state.tables.items():
            if table.untouched:
                continue
            returned = value.kind == "object" and value.name == name and table.null != "yes"
            self.emit(
                Step(
                    "return",
                    line,
                    "",
                    name,
                    table.level,
                    table,
                    state.history.get(name, ()),
                    tuple(sorted(state.known.items())),
                    "returned" if returned else "",
                    (),
                    value.kind if value.kind != "const" else value.name,
                    self.condition,
                )
            )
        outcome = self._calls.ends.outcome(state, value)
        if len(self.report.outcomes) < MAX_OUTCOMES or outcome in self.report.outcomes:
            self.report.outcomes.add(outcome)
        else:
            self.report.vague = True


def _listed(expr: Expr) -> tuple[Expr, ...]:
    """The expressions between commas."""
    return (*_listed(expr.parts[0]), expr.parts[1]) if expr.kind == "comma" else (expr,)


_EVAL: dict[str, Callable[[Walk, Expr, State], Ways]] = {
    "const": Walk._const,
    "name": Walk._name,
    "field": Walk._place,
    "deref": Walk._place,
    "index": Walk._place,
    "addr": Walk._address,
    "cast": Walk._cast,
    "arith": Walk._arith,
    "not": Walk._not,
    "and": Walk._truth,
    "or": Walk._truth,
    "compare": Walk._truth,
    "choice": Walk._choice,
    "comma": Walk._comma,
    "block": Walk._block,
    "step": Walk._increment,
    "assign": Walk._assign,
    "call": Walk.call,
}
