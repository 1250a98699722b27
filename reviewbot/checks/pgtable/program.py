"""The tree as a program: which function a name means in which file, and what each does to tables.

A name means the function in the same file, else in the same architecture, else
in the generic code; never one of another architecture. Summaries are computed
when they are first asked for, so that a wrapper costs nothing to support.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from reviewbot.checks.c.source import Piece, Source
from reviewbot.checks.pgtable import relevance
from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.callbacks import handed_on
from reviewbot.checks.pgtable.facts import Facts, Hook
from reviewbot.checks.pgtable.sources import architecture, read_source
from reviewbot.checks.pgtable.state import Effect, Guard, Outcome, Table, atoms
from reviewbot.checks.pgtable.walk import Report
from reviewbot.checks.pgtable.walks import Walks
from reviewbot.findings import Evidence
from reviewbot.tree.files import Files

_ASSIGNED = re.compile(r"(?:\.|->)\s*(\w+)\s*=\s*&?\s*([A-Za-z_]\w*)\s*[,;}\n]")
_ALIAS = re.compile(r"^\s*([A-Za-z_]\w*)\s*$")
#: headers that stand in for a level which the configuration does not have
_FOLDED = re.compile(r"asm-generic/(?:pgtable-no|5level)")
#: what stands for a function where the configuration leaves nothing to do
_STUB = re.compile(r"[\s({]*(?:do\s*\{\s*\}\s*while\s*\(0\)|BUG\(\)[\s(){};*\d]*(?:p\w\w_t)?)[\s(){};*\d]*")
#: a body that may put what it is given somewhere
_KEEPS = re.compile(r"list_add|\bcall_rcu|rcu_assign|smp_store|(?:->|\.)\w+(?:\[[^\]]*\])?\s*=[^=]|\]\s*=[^=]")
MAX_CALL_DEPTH = 10
#: more functions of one name than this in one place are none that a configuration chooses from
MAX_DEFINITIONS = 32
#: through how many calls a function may lead to one that takes memory for tables
MAX_FORWARDS = 4


class Program:
    """The functions of the files that have to do with page tables."""

    def __init__(
        self,
        facts: Facts,
        sources: Iterable[Source],
        defined: Callable[[str, str], bool] = lambda name, place: False,
        values: Callable[[str, str], set[str]] = lambda name, place: set(),
    ) -> None:
        self.facts = facts
        self.sources: dict[str, Source] = {}
        self._functions: dict[str, list[Piece]] = defaultdict(list)
        self._members: dict[str, dict[str, set[str]]] = {}
        self._aliases: dict[tuple[str, str], str] = {}
        self._stand_ins: frozenset[str] | None = None
        self._summaries: dict[tuple[str, str], tuple[Outcome, ...] | None] = {}
        self.walks = Walks(self, self.sources)
        self._interest: dict[Piece, bool] = {}
        self._concerned: dict[Piece, bool] = {}
        self._candidates: dict[tuple[str, str], list[Piece]] = {}
        self._callbacks: dict[str, dict[str, tuple[frozenset[str], tuple[Evidence, ...]]]] = {}
        self._defined = defined
        self._values = values
        self._depth = 0
        for source in sources:
            self.add(source)

    def add(self, source: Source) -> None:
        """Take in the functions of one more file; before anything is asked about them."""
        self._candidates.clear()
        self._members.clear()
        self._stand_ins = None
        self.sources[source.path] = source
        for piece in source.pieces:
            self._functions[piece.name].append(piece)
        for define in source.defines:
            found = _ALIAS.match(define.body)
            if define.parameters is None and found and found.group(1) != define.name:
                self._aliases[architecture(source.path), define.name] = found.group(1)

    # Names

    def candidates(self, name: str, path: str) -> list[Piece]:
        """The definitions that a name may mean in a file."""
        known = self._candidates.get((name, path))
        if known is None:
            known = self._candidates[name, path] = self._look_up(name, path)
        return known

    def _look_up(self, name: str, path: str) -> list[Piece]:
        pieces = [piece for piece in self._functions.get(name, ()) if self._visible(piece, path)]
        pieces = [piece for piece in pieces if not _FOLDED.search(piece.path)] or pieces
        pieces = [piece for piece in pieces if not (piece.condition and _STUB.fullmatch(piece.body))] or pieces
        for near in (
            [piece for piece in pieces if piece.path == path],
            [piece for piece in pieces if architecture(piece.path) == architecture(path)],
            [piece for piece in pieces if not architecture(piece.path)],
        ):
            if near:
                return _nearest(near, path)[:MAX_DEFINITIONS]
        alias = self._alias(name, path)
        return self.candidates(alias, path) if alias and not self._alias(alias, path) else []

    def _alias(self, name: str, path: str) -> str:
        return self._aliases.get((architecture(path), name)) or self._aliases.get(("", name)) or ""

    def _stands_in(self, piece: Piece) -> bool:
        """Whether a function calls one of the core kernel by a name that a macro gives to it."""
        if self._stand_ins is None:
            found: set[str] = set()
            while more := {
                name
                for (_, name), target in self._aliases.items()
                if name not in found and (target in found or words.is_primitive(target))
            }:
                found |= more
            self._stand_ins = frozenset(found - self._functions.keys())
        return not piece.called.isdisjoint(self._stand_ins)

    def real_name(self, name: str, path: str) -> str:
        """Return what a macro without arguments calls a function of the core kernel, else the name itself."""
        target = name
        for _ in range(MAX_FORWARDS):
            if target in self._functions or words.is_primitive(target) or not (after := self._alias(target, path)):
                break
            target = after
        return target if words.is_primitive(target) else name

    @staticmethod
    def _visible(piece: Piece, path: str) -> bool:
        return piece.path == path or not piece.static or piece.path.endswith(".h")

    def anywhere(self, name: str, place: str) -> list[Piece]:
        """The functions of a name in an architecture, whoever may call them."""
        return [piece for piece in self._functions.get(name, ()) if architecture(piece.path) == place]

    def knows(self, name: str, path: str) -> bool:
        """Say whether a name is a function that can be seen from a file."""
        return bool(self.candidates(name, path))

    def hook(self, name: str, path: str) -> Hook | None:
        """Return the constructor or destructor of that name, or a stand-in for one that the tree does not have."""
        hook = self.facts.hooks.get(name)
        if hook is not None or not words.is_hook_name(name):
            return hook
        if name in self.facts.declared or self.candidates(name, path):
            return None
        found = re.search(r"(?:^|_)(pte|pmd|pud|p4d|pgd)_", name)
        constructs = "_ctor" in name
        level = found.group(1) if found else "pte" if name.startswith("pgtable_page") else ""
        fails = constructs and level in ("pte", "pmd")
        return Hook(name, constructs, level, -1, 99, -1, fails, name.endswith("_free"), 0, "")

    def arity(self, name: str, path: str) -> int:
        """Return how many arguments a function takes, 0 when that is not known."""
        return max((len(piece.parameters) for piece in self.candidates(name, path)), default=0)

    def constructor(self, name: str, path: str) -> bool:
        """Say whether a name is a constructor whose result must be tested."""
        hook = self.hook(name, path)
        return hook is not None and hook.constructs and hook.fails

    def level_of_dtor(self, name: str) -> str:
        """Return the level of a destructor, "" when it serves all."""
        hook = self.facts.hooks.get(name)
        return hook.level if hook else ""

    def through_table(self, member: str, path: str) -> str:
        """Return the one function that a member of function tables holds here, or ""."""
        place = architecture(path)
        if place not in self._members:
            self._members[place] = defaultdict(set)
            for source in self.sources.values():
                for assigned, function in _ASSIGNED.findall(source.text) if architecture(source.path) == place else ():
                    self._members[place][assigned].add(function)
        known = {name for name in self._members[place].get(member, ()) if self.candidates(name, path)}
        return next(iter(known)) if len(known) == 1 else ""

    def wraps_queue(self, name: str, path: str) -> bool:
        """Say whether a function around the mmu_gather is the architecture's own, and is followed instead."""
        own = [piece for piece in self.candidates(name, path) if architecture(piece.path) and piece.kind == "function"]
        if name in words.CORE_QUEUES or not own:
            return False
        return any(effect.freed for outcome in self.summary(name, path) or () for _, effect in outcome.effects)

    def pgtable_form(self, path: str) -> str:
        """Return what pgtable_t is in a file's architecture: ``page``, ``virt``, or "" when that depends."""
        return self.facts.pgtable_forms.get(architecture(path), "")

    def borrows(self, name: str, path: str) -> bool:
        """Say whether a function is known to keep no reference to what it is given."""
        pieces = self.candidates(name, path)
        return bool(pieces) and not any(self.interesting(piece) or _KEEPS.search(piece.body) for piece in pieces)

    def installed_level(self, name: str, index: int, path: str) -> str:
        """Return the level that a populate function installs, read from its declaration, "" when not known."""
        for piece in self.candidates(name, path):
            if len(piece.parameters) > index:
                parameter = piece.parameters[index]
                named = words.levels_in_name(parameter.name.rstrip("p"))
                level = words.level_of_type(parameter.type) or (named[0] if len(named) == 1 else "")
                if "pgtable_t" in parameter.type or "struct page" in parameter.type:
                    level = "pte"
                return level
        return ""

    def missing(self, name: str, path: str) -> bool:
        """Say whether nothing in reach of a file defines a name."""
        if name in self.facts.hooks or name in self.facts.declared or self.candidates(name, path):
            return False
        return not self._defined(name, architecture(path))

    def values(self, name: str, path: str) -> set[str]:
        """The values that a constant of the architecture may have, as they are written."""
        return self._values(name, architecture(path)) if name.isidentifier() and architecture(path) else set()

    def callback_levels(self, name: str, path: str) -> frozenset[str]:
        """The levels of the tables that a function makes when it is handed on as an allocator."""
        return self._callbacks_of(path).get(name, (frozenset(), ()))[0]

    def callback_evidence(self, name: str, path: str) -> tuple[Evidence, ...]:
        """Where a function is handed on, and where its results are installed."""
        return self._callbacks_of(path).get(name, (frozenset(), ()))[1]

    def _callbacks_of(self, path: str) -> dict[str, tuple[frozenset[str], tuple[Evidence, ...]]]:
        if path not in self._callbacks:
            self._callbacks[path] = {}
            self._callbacks[path] = handed_on(self, path)
        return self._callbacks[path]

    # Summaries

    def concerned(self, piece: Piece) -> bool:
        """Say whether a function is walked through for its own sake: it makes, installs, destroys or frees tables."""
        known = self._concerned.get(piece)
        if known is None:
            known = self._concerned[piece] = self._concerns_tables(piece)
        return known

    def _concerns_tables(self, piece: Piece) -> bool:
        if relevance.changes_tables(piece) or self._stands_in(piece):
            return True
        if relevance.takes_memory(piece) and (
            relevance.speaks_of_tables(piece) or self.callback_levels(piece.name, piece.path)
        ):
            return True
        if ("free" in piece.name or "alloc_one" in piece.name) and relevance.named_after_tables(piece):
            return self.interesting(piece)
        return any(self._wrapper(name, piece.path) for name in self._called(piece))

    def _called(self, piece: Piece) -> Iterable[str]:
        """The functions that a function calls and that are known, in order."""
        return sorted((piece.called & self._functions.keys()) - {piece.name})

    def _wrapper(self, name: str, path: str) -> bool:
        """Whether a function does something to tables for its callers."""
        pieces = self.candidates(name, path)
        if not any(relevance.changes_tables(piece) and self.interesting(piece) for piece in pieces):
            return False
        return any(outcome.matters for outcome in self.summary(name, path) or ())

    def interesting(self, piece: Piece) -> bool:
        """Say whether a function may do something to a table that it is given or returns, itself or by its callees."""
        known = self._interest.get(piece)
        if known is None:
            known = self._interest[piece] = self._leads_to_tables(piece)
        return known

    def _leads_to_tables(self, piece: Piece) -> bool:
        seen, waiting = {piece}, [(piece, 0)]
        while waiting:
            caller, depth = waiting.pop()
            if self._interest.get(caller) is False or not relevance.may_hold_table(caller):
                continue
            if self._interest.get(caller) or relevance.takes_tables(caller) or self._stands_in(caller):
                return True
            names = (name for name in self._called(caller) if not words.borrows(name)) if depth < MAX_FORWARDS else ()
            for callee in itertools.chain.from_iterable(self.candidates(name, caller.path) for name in names):
                if callee not in seen:
                    seen.add(callee)
                    waiting.append((callee, depth + 1))
        return False

    def summary(self, name: str, path: str) -> tuple[Outcome, ...] | None:
        """Return how a function may end, None when that is not known."""
        pieces = self.candidates(name, path)
        if not pieces:
            return self._default(name)
        place = (name, "|".join(f"{piece.path}:{piece.line}" for piece in pieces))
        if place in self._summaries:
            return self._summaries[place]
        self._summaries[place] = None
        if self._depth >= MAX_CALL_DEPTH:
            return None
        self._depth += 1
        by_file: dict[str, set[Outcome]] = defaultdict(set)
        for piece in pieces:
            found = self._outcomes(piece)
            if len(pieces) > 1 and piece.condition:
                needed = {Guard(-1, name, truth) for name, truth in atoms(piece.condition).items()}
                found = {replace(outcome, guards=outcome.guards | needed) for outcome in found}
            by_file[piece.path] |= found
        self._depth -= 1
        answers = {frozenset(found) for found in by_file.values()}
        if len(answers) > 1:  # the configuration decides which one is meant
            return None
        outcomes = set(answers.pop())
        result = tuple(sorted(_simplified(outcomes), key=repr))
        matters = any(outcome.matters or outcome.argument >= 0 for outcome in result)
        self._summaries[place] = result if matters or all(o.value == "null" for o in result) else None
        return self._summaries[place]

    def _outcomes(self, piece: Piece) -> set[Outcome]:
        if not self.interesting(piece):
            return {Outcome("unknown")}
        reports = self.reports(piece)
        outcomes = set().union(*(report.outcomes for report in reports))
        vague = any(report.gave_up or report.vague for report in reports)
        return outcomes | {Outcome("unknown")} if vague else outcomes

    def _default(self, name: str) -> tuple[Outcome, ...] | None:
        """What the documented allocators do, where the tree at hand does not show them."""
        if found := re.fullmatch(r"(pte|pmd|pud|p4d)_alloc_one", name):
            level = found.group(1)
            hook = next((h for h in self.facts.hooks.values() if h.constructs and h.level == level), None)
            table = Table("alloc", "", level, "no", ctor=level if hook else "", result="ok" if hook else "")
            return Outcome("null"), Outcome("fresh", "page" if level == "pte" else "virt", table)
        if re.fullmatch(r"(?:pte|pmd|pud|p4d|pgd)_free", name):
            return (Outcome("void", effects=((1, Effect(destroyed=name, freed=name)),)),)
        return None

    def reports(self, piece: Piece) -> list[Report]:
        """Walk through a function, once."""
        return self.walks.of(piece)

    def pieces(self) -> Iterator[Piece]:
        """All functions and macros that are known."""
        for pieces in self._functions.values():
            yield from pieces

    def ends_of(self, name: str, path: str) -> list[Outcome]:
        """How a function may end, whichever of its definitions the configuration chooses."""
        found = [outcome for piece in self.candidates(name, path) for outcome in self._outcomes(piece)]
        return found or list(self.summary(name, path) or ())

    def made(self, name: str, path: str) -> list[Table]:
        """The tables that an allocator may return, as seen from a file."""
        return [outcome.fresh for outcome in self.ends_of(name, path) if outcome.fresh is not None]

    def destroys(self, name: str, path: str) -> bool:
        """Say whether a free function, as seen from a file, runs a destructor."""
        return any(effect.destroyed for outcome in self.ends_of(name, path) for _, effect in outcome.effects)

    def level_destroyed(self, level: str, path: str) -> bool:
        """Say whether tables of a level are destroyed when they are freed, as seen from a file."""
        return any(self.destroys(name, path) for name in (f"{level}_free", f"__{level}_free_tlb"))

    def families(self, level: str, path: str) -> set[str]:
        """The allocators that tables of a level come from, as seen from a file."""
        return {table.family for table in self.made(allocator(level), path)}

    def constructs(self, level: str, path: str) -> bool | None:
        """Say whether the level's allocator, as seen from a file, returns constructed tables; None when not known."""
        made = self.made(allocator(level), path) or self.made(f"__{allocator(level)}", path)
        made = [table for table in made if table.family in words.PAGE_FAMILIES] or made
        answers = {bool(table.ctor) for table in made}
        return answers.pop() if len(answers) == 1 else None


