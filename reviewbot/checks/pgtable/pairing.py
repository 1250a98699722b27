"""Which allocator belongs to which free: by role, by what roles call, and within one file.

``pte_alloc_one()`` and ``pte_free()`` are a pair by the kernel's convention.
What they merely forward to has the same role. Late and hotplug tables have
no such names; there the functions of one file are held against each other.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from reviewbot.checks.c.source import Parameter, Piece, Source
from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.program import Program
from reviewbot.checks.pgtable.sources import architecture
from reviewbot.checks.pgtable.state import Step, Table

_ROLE = re.compile(r"_{0,3}(pte|pmd|pud|p4d|pgd)_(alloc_one|alloc|free|free_tlb|free_defer)")
#: what a flag may say of a table: whose it is, and where it comes from
_KIND = re.compile(r"kernel|user|vmemmap|direct|early|boot|late|guest|shadow|free|reserved|pgste")
#: such tables come from the boot allocator, or serve no address space
_NEVER = re.compile(r"vmemmap|early|boot|reserved")
#: how far a role is followed through functions that forward
MAX_FORWARDS = 3


def is_page(table: Table) -> bool:
    """Say whether a table was allocated, on this path, from memory that can be constructed."""
    return table.origin == "alloc" and table.family in words.PAGE_FAMILIES


def guarded_level(step: Step) -> str:
    """The level that the tests on the path choose (``shift == PMD_SHIFT``, ``case TABLE_PMD``), or ""."""
    levels = set()
    for text, truth in step.known:
        _, separator, constant = text.partition(" == ")
        if truth and separator and (level := words.level_of_constant(constant)):
            levels.add(level)
    return levels.pop() if len(levels) == 1 else ""


def excluded_levels(step: Step) -> set[str]:
    """The levels that the tests on the path rule out (``type != TABLE_PTE``)."""
    tests = (text.partition(" == ")[2] for text, truth in step.known if not truth)
    return {level for constant in tests if (level := words.level_of_constant(constant))}


def decided_apart(step: Step, other: Step) -> bool:
    """Whether a test that is remembered tells the paths of two events apart: the choice may be right then."""
    known = dict(other.known)
    return any(known.get(text, truth) != truth for text, truth in step.known)


#: counting the users of a page chooses no level
_COUNTS = re.compile(r"(?:page_ref|atomic|refcount)_\w+\(")


_CHOOSES = re.compile(r" (?:==|<=?) ")


def chosen_at_run_time(step: Step) -> bool:
    """Whether the path was taken for some value, as where a folded pgd is the pmd; mm and Kconfig choose no level."""
    return any(
        truth and _CHOOSES.search(text) and not text.startswith("#") and not text.endswith(" == &init_mm")
        for text, truth in step.known
        if not _COUNTS.match(text)
    )


def for_kernel(step: Step) -> bool | None:
    """Whether the path is that of the kernel's tables, by a flag of the function; None when no flag says so."""
    for text, truth in step.known:
        if text in ("kernel?", "user?"):
            return truth == (text == "kernel?")
    return None


def never_constructed(step: Step) -> bool | None:
    """Whether the path is that of tables which are never constructed, by a flag; None when no flag says so."""
    for text, truth in step.known:
        if text.endswith("?") and _NEVER.search(text):
            return truth
    return None


def named_role(name: str) -> tuple[str, str]:
    """The level and the action that a name promises: ``pmd_alloc_one`` is (pmd, alloc)."""
    found = _ROLE.fullmatch(name)
    if not found:
        return "", ""
    level, action = found.groups()
    if action.startswith("alloc"):
        alone = action == "alloc_one" or (level == "pgd" and action == "alloc")
        return (level, "alloc") if alone else ("", "")
    return level, "tlb" if action == "free_tlb" else "free"


def _own_role(piece: Piece) -> bool:
    return bool(named_role(piece.name)[0]) or "kernel" in piece.name


def level_named(piece: Piece) -> str:
    """The one level that a function's name speaks of, "" when it is none or several."""
    if "pgtable" in piece.name:
        return ""  # pgd_pgtable_alloc() makes tables for a pgd, of any level
    levels = set(words.levels_in_name(piece.name))
    return levels.pop() if len(levels) == 1 else ""


def frees_by_role(piece: Piece) -> bool:
    """Whether a function leaves a table to the free function of its level."""
    return any(named_role(name)[1] == "free" or name == "pte_free_kernel" for name in piece.called)


def siblings(piece: Piece, source: Source) -> Iterator[Piece]:
    """The functions of the same file that do the same for another level: ``free_pmd_table`` for ``free_pte_table``."""
    level = level_named(piece)
    names = {re.sub(rf"(?<![a-z0-9]){level}(?![a-z0-9])", other, piece.name) for other in words.LEVELS if level}
    yield from (other for other in source.pieces if other.name in names - {piece.name})


@dataclass(slots=True)
class FilePairs:
    """What the functions of one file do, by level.

    :ivar constructed: levels of pages that are allocated and constructed in the file.
    :ivar plain: levels of pages that are allocated and handed on unconstructed; "" for no particular level.
    :ivar destroyed: levels whose tables of unknown past are destroyed; "" for all.
    """

    constructed: set[str] = field(default_factory=set)
    plain: set[str] = field(default_factory=set)
    destroyed: set[str] = field(default_factory=set)


