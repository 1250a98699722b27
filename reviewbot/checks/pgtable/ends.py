"""How functions end: taking over what a callee does to tables, and telling a caller what this one does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reviewbot.checks.c.tree import Expr
from reviewbot.checks.pgtable.state import (
    FALSE,
    NULL,
    TRUE,
    UNKNOWN,
    Effect,
    Guard,
    Outcome,
    State,
    Stored,
    Table,
    Value,
    is_zero,
)
from reviewbot.findings import Evidence

if TYPE_CHECKING:
    from reviewbot.checks.pgtable.calls import Calls
    from reviewbot.checks.pgtable.evaluation import Ways
    from reviewbot.checks.pgtable.walk import Walk


#: ``*out`` and ``ctx.pt``: what a caller can reach by an argument
_BY_ARGUMENT = re.compile(r"\*(?P<pointer>\w+)|(?P<holder>\w+)(?P<member>(?:\.\w+)+)")


class Ends:
    """The summaries that one walk uses, and the one that it makes."""

    def __init__(self, calls: Calls, walk: Walk) -> None:
        self._calls = calls
        self._walk = walk
        self._program = walk.program

    def apply(self, expr: Expr, name: str, summary: Sequence[Outcome], values: list[Value], state: State) -> Ways:
        """Take over each way in which a callee may end."""
        made = any(outcome.fresh for outcome in summary)
        touched = {
            index for outcome in summary for index, effect in outcome.effects if effect.freed or effect.destroyed
        }
        ways: Ways = []
        for outcome in summary:
            if made and outcome.value == "null" and not outcome.effects:
                continue
            after = state.copy()
            if not self._holds(outcome, expr, values, after):
                continue
            for index, effect in outcome.effects:
                if index < len(values):
                    self._effect(after, expr, name, values[index], effect, outcome.trail)
            for index in touched - {index for index, _ in outcome.effects}:
                if index < len(values):
                    self._calls.lend(after, values[index])  # the callee may have kept it for a reason of its own
            for stored in outcome.stored:
                if stored.argument < len(values):
                    self._receive(after, expr, name, stored, outcome.trail)
            ways.append((after, self._result(outcome, expr, name, values, after, summary)))
        return ways or [(state, UNKNOWN)]

    def _holds(self, outcome: Outcome, expr: Expr, values: list[Value], state: State) -> bool:
        return all(self._guard_holds(guard, expr, values, state) for guard in sorted(outcome.guards))

    def _guard_holds(self, guard: Guard, expr: Expr, values: list[Value], state: State) -> bool:
        if guard.argument >= len(values):
            return True
        if guard.argument < 0:
            return state.known.setdefault(guard.constant, guard.holds) == guard.holds
        value = values[guard.argument]
        if not guard.constant:
            return _truth_holds(value, guard.holds, state)
        if value.kind in ("const", "null"):
            return (value.name == guard.constant) == guard.holds
        path = expr.parts[guard.argument + 1].bare().canonical
        known = state.decided(path, guard.constant)
        if known is None:
            state.decide(path, guard.constant, guard.holds)
        return known is None or known == guard.holds

    def _effect(
        self, state: State, expr: Expr, name: str, value: Value, effect: Effect, trail: tuple[Evidence, ...]
    ) -> None:
        place = value.name if value.kind == "address" else ""
        if place:
            value = state.env.get(place, value)
        if value.kind != "object":
            return
        if (effect.ctor or effect.destroyed or effect.freed) and trail:
            state.note(value.name, self._walk.evidence(expr.line, "calls"))
            for step in trail:
                state.note(value.name, step)
        if effect.ctor:
            self._calls.emit(state, expr, "ctor", name, value.name, effect.ctor, value.form)
            state.update(value.name, ctor=effect.ctor, result=effect.result, destroyed="")
        if effect.installed:
            self._calls.emit(state, expr, "install", name, value.name, effect.installed, value.form)
            state.update(value.name, installed=effect.installed, escaped=True)
        if effect.destroyed:
            self._calls.destroy(state, expr, name, self._program.level_of_dtor(effect.destroyed), value)
        if effect.freed and state.table(value.name).null != "yes":
            self._calls.emit(
                state, expr, "queue" if effect.queued else "free", name, value.name, "", "by " + effect.freed
            )
            state.update(value.name, freed=effect.freed, queued=effect.queued)

    def _receive(self, state: State, expr: Expr, name: str, stored: Stored, trail: tuple[Evidence, ...]) -> None:
        """A callee left a table where an argument points to."""
        argument = expr.parts[stored.argument + 1].bare()
        if argument.kind not in ("addr", "name", "field"):
            return
        pointed = argument.parts[0].bare().canonical if argument.kind == "addr" else argument.canonical
        local = argument.kind == "addr" and pointed in self._walk.types and pointed not in self._walk.parameters
        star = "" if argument.kind == "addr" else "*"
        place = star + pointed if stored.member == "*" else pointed + stored.member
        table = f"alloc:{expr.line}:{name}:{place}"
        state.note(table, self._walk.evidence(expr.line, "allocates"))
        for step in trail:
            state.note(table, step)
        kept = not local or stored.member != "*"  # a structure may be handed on as a whole
        state.tables[table] = replace(stored.table, null="no", origin="alloc", escaped=kept)
        self._calls.emit(state, expr, "alloc", name, table, stored.table.level)
        state.env[place] = Value("object", table, stored.form)

    def _result(
        self, outcome: Outcome, expr: Expr, name: str, values: list[Value], state: State, summary: Sequence[Outcome]
    ) -> Value:
        if outcome.fresh is not None:
            table = f"alloc:{expr.line}:{name}"
            nullable = any(other.value == "null" for other in summary)
            self._calls.lose(state, expr, table)
            state.note(table, self._walk.evidence(expr.line, "allocates"))
            for step in outcome.trail:
                state.note(table, step)
            state.tables[table] = replace(
                outcome.fresh,
                null="maybe" if nullable else "no",
                origin="alloc",
                escaped=False,
                mm=_as_given(outcome.fresh.mm, expr),
            )
            self._calls.emit(state, expr, "alloc", name, table, outcome.fresh.level)
            return Value("object", table, outcome.form)
        if 0 <= outcome.argument < len(values):
            return (
                values[outcome.argument]._replace(form=outcome.form)
                if values[outcome.argument].kind == "object"
                else values[outcome.argument]
            )
        simple = {"null": NULL, "true": TRUE, "false": FALSE, "void": Value("void")}
        if outcome.value == "const":
            return Value("const", outcome.constant)
        return simple.get(outcome.value, Value("object", f"call:{expr.canonical}@{expr.line}"))

    def outcome(self, state: State, value: Value) -> Outcome:
        """Describe the end of a path as a caller sees it."""
        walk = self._walk
        effects: list[tuple[int, Effect]] = []
        guards: set[Guard] = set()
        trail: list[Evidence] = []
        for name, index in walk.parameters.items():
            for place in (f"param:{name}", f"place:*{name}"):
                table = state.tables.get(place)
                if table is None:
                    continue
                if place.startswith("param:") and table.null in ("yes", "no"):
                    guards.add(Guard(index, "", table.null == "no"))
                if table.ctor or table.destroyed or table.freed or table.installed:
                    effects.append((index, _effect_of(table, state.env.get(f"*{name}") == NULL)))
                    trail += state.history.get(place, ())
        for text, truth in state.known.items():
            if text.startswith("#") and "defined(" not in text:
                guards.add(Guard(-1, text, truth))
            path, separator, constant = text.partition(" == ")
            if separator and path in walk.parameters and constant:
                guards.add(Guard(walk.parameters[path], constant, truth))
        kind, form, fresh, argument, constant = self._describe(state, value)
        stored = tuple(self._stored(state, trail)) if fresh is None else ()
        if fresh is not None:
            trail += state.history.get(value.name, ())
        return Outcome(kind, form, fresh, argument, constant, tuple(effects), frozenset(guards), stored, tuple(trail))

    def _stored(self, state: State, trail: list[Evidence]) -> Iterator[Stored]:
        """The constructed tables of this function that its caller finds by an argument."""
        parameters = self._walk.parameters
        for path, value in state.env.items():
            found = _BY_ARGUMENT.fullmatch(path)
            if found is None or not value.name.startswith("alloc:"):
                continue
            table, root = state.table(value.name), found["pointer"] or found["holder"]
            if root not in parameters or state.env.get(root, UNKNOWN).name != f"param:{root}":
                continue
            if table.live and table.result in ("ok", "sure") and not table.freed and table.null != "yes":
                trail += state.history.get(value.name, ())
                yield Stored(parameters[root], found["member"] or "*", value.form, table)

    def _describe(self, state: State, value: Value) -> tuple[str, str, Table | None, int, str]:
        if value.kind == "object":
            table = state.table(value.name)
            if table.null == "yes":
                return "null", "", None, -1, ""
            if value.name.startswith("param:"):
                return "argument", value.form, None, self._walk.parameters.get(value.name[6:], -1), ""
            if value.name.startswith("alloc:"):
                mm = f"${self._walk.parameters[table.mm]}" if table.mm in self._walk.parameters else table.mm
                return "fresh", value.form, replace(table, null="no", escaped=False, mm=mm), -1, ""
            return "unknown", "", None, -1, ""
        if value.kind == "ctor" and (result := state.table(value.name).result) in ("ok", "failed", "sure"):
            return "true" if (result != "failed") != (value.form == "not") else "false", "", None, -1, ""
        if value.kind == "const":
            zero = is_zero(value)
            kind = "false" if zero else "true" if value.name in ("1", "true") else "const"
            return kind, "", None, -1, value.name if kind == "const" else ""
        return value.kind if value.kind in ("null", "void") else "unknown", "", None, -1, ""


def _as_given(mm: str, expr: Expr) -> str:
    """The mm of a table that a callee made: ``$0`` is what it was given as its first argument."""
    index = int(mm[1:]) + 1 if mm.startswith("$") else 0
    return expr.parts[index].canonical if 0 < index < len(expr.parts) else "" if index else mm


def _effect_of(table: Table, cleared: bool) -> Effect:
    return Effect(table.ctor, table.result, table.destroyed, table.freed, table.queued, table.installed, cleared)


def _truth_holds(value: Value, wanted: bool, state: State) -> bool:
    """Say whether a value may be (not) zero, and remember that it is."""
    zero = is_zero(value)
    if zero is not None:
        return zero != wanted
    if value.kind != "object":
        return True
    null = state.table(value.name).null
    if null in ("yes", "no"):
        return (null == "no") == wanted
    if null != "maybe" or not value.name.startswith("alloc:"):
        state.update(value.name, null="no" if wanted else "yes")
    return True
