"""The tree as a program: what each function does to tables.

Summaries are computed when they are first asked for, so that a wrapper costs
nothing to support.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace

from reviewbot.checks.c.source import Piece, Source
from reviewbot.checks.c.tree import Expr
from reviewbot.checks.pgtable import relevance
from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.callbacks import handed_on
from reviewbot.checks.pgtable.facts import Facts, Hook
from reviewbot.checks.pgtable.knowledge import Handed
from reviewbot.checks.pgtable.memory import Memory
from reviewbot.checks.pgtable.names import Names
from reviewbot.checks.pgtable.questions import question
from reviewbot.checks.pgtable.sources import architecture, read_source
from reviewbot.checks.pgtable.state import Effect, Guard, Outcome, Table, atoms
from reviewbot.checks.pgtable.walk import Report
from reviewbot.checks.pgtable.walks import Walks
from reviewbot.findings import Evidence
from reviewbot.tree.files import Files

#: a body that may put what it is given somewhere
_KEEPS = re.compile(r"list_add|\bcall_rcu|rcu_assign|smp_store|(?:->|\.)\w+(?:\[[^\]]*\])?\s*=[^=]|\]\s*=[^=]")
MAX_CALL_DEPTH = 10
#: through how many calls a function may lead to one that takes memory for tables
MAX_FORWARDS = 4


class Program(Names):
    """The functions of the files that have to do with page tables."""

    def __init__(
        self,
        facts: Facts,
        sources: Iterable[Source],
        defined: Callable[[str, str], bool] = lambda name, place: False,
        values: Callable[[str, str], set[str]] = lambda name, place: set(),
        memory: Memory | None = None,
    ) -> None:
        super().__init__()
        self.facts = facts
        self._summaries: dict[tuple[str, str, Handed], tuple[Outcome, ...] | None] = {}
        self.walks = Walks(self, self.sources, memory or Memory())
        self._interest: dict[Piece, bool] = {}
        self._concerned: dict[Piece, bool] = {}
        self._callbacks: dict[str, dict[str, tuple[frozenset[str], tuple[Evidence, ...]]]] = {}
        self._defined = defined
        self._values = values
        self._questions: dict[tuple[str, str], tuple[tuple[str, ...], Expr] | None] = {}
        self._depth = 0
        for source in sources:
            self.add(source)

    # What the API and the files say of a name

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

    def constructor(self, name: str, path: str) -> bool:
        """Say whether a name is a constructor whose result must be tested."""
        hook = self.hook(name, path)
        return hook is not None and hook.constructs and hook.fails

    def level_of_dtor(self, name: str) -> str:
        """Return the level of a destructor, "" when it serves all."""
        hook = self.facts.hooks.get(name)
        return hook.level if hook else ""

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
        if relevance.changes_tables(piece) or self.stands_in(piece):
            return True
        if relevance.takes_memory(piece) and (
            relevance.speaks_of_tables(piece) or self.callback_levels(piece.name, piece.path)
        ):
            return True
        if ("free" in piece.name or "alloc_one" in piece.name) and relevance.named_after_tables(piece):
            return self.interesting(piece)
        return any(self._wrapper(name, piece.path) for name in _called(piece, self.changing()))

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
            if self._interest.get(caller) or relevance.takes_tables(caller) or self.stands_in(caller):
                return True
            called = _called(caller, self.known()) if depth < MAX_FORWARDS else []
            names = (name for name in called if not words.borrows(name))
            for callee in itertools.chain.from_iterable(self.candidates(name, caller.path) for name in names):
                if callee not in seen:
                    seen.add(callee)
                    waiting.append((callee, depth + 1))
        return False

    def question(self, name: str, path: str) -> tuple[tuple[str, ...], Expr] | None:
        """Return the parameters of a function and the test that it does on them; None when it does more."""
        if (name, path) not in self._questions:
            pieces = self.candidates(name, path) if name else []
            self._questions[name, path] = question(pieces[0]) if len(pieces) == 1 else None
        return self._questions[name, path]

    def summary(self, name: str, path: str, handed: Handed = ()) -> tuple[Outcome, ...] | None:
        """Return how a function may end that is handed these functions, None when that is not known."""
        pieces = self.candidates(name, path)
        if not pieces:
            return self._default(name)
        place = (name, "|".join(f"{piece.path}:{piece.line}" for piece in pieces), handed)
        if place in self._summaries:
            return self._summaries[place]
        self._summaries[place] = None
        if self._depth >= MAX_CALL_DEPTH:
            return None
        self._depth += 1
        by_file: dict[str, set[Outcome]] = defaultdict(set)
        for piece in pieces:
            found = self._outcomes(piece, handed)
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

    def _outcomes(self, piece: Piece, handed: Handed = ()) -> set[Outcome]:
        if not handed and not self.interesting(piece):
            return {Outcome("unknown")}
        reports = self.walks.of(piece, handed)
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


def _called(piece: Piece, known: Set[str]) -> list[str]:
    """Those of some functions that a function calls, in order."""
    return sorted((piece.called & known) - {piece.name})


def allocator(level: str) -> str:
    """The name of the function that allocates a user table of a level."""
    return "pgd_alloc" if level == "pgd" else f"{level}_alloc_one"


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


def load(files: Files, facts: Facts, paths: Sequence[str], memory: Memory) -> Program:
    """Read the given files into a program; what is remembered of the state before is not followed again."""

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
    return Program(facts, sources, defined, values, memory)