class Pairing:
    """The pairs of a program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._roles: dict[str, dict[Piece, set[tuple[str, str]]]] = {}
        self._files: dict[str, FilePairs] = {}
        self._named: dict[str, list[Piece]] = defaultdict(list)

    def inherited(self, piece: Piece) -> set[tuple[str, str]]:
        """The roles (level, action) that a function has because role functions forward to it."""
        place = architecture(piece.path)
        if place not in self._roles:
            self._roles[place] = self._forwarded(place)
        return self._roles[place].get(piece, set())

    def role_pieces(self, place: str) -> list[Piece]:
        """The functions of an architecture whose names are roles."""
        if not self._named:
            for piece in self._program.pieces():
                if named_role(piece.name)[0]:
                    self._named[architecture(piece.path)].append(piece)
        return self._named[place]

    def ends_batch(self, place: str, names: Collection[str]) -> bool:
        """Whether an architecture's own __tlb_remove_table() runs one of these destructors."""
        return any(
            f"{name}(" in step.text
            for piece in self._program.anywhere("__tlb_remove_table", place)
            for report in self._program.reports(piece)
            for outcome in report.outcomes
            for step in outcome.trail
            for name in names
        )

    def _forwarded(self, place: str) -> dict[Piece, set[tuple[str, str]]]:
        roles: dict[Piece, set[tuple[str, str]]] = defaultdict(set)
        waiting = [(piece, named_role(piece.name), 0) for piece in self.role_pieces(place)]
        while waiting:
            piece, role, depth = waiting.pop()
            for callee in self._forwards(piece, role[1]):
                if role not in roles[callee] and depth < MAX_FORWARDS and not _own_role(callee):
                    roles[callee].add(role)
                    waiting.append((callee, role, depth + 1))
        return roles

    def _forwards(self, piece: Piece, action: str) -> Iterator[Piece]:
        """The functions whose table a function returns, or to which it leaves its own to be freed."""
        steps = [step for report in self._program.reports(piece) for step in report.steps]
        returned = {step.table for step in steps if step.kind == "return" and step.detail == "returned"}
        for step in steps:
            if action == "alloc":
                passes = step.kind == "alloc" and step.table in returned
            else:
                free = step.kind == "free" and step.before.origin == "param"
                passes = free and step.before.destroyed in ("", step.name)
            if passes and step.name not in words.ALLOCATORS and step.name not in words.FREERS:
                yield from self._program.candidates(step.name, piece.path)

    def file(self, path: str) -> FilePairs:
        """The pairs within one file; headers are paired by role alone."""
        if path not in self._files:
            pairs = self._files[path] = FilePairs()
            source = self._program.sources.get(path)
            for piece in source.pieces if source and path.endswith(".c") else ():
                if self._program.concerned(piece):
                    self._note(piece, pairs)
        return self._files[path]

    def flagged(self, path: str, *, kernel: bool) -> tuple[str, bool] | None:
        """Whether the allocator of a file that is told whose table is wanted constructs the one or the other kind.

        :return: its name and the answer; None when there is no such allocator, or it does both.
        """
        source = self._program.sources.get(path)
        answers = set()
        for piece in source.pieces if source else ():
            if not any(parameter.name == "kernel" for parameter in piece.parameters):
                continue
            steps = [step for report in self._program.reports(piece) for step in report.steps]
            own = {step.table for step in steps if step.kind == "alloc" and step.name in words.ALLOCATORS}
            for step in steps:
                asked = for_kernel(step) in (kernel, None)
                if step.table in own and step.detail == "returned" and is_page(step.before) and asked:
                    answers.add((piece.written, bool(step.before.ctor)))
        return answers.pop() if len(answers) == 1 else None

    def _note(self, piece: Piece, pairs: FilePairs) -> None:
        named = level_named(piece)
        for report in self._program.reports(piece):
            for step in report.steps:
                if step.kind == "ctor" and step.level and is_page(step.before):
                    pairs.constructed.add(step.level)
                elif step.kind == "alloc" and step.before.live and "alloc" in piece.name:
                    if any(end.table == step.table and _handed_on(end) for end in report.steps):
                        pairs.constructed.add(step.before.ctor)
                elif step.kind == "dtor" and step.before.origin != "alloc":
                    pairs.destroyed.add(step.level or step.before.level or named)
                elif _handed_on_plain(step) and not kind_given(piece):
                    pairs.plain.add(named)


def kind_given(piece: Piece) -> bool:
    """Whether the caller says what kind of table it is (``kernel``, ``is_vmemmap``): not all need a constructor."""
    return any(parameter.name == "kernel" or _is_kind(parameter) for parameter in piece.parameters)


def _is_kind(parameter: Parameter) -> bool:
    return parameter.type == "bool" and _KIND.search(parameter.name) is not None


def _handed_on(step: Step) -> bool:
    """Whether a table is returned, or stays installed, when the function is left."""
    kept = step.before.escaped and not step.before.freed and step.before.null != "yes"
    return step.kind == "return" and (step.detail == "returned" or kept)


def _handed_on_plain(step: Step) -> bool:
    """Whether a page is returned unconstructed, and not because the caller asked for such a one."""
    returned = step.kind == "return" and step.detail == "returned" and is_page(step.before)
    return returned and not step.before.ctor and not any(" == " in text for text, _ in step.known)
