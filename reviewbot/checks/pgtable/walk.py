"""Following all paths of one function, statement by statement.

States that cannot be told apart are followed once, so that loops end and
branches that have nothing to do with tables cost nothing. What expressions yield
is in :mod:`reviewbot.checks.pgtable.evaluation`, what functions do to tables in
:mod:`reviewbot.checks.pgtable.calls`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reviewbot.checks.c.source import Piece, Source
from reviewbot.checks.c.tree import Expr, Graph, Node, joins, names_ahead
from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.calls import Calls
from reviewbot.checks.pgtable.conditions import Conditions
from reviewbot.checks.pgtable.evaluation import Evaluation, Ways
from reviewbot.checks.pgtable.knowledge import Handed, Knowledge
from reviewbot.checks.pgtable.state import EACH, FALSE, TRUE, UNKNOWN, Outcome, State, Step, Value
from reviewbot.findings import Evidence

#: bounds on one function: what they cut off is reported
MAX_STATES = 1500
MAX_COARSE_STATES = 4000
#: so many entries of a state take as much time and memory as another state
LARGE_STATE = 100
MAX_OUTCOMES = 24


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


class Walk(Evaluation):
    """One run through one variant of a function."""

    def __init__(
        self,
        piece: Piece,
        source: Source,
        graph: Graph,
        program: Knowledge,
        condition: str = "",
        handed: Handed = (),
        *,
        coarse: bool = False,
    ) -> None:
        super().__init__(piece, graph, program, coarse=coarse)
        self.source = source
        self.graph = graph
        self.condition = condition
        self._handed = dict(handed)
        self.report = Report(piece, [], set(), coarse=coarse, graph=graph)
        self.spent = 0  #: how many states were followed; a large one counts for several
        self._budget = MAX_COARSE_STATES if coarse else MAX_STATES
        self._conditions = Conditions(self)
        self._calls = Calls(self)

    def run(self) -> Report:
        """Follow all paths."""
        state = State()
        for condition in (self.piece.condition, self.condition):
            state.assume(condition)
        for name, index in self.parameters.items():
            state.env[name] = Value("object", f"param:{name}", self.form(name))
            if index in self._handed:
                state.env[name] = Value("function", self._handed[index])
            if level := words.level_of_type(self.types.get(name, "")):
                state.update(f"param:{name}", level=level, origin="param")
        for end, value, line in self._follow(self.graph, state):
            self._leave(end, value, line)
        return self.report

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
            self.spent += 1 + state.size // LARGE_STATE
            if self.spent > self._budget or self.overflowed:
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

    def block(self, expr: Expr, state: State) -> Ways:
        """Evaluate a GNU statement expression: a graph of its own."""
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

    def test(self, expr: Expr, state: State) -> list[tuple[State, bool]]:
        """Split a path by the truth of a condition; see :mod:`reviewbot.checks.pgtable.conditions`."""
        return self._conditions.test(expr, state)

    def split(self, value: Value, state: State, text: str) -> list[tuple[State, bool]]:
        """Split a path by whether a value is zero."""
        return self._conditions.split(value, state, text)

    def call(self, expr: Expr, state: State) -> Ways:
        """Evaluate a call; see :mod:`reviewbot.checks.pgtable.calls`."""
        return self._calls.call(expr, state)

    def store_root(self, state: State, expr: Expr, value: Value) -> None:
        """Take note that a table becomes the root of an address space."""
        self._calls.store_root(state, expr, value)

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
            if table.untouched or name.startswith(EACH):
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