def allocator(level: str) -> str:
    """The name of the function that allocates a user table of a level."""
    return "pgd_alloc" if level == "pgd" else f"{level}_alloc_one"


def _nearest(pieces: list[Piece], path: str) -> list[Piece]:
    """Of several headers, keep those that share the longest folder with a file."""
    if len({piece.path for piece in pieces}) < 2 or any(not piece.path.endswith(".h") for piece in pieces):
        return pieces
    here = path.split("/")
    shared = [
        sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(piece.path.split("/"), here, strict=False)))
        for piece in pieces
    ]
    return [piece for length, piece in zip(shared, pieces, strict=True) if length == max(shared)]


def _simplified(outcomes: set[Outcome]) -> set[Outcome]:
    """Drop guards that decide nothing: the same end both with a test and without it."""
    changed = True
    while changed:
        changed = False
        for outcome in sorted(outcomes, key=repr):
            for guard in sorted(outcome.guards):
                flipped = outcome.guards - {guard} | {Guard(guard.argument, guard.constant, not guard.holds)}
                twin = replace(outcome, guards=flipped)
                if twin in outcomes:
                    outcomes -= {outcome, twin}
                    outcomes.add(replace(outcome, guards=outcome.guards - {guard}))
                    changed = True
                    break
            if changed:
                break
    return outcomes


def load(files: Files, facts: Facts, paths: Sequence[str]) -> Program:
    """Read the given files into a program."""

    def defined(name: str, place: str) -> bool:
        folders = ["include", *([f"arch/{place}"] if place else [])]
        wanted = re.compile(rf"\bdefine\s+{name}\b|^\w[\w \t*]*[ \t*]{name}\s*\(", re.MULTILINE)
        for path in files.containing([name], folders):
            source = read_source(files, path)
            if source is not None and any(piece.name == name for piece in source.pieces):
                return True
            if source is not None and path.endswith(".h") and wanted.search(source.text):
                return True
        return False

    def values(name: str, place: str) -> set[str]:
        wanted = re.compile(rf"^[ \t]*#[ \t]*define[ \t]+{name}[ \t]+(\S+)", re.MULTILINE)
        texts = (files.read(path) or b"" for path in files.containing([name], [f"arch/{place}/include"]))
        return {value for text in texts for value in wanted.findall(text.decode("latin-1"))}

    sources = (source for path in paths if (source := read_source(files, path)) is not None)
    return Program(facts, sources, defined, values)
