"""What is known of each table at one point of one path."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from reviewbot.checks.c.tree import identifiers
from reviewbot.findings import Evidence


class Value(NamedTuple):
    """What an expression yields.

    ``kind`` is ``object`` (``name`` is the table's, ``form`` how it is named: page, desc, virt …),
    ``null``, ``const``, ``ctor`` (the result of constructing table ``name``; form ``not``: inverted),
    ``function``, ``address`` (of the place ``name``) or ``unknown``.
    """

    kind: str
    name: str = ""
    form: str = ""


UNKNOWN = Value("unknown")
NULL = Value("null")
TRUE = Value("const", "1")
FALSE = Value("const", "0")


_CONSTANT = re.compile(r"_*[A-Z][A-Z0-9_]*|-?\d\w*")
_NUMBER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*")


def is_zero(value: Value) -> bool | None:
    """Say whether a value is zero, not zero, or unknown (None)."""
    if value.kind == "null":
        return True
    if value.kind == "const":
        text = value.name
        if _NUMBER.fullmatch(text):
            return int(text.rstrip("uUlL"), 0) == 0 if not re.match(r"-?0\d", text) else set(text) <= set("-0")
        return {"false": True, "true": False, "NULL": True}.get(text, False if text.startswith("-E") else None)
    return False if value.kind in ("function", "address") else None


@dataclass(frozen=True, slots=True)
class Table:
    """The state of one piece of memory that may be a page table.

    :ivar origin: ``alloc`` (in this function or below it), ``param``, ``load`` (read from an entry) or ``place``.
    :ivar family: which allocator it came from; "" when that is not known.
    :ivar level: the level it is known to be, "" otherwise.
    :ivar null: ``maybe`` (an allocator may have failed), ``no``, ``yes``, or "" when nothing is known.
    :ivar ctor: the level of the constructor that ran, "" when none did.
    :ivar result: ``pending`` (not tested), ``ok``, ``failed`` or ``sure`` (the constructor cannot fail).
    :ivar destroyed: the name of the destructor that ran.
    :ivar freed: the name of the function that freed it; ``queued`` when that was the mmu_gather.
    :ivar installed: the level at which it was installed.
    :ivar escaped: whether another place or function may hold it.
    :ivar delegated: whether the constructor's result was handed on to somebody else.
    :ivar mm: the mm that it was constructed for, as it is written; ``$0`` in a summary: the first argument.
    """

    origin: str = "place"
    family: str = ""
    level: str = ""
    null: str = ""
    ctor: str = ""
    result: str = ""
    destroyed: str = ""
    freed: str = ""
    queued: bool = False
    installed: str = ""
    escaped: bool = False
    delegated: bool = False
    order: str = ""
    mm: str = ""

    @property
    def live(self) -> bool:
        """Constructed (or perhaps so) and not destroyed."""
        return bool(self.ctor) and self.result != "failed" and not self.destroyed

    @property
    def untouched(self) -> bool:
        """Nothing is known that a rule could use."""
        return not (self.ctor or self.destroyed or self.freed or self.installed or self.family or self.escaped)


#: before the name of an array: what is known of each of its elements
EACH = "each:"


@lru_cache(maxsize=64)
def _fresh(origin: str) -> Table:
    return Table(origin=origin)


@lru_cache(maxsize=16384)
def _changed(table: Table, changes: tuple[tuple[str, str | bool], ...]) -> Table:
    """The same few tables go through the same few changes on every path."""
    return replace(table, **dict(changes))  # type: ignore[arg-type]


@dataclass(slots=True)
class State:
    """One path: what variables hold, what is known of tables, which tests were decided, and how it came there."""

    env: dict[str, Value] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    known: dict[str, bool] = field(default_factory=dict)
    history: dict[str, tuple[Evidence, ...]] = field(default_factory=dict)

    def copy(self) -> State:
        """Return a state that can go its own way."""
        return State(self.env.copy(), self.tables.copy(), self.known.copy(), self.history.copy())

    @property
    def size(self) -> int:
        """How much is known on this path: copying and comparing it takes as long."""
        return len(self.env) + len(self.tables) + len(self.known)

    def table(self, name: str) -> Table:
        """The state of a table; a fresh one when nothing is known of it."""
        return self.tables.get(name) or _fresh(name.partition(":")[0])

    def update(self, name: str, **changes: str | bool) -> Table:
        """Change some facts of a table and return its new state."""
        table = self.tables[name] = _changed(self.table(name), tuple(changes.items()))
        return table

    def note(self, name: str, step: Evidence) -> None:
        """Add a step to the history of a table."""
        steps = self.history.get(name, ())
        if not steps or steps[-1] != step:
            self.history[name] = (*steps[-11:], step)

    def forget(self, variable: str) -> None:
        """A variable changed: what was known through it is void; an element of an array stands for all."""
        self._keep_elements(variable)
        for path in [path for path in self.env if path != variable and variable in identifiers(path)]:
            del self.env[path]
        for text in [text for text in self.known if variable in identifiers(text)]:
            del self.known[text]
        for name in [name for name in self.tables if name.startswith(("place:", "load:"))]:
            if variable in identifiers(name.partition(":")[2]):
                del self.tables[name]
                self.history.pop(name, None)

    def _keep_elements(self, variable: str) -> None:
        for path in [path for path in self.env if path.endswith("]") and variable in identifiers(path)]:
            array, _, index = path.partition("[")
            value = self.env[path]
            table = self.tables.get(value.name)
            if value.kind != "object" or table is None or variable in identifiers(array) or index == "*]":
                continue
            if table.origin == "alloc" and table.null != "yes" and not (table.freed or table.destroyed):
                self.env[f"{array}[*]"] = value
                self.tables[EACH + array] = table

    def element(self, array: str, path: str) -> Value | None:
        """An element of an array of which another one was stored before: a table of the same past."""
        value, table = self.env.get(f"{array}[*]"), self.tables.get(EACH + array)
        if value is None or table is None:
            return None
        self.tables[value.name] = table
        self.env[path] = value
        return value

    def prune(self, names: frozenset[str], kept: Collection[str]) -> None:
        """Drop what can no longer be asked for: only these names occur on the way ahead."""
        for path in [
            path for path in self.env if names.isdisjoint(identifiers(path)) and identifiers(path).isdisjoint(kept)
        ]:
            del self.env[path]
        for text in [text for text in self.known if not text.startswith("#")]:
            used = identifiers(text.partition(" == ")[0])
            if names.isdisjoint(used) and used.isdisjoint(kept):
                del self.known[text]
        held = {value.name for value in self.env.values()}
        for name, table in list(self.tables.items()):
            dull = name not in held and table.untouched and name.startswith(("place:", "call:"))
            if dull and names.isdisjoint(identifiers(name.partition(":")[2])):
                del self.tables[name]

    def decide(self, path: str, constant: str, truth: bool) -> None:
        """Remember the outcome of ``path == constant``."""
        self.known[f"{path} == {constant}"] = truth

    def assume(self, condition: str) -> None:
        """Take a preprocessor condition as given."""
        self.known.update(atoms(condition))

    def decided(self, path: str, constant: str) -> bool | None:
        """The outcome of ``path == constant`` when it follows from what was decided before."""
        exact = self.known.get(f"{path} == {constant}")
        if exact is not None:
            return exact
        prefix = f"{path} == "
        if _CONSTANT.fullmatch(constant):
            for text, truth in self.known.items():
                if truth and text.startswith(prefix) and _CONSTANT.fullmatch(text.removeprefix(prefix)):
                    return False
        return None

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for states that cannot be told apart by anything that follows."""
        held = {value.name for value in self.env.values()}
        tables = frozenset(
            (name, table)
            for name, table in self.tables.items()
            if name in held or not table.untouched or name.startswith(("param:", "place:"))
        )
        return frozenset(self.env.items()), tables, frozenset(self.known.items())


def atoms(condition: str) -> dict[str, bool]:
    """Split a preprocessor condition into names, as :attr:`State.known` has them, and their truth."""
    parts = condition.split(" && ") if condition else []
    return {"#" + part.removeprefix("!"): not part.startswith("!") for part in parts}


class Effect(NamedTuple):
    """What a function does to one of its arguments; the fields are those of :class:`Table`.

    ``cleared``: it was given the address of the pointer, and set the pointer to NULL.
    """

    ctor: str = ""
    result: str = ""
    destroyed: str = ""
    freed: str = ""
    queued: bool = False
    installed: str = ""
    cleared: bool = False


class Guard(NamedTuple):
    """An outcome needs this: that argument is (or is not) ``constant``; "" is: is not zero.

    The argument -1 stands for the configuration: the condition ``constant`` holds or not.
    """

    argument: int
    constant: str
    holds: bool


class Stored(NamedTuple):
    """A table in ``*argument`` (member ``*``) or in a member of the structure it points to (``.pt``)."""

    argument: int
    member: str
    form: str
    table: Table


@dataclass(frozen=True)
class Outcome:
    """One way in which a function may end, as its caller sees it.

    :ivar value: ``null true false argument fresh void`` or ``unknown``.
    :ivar fresh: the state of the table that it made and returns.
    :ivar argument: index of the argument that it returns.
    :ivar effects: (index of the argument, what was done to it).
    :ivar stored: constructed tables that it made and left with its caller: where, how they are named, and their state.
    :ivar trail: the steps inside, for the evidence.
    """

    value: str
    form: str = ""
    fresh: Table | None = None
    argument: int = -1
    constant: str = ""
    effects: tuple[tuple[int, Effect], ...] = ()
    guards: frozenset[Guard] = frozenset()
    stored: tuple[Stored, ...] = ()
    trail: tuple[Evidence, ...] = field(default=(), compare=False, hash=False)

    @property
    def matters(self) -> bool:
        """Whether a caller has to know of it."""
        return self.fresh is not None or bool(self.effects) or bool(self.stored)


@dataclass(frozen=True, slots=True)
class Step:
    """One event on one path: what happens to which table in which state.

    :ivar kind: ``alloc ctor dtor free queue install return lost convert arity account``.
    :ivar name: the called function.
    :ivar level: the level that the event speaks of.
    :ivar before: the table's state before the event.
    :ivar history: the steps that led there, the event included.
    :ivar known: the tests that hold on the path.
    """

    kind: str
    line: int
    name: str
    table: str
    level: str
    before: Table
    history: tuple[Evidence, ...] = ()
    known: tuple[tuple[str, bool], ...] = ()
    detail: str = ""
    arguments: tuple[str, ...] = ()
    value: str = ""
    condition: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for the same event in the same state."""
        return self.kind, self.line, self.name, self.table, self.level, self.before, self.known, self.detail, self.value


def unique_steps(steps: Iterable[Step]) -> list[Step]:
    """Drop repetitions, keep the order."""
    seen: set[tuple[Any, ...]] = set()
    kept = []
    for step in steps:
        if step.key not in seen:
            seen.add(step.key)
            kept.append(step)
    return kept
