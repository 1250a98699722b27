"""What calls do to tables: the kernel's primitives, and the functions of the tree by their summaries."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from reviewbot.checks.c.scoped import PREFIX
from reviewbot.checks.c.source import more_arguments, plain_name
from reviewbot.checks.c.tree import Expr
from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.ends import Ends
from reviewbot.checks.pgtable.facts import Hook
from reviewbot.checks.pgtable.state import (
    NULL,
    UNKNOWN,
    State,
    Step,
    Table,
    Value,
)

if TYPE_CHECKING:
    from reviewbot.checks.pgtable.evaluation import Ways
    from reviewbot.checks.pgtable.walk import Walk


_ABOVE = dict(itertools.pairwise(words.LEVELS))


class Calls:
    """The calls of one walk."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._program = walk.program
        self.ends = Ends(self, walk)

    def call(self, expr: Expr, state: State) -> Ways:
        """Evaluate a call on one path."""
        name = self._program.real_name(plain_name(expr.callee), self._walk.piece.path)
        if name in words.STOPS or (name in words.WARNINGS and expr.parts[1:] == (Expr("const", "1", (), expr.line),)):
            return []
        if name in words.VALUES_OF_TEST and len(expr.parts) > 1:
            return self._walk.eval(expr.parts[1], state)
        if name in words.ASSERTS_NOT and len(expr.parts) > 1:
            return [(after, UNKNOWN) for after, truth in self._walk.test(expr.parts[1], state) if not truth]
        if expr.parts[0].bare().kind == "choice":
            return self._chosen(expr, state)
        ways: Ways = []
        expr = self._with_rest(expr, name)
        for after, values in self._walk.eval_all(expr.parts[1:], state):
            local = name in self._walk.types or name in self._walk.parameters
            callee = self._indirect(expr, after) if local or not name else name
            after = after.copy()
            if not callee and name in self._walk.parameters:
                self._leave_to_caller(values, after)
            ways.extend(self._dispatch(expr, callee, values, after))
        return ways

    @staticmethod
    def _leave_to_caller(values: list[Value], state: State) -> None:
        """A function that the caller hands in gets a table: what was done to it is known where it is handed in."""
        for value in values:
            table = state.table(value.name)
            if value.kind == "object" and table.origin in ("alloc", "param"):
                state.update(value.name, origin="call", family="")

    def _chosen(self, expr: Expr, state: State) -> Ways:
        """``(pmd ? pagetable_pmd_ctor : pagetable_pte_ctor)(mm, pt)``: each function on its own path."""
        ways: Ways = []
        for after, function in self._walk.eval(expr.parts[0], state):
            for end, values in self._walk.eval_all(expr.parts[1:], after):
                name = function.name if function.kind == "function" else ""
                ways.extend(self._dispatch(expr, name, values, end.copy()))
        return self._walk.bounded(ways)

    def _with_rest(self, expr: Expr, name: str) -> Expr:
        """The call with all its arguments, where a macro hands on its ``...``."""
        rest = expr.parts[-1].canonical.removeprefix("##")
        more = [name for name in more_arguments(rest) if name in self._walk.parameters]
        if not more:
            return expr
        path = self._walk.piece.path
        hook = self._program.hook(name, path)
        missing = (hook.arity if hook else self._program.arity(name, path)) - len(expr.parts) + 1
        names = (Expr("name", name, (), expr.line) for name in more[: max(missing, 0)])
        return Expr(expr.kind, expr.text, (*expr.parts, *names), expr.line)

    def _indirect(self, expr: Expr, state: State) -> str:
        callee = expr.parts[0].bare()
        while callee.kind == "deref":
            callee = callee.parts[0].bare()
        value = state.env.get(callee.canonical)
        if value is not None and value.kind == "function":
            return value.name
        if callee.kind == "field":
            return self._program.through_table(callee.text, self._walk.piece.path)
        return ""

    def _dispatch(self, expr: Expr, name: str, values: list[Value], state: State) -> Ways:
        if name in words.CONVERSIONS and values:
            return self._convert(expr, name, values, state)
        if hook := self._program.hook(name, self._walk.piece.path):
            return self._hook(expr, hook, values, state)
        if name in words.ALLOCATORS:
            return self._allocate(expr, name, words.ALLOCATORS[name], state)
        if name not in words.FREERS and (freed := name.removeprefix(PREFIX)) in words.FREERS:
            name = name if self._program.knows(name, self._walk.piece.path) else freed
        if name in words.FREERS and len(values) > words.FREERS[name].argument:
            freer = words.FREERS[name]
            self.free(state, expr, name, values[freer.argument], freer.form)
            return [(state, UNKNOWN)]
        if name in words.LOADS and values:
            level, form = words.LOADS[name]
            state.tables.setdefault(f"load:{expr.canonical}", Table("load", level=level))
            return [(state, Value("object", f"load:{expr.canonical}", form))]
        special = _SPECIAL.get(name)
        if special is not None and values:
            return special(self, expr, values, state)
        return self._known(expr, name, values, state)

    def _known(self, expr: Expr, name: str, values: list[Value], state: State) -> Ways:
        self._forget_written(expr, state)
        if installed := words.installs(name, len(values)):
            self._install(state, expr, name, values, *installed)
            return [(state, UNKNOWN)]
        if (
            words.QUEUES.fullmatch(name)
            and len(values) > 1
            and not self._program.wraps_queue(name, self._walk.piece.path)
        ):
            self._queue(state, expr, name, values[1])
            return [(state, UNKNOWN)]
        handed = tuple(
            (index, value.name)
            for index, value in enumerate(values)
            if value.kind == "function" and words.is_primitive(value.name)
        )
        summary = self._program.summary(name, self._walk.piece.path, handed) if name else None
        if summary is not None and any(outcome.matters or outcome.argument >= 0 for outcome in summary):
            return self.ends.apply(expr, name, summary, values, state)
        if summary is None and not words.borrows(name) and not self._program.borrows(name, self._walk.piece.path):
            for value in values:
                self.lend(state, value)
        if summary is not None and all(outcome.value == "null" for outcome in summary) and summary:
            return [(state, NULL)]
        state.tables.pop(f"call:{expr.canonical}@{expr.line}", None)
        return [(state, Value("object", f"call:{expr.canonical}@{expr.line}"))]

    def lend(self, state: State, value: Value) -> None:
        """Some function that is not known gets hold of a value."""
        if value.kind == "object" and value.name in state.tables:
            state.update(value.name, escaped=True)
        elif value.kind == "ctor":
            state.update(value.name, delegated=True)
        elif value.kind == "address":
            held = state.env.get(value.name)
            if held is not None and held.kind == "object" and held.name in state.tables:
                state.update(held.name, escaped=True)

    def _forget_written(self, expr: Expr, state: State) -> None:
        """A callee that gets the address of a local may change it."""
        for part in expr.parts[1:]:
            inner = part.bare()
            if inner.kind == "addr" and inner.parts[0].kind == "name":
                for path in [path for path in state.env if path.startswith(f"{inner.parts[0].text}.")]:
                    self.lend(state, state.env[path])
                held = state.env.get(inner.parts[0].text)
                if held is None or held.kind != "object" or not held.name.startswith("alloc:"):
                    state.env.pop(inner.parts[0].text, None)
                state.forget(inner.parts[0].text)

    # Elementary events

    def emit(self, state: State, expr: Expr, kind: str, name: str, table: str, level: str, detail: str = "") -> None:
        """Record an event of a table, and add it to the table's history."""
        verbs = {
            "alloc": "allocates", "ctor": "constructs", "dtor": "destroys", "free": "frees",
            "queue": "passes to the mmu_gather", "install": "installs", "convert": "converts",
        }  # fmt: skip
        before = state.table(table)
        state.note(table, self._walk.evidence(expr.line, verbs.get(kind, kind)))
        self._walk.emit(
            Step(
                kind,
                expr.line,
                name,
                table,
                level,
                before,
                state.history.get(table, ()),
                tuple(sorted(state.known.items())),
                detail,
                tuple(part.canonical for part in expr.parts[1:]),
                "",
                self._walk.condition,
            )
        )

    def lose(self, state: State, expr: Expr, table: str) -> None:
        """The same place allocates again: nothing holds the table of the last round, unless it was stored."""
        before = state.tables.get(table)
        if before is not None and not (before.freed or before.escaped or before.null == "yes"):
            history = (*state.history.get(table, ()), self._walk.evidence(expr.line, "allocates the next one"))
            self._walk.emit(Step("lost", expr.line, "", table, before.level, before, history))
        state.history.pop(table, None)

    def _allocate(self, expr: Expr, name: str, allocator: words.Allocator, state: State) -> Ways:
        if self._walk.coarse and allocator.family not in ("pages", "ptdesc"):
            return [(state, UNKNOWN)]
        table = f"alloc:{expr.line}:{name}"
        arguments = [part.canonical for part in expr.parts[1:]]
        fails = allocator.fails and not any("__GFP_NOFAIL" in text for text in arguments)
        order = arguments[allocator.order] if 0 <= allocator.order < len(arguments) else "0"
        self.lose(state, expr, table)
        state.tables[table] = Table("alloc", allocator.family, null="maybe" if fails else "no", order=order)
        self.emit(state, expr, "alloc", name, table, "", ", ".join(arguments))
        return [(state, Value("object", table, allocator.form))]

    def _convert(self, expr: Expr, name: str, values: list[Value], state: State) -> Ways:
        value = values[0]
        if value.kind == "address":
            self.emit(state, expr, "convert", name, f"place:&{value.name}", "", "address")
            held = state.env.get(value.name)
            known = held is not None and held.kind == "object"
            value = Value("object", held.name if held and known else f"place:&{value.name}", "virt")
        if value.kind != "object":
            return [(state, value if value.kind == "null" else UNKNOWN)]
        self._emit_conversion(state, expr, name, value)
        return [(state, value._replace(form=words.CONVERSIONS[name] or value.form))]

    def _emit_conversion(self, state: State, expr: Expr, name: str, value: Value) -> None:
        argument = expr.parts[1].bare()
        unset = argument.kind == "name" and argument.text == self._walk.initialising
        wrong = name in words.WANTS_ADDRESS and value.form in ("page", "desc", "folio")
        wanted = words.WANTS_FORM.get(name)
        if wanted and value.form in ("page", "desc", "virt", "folio") and value.form not in wanted:
            wrong = True
        if unset or (wrong and value.form):
            history = (self._walk.evidence(expr.line, "converts"),)
            before = state.table(value.name)
            self._walk.emit(
                Step(
                    "convert",
                    expr.line,
                    name,
                    value.name,
                    "",
                    before,
                    history,
                    (),
                    value.form,
                    tuple(part.canonical for part in expr.parts[1:]),
                    "uninitialised" if unset else "",
                    self._walk.condition,
                )
            )

    def _hook(self, expr: Expr, hook: Hook, values: list[Value], state: State) -> Ways:
        if hook.name not in self._program.facts.hooks and hook.level not in ("", *self._program.facts.ctor_levels()):
            return [(state, UNKNOWN)]  # of a level that this tree constructs by no name: rule C18 says so
        if len(values) != hook.arity and hook.name in self._program.facts.hooks:
            self._note_arity(expr, hook, len(values), state)
            return [(state, self._as_meant(hook, values, state))]
        index = min(hook.table, len(values) - 1)
        if index < 0:
            return [(state, UNKNOWN)]
        if hook.mm >= 0 and _names_table(values[hook.mm]) and not _names_table(values[index]):
            index = hook.mm  # swapped: rule C19 says so, the others go on with the table
        value = values[index]
        if value.kind == "address":
            held = state.env.get(value.name)
            known = held is not None and held.kind == "object"
            value = Value("object", held.name if held and known else f"place:&{value.name}", "address")
        if value.kind == "null":
            return [] if not hook.constructs else [(state, UNKNOWN)]
        if value.kind != "object":
            value = Value("object", f"place:{expr.parts[index + 1].canonical}")
        if hook.constructs:
            return self._construct(expr, hook, value, state)
        self.destroy(state, expr, hook.name, hook.level, value)
        if hook.frees:
            self.free(state, expr, hook.name, value, "desc")
        return [(state, UNKNOWN)]

    def _note_arity(self, expr: Expr, hook: Hook, given: int, state: State) -> None:
        step = self._walk.evidence(expr.line, "calls")
        self._walk.emit(
            Step("arity", expr.line, hook.name, "", hook.level, Table(), (step,), (), f"{given} {hook.arity}",
                 tuple(part.canonical for part in expr.parts[1:]), "", self._walk.condition)
        )  # fmt: skip

    @staticmethod
    def _as_meant(hook: Hook, values: list[Value], state: State) -> Value:
        """Take a call that does not compile for what it was meant to do: rule C18 says what is wrong with it."""
        tables = [value for value in values if value.kind == "object"]
        table = next((value for value in tables if _names_table(value)), tables[-1] if tables else None)
        if table is None:
            return UNKNOWN
        if not hook.constructs:
            state.update(table.name, destroyed=hook.name, freed=hook.name if hook.frees else "")
            return UNKNOWN
        state.update(table.name, ctor=hook.level or "any", result="pending" if hook.fails else "sure", destroyed="")
        return Value("ctor", table.name) if hook.fails else Value("void")

    def _construct(self, expr: Expr, hook: Hook, value: Value, state: State) -> Ways:
        mm = expr.parts[hook.mm + 1].canonical if 0 <= hook.mm < len(expr.parts) - 1 else ""
        self.emit(state, expr, "ctor", hook.name, value.name, hook.level, value.form)
        sure = not hook.fails or mm == "&init_mm"
        state.update(
            value.name,
            ctor=hook.level or "any",
            result="sure" if sure else "pending",
            destroyed="",
            delegated=False,
            mm=mm,
        )
        return [(state, Value("ctor", value.name) if hook.fails else Value("void"))]

    def destroy(self, state: State, expr: Expr, name: str, level: str, value: Value) -> None:
        """A destructor runs on a table."""
        if value.kind == "object":
            self.emit(state, expr, "dtor", name, value.name, level, value.form)
            state.update(value.name, destroyed=name)

    def store_root(self, state: State, expr: Expr, value: Value) -> None:
        """``mm->pgd = table``: the table becomes the root of an address space."""
        mm = expr.parts[0].parts[0]
        level = state.table(value.name).level or "pgd"
        address = Expr("call", "store", (Expr("name", "store"), mm), expr.line)
        self.emit(state, address, "install", "store", value.name, level)

    def free(self, state: State, expr: Expr, name: str, value: Value, form: str) -> None:
        """A table is given back."""
        if value.kind == "object" and state.table(value.name).null != "yes":
            self.emit(state, expr, "free", name, value.name, "", f"{value.form}>{form}")
            state.update(value.name, freed=name)

    def _queue(self, state: State, expr: Expr, name: str, value: Value) -> None:
        if value.kind == "object":
            self.emit(state, expr, "queue", name, value.name, "", value.form)
            destroyed = state.table(value.name).destroyed or (name if name in self._program.facts.queues else "")
            state.update(value.name, freed=name, queued=True, destroyed=destroyed)

    def _install(self, state: State, expr: Expr, name: str, values: list[Value], level: str, index: int) -> None:
        value = values[index]
        if index == 1 and value.name.startswith("place:"):
            value = values[2]
        level = self._program.installed_level(name, index, self._walk.piece.path) or level
        if value.kind == "object":
            self.emit(state, expr, "install", name, value.name, level, value.form)
            state.update(value.name, installed=level, escaped=True)
        entry = values[index - 1]
        if entry.kind == "object" and entry.name.startswith("alloc:") and not state.table(entry.name).level:
            state.update(entry.name, level=_ABOVE.get(level, ""))

    # Calls with a meaning of their own

    def _container(self, expr: Expr, values: list[Value], state: State) -> Ways:
        value = values[0]
        if value.kind == "object":
            kind = expr.parts[2].canonical if len(expr.parts) > 2 else ""
            form = {"ptdesc": "desc", "page": "page", "folio": "folio"}.get(kind, "")
            return [(state, value._replace(form=form))] if form else [(state, UNKNOWN)]
        return [(state, UNKNOWN)]

    def _error_pointer(self, expr: Expr, values: list[Value], state: State) -> Ways:
        return [(state, NULL)]

    def _entry(self, expr: Expr, values: list[Value], state: State) -> Ways:
        """``__pmd(__pa(pte) | flags)``: an entry that points to the table is there to be written somewhere."""
        self.lend(state, values[0])
        return [(state, UNKNOWN)]

    def _release(self, expr: Expr, values: list[Value], state: State) -> Ways:
        """``release_pages(pages, n)``: all that is known to be in the array."""
        array = expr.parts[1].bare().canonical
        for path in [path for path in state.env if path.startswith(f"{array}[")]:
            self.free(state, expr, expr.callee, state.env[path], "page")
        return [(state, UNKNOWN)]

    def _listed(self, expr: Expr, values: list[Value], state: State) -> Ways:
        """``list_add(&page->lru, &list)``: the list holds the table."""
        if len(values) > 1:
            self.lend(state, values[0])
            state.env[f"{expr.parts[2].canonical.removeprefix('&')}[last]"] = values[0]
        return [(state, UNKNOWN)]

    def _release_list(self, expr: Expr, values: list[Value], state: State) -> Ways:
        if (held := state.env.get(f"{expr.parts[1].canonical.removeprefix('&')}[last]")) is not None:
            self.free(state, expr, expr.callee, held, "page")
        return [(state, UNKNOWN)]

    def _taken(self, expr: Expr, values: list[Value], state: State) -> Ways:
        """``no_free_ptr(p)``: its value, and p is NULL from now on."""
        state.env[expr.parts[1].bare().canonical] = NULL
        return [(state, values[0])]

    def _later(self, expr: Expr, values: list[Value], state: State) -> Ways:
        """``call_rcu(head, f)``: the callback runs on the object that holds the head."""
        if len(values) > 1 and values[1].kind == "function" and values[0].kind == "object":
            summary = self._program.summary(values[1].name, self._walk.piece.path)
            if summary is not None and any(outcome.effects for outcome in summary):
                return [
                    (after, UNKNOWN) for after, _ in self.ends.apply(expr, values[1].name, summary, values[:1], state)
                ]
        for value in values:
            self.lend(state, value)
        return [(state, UNKNOWN)]


def _names_table(value: Value) -> bool:
    return value.kind == "object" and value.form in ("page", "desc", "folio")


_SPECIAL: dict[str, Callable[[Calls, Expr, list[Value], State], Ways]] = {
    "container_of": Calls._container,
    "list_entry": Calls._container,
    "ERR_PTR": Calls._error_pointer,
    **dict.fromkeys(("__pmd", "__pud", "__p4d", "__pgd"), Calls._entry),
    "release_pages": Calls._release,
    "free_pages_and_swap_cache": Calls._release,
    "list_add": Calls._listed,
    "list_add_tail": Calls._listed,
    "put_pages_list": Calls._release_list,
    "no_free_ptr": Calls._taken,
    "retain_and_null_ptr": Calls._taken,
    "call_rcu": Calls._later,
    "call_rcu_hurry": Calls._later,
}
