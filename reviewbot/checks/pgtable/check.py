"""The page-table check: constructors and destructors over the life of each table."""

from __future__ import annotations

import gc
import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from reviewbot.checks.c.source import MAX_FILE, Piece, Source
from reviewbot.checks.pgtable.facts import API_HEADERS, Facts, read_facts
from reviewbot.checks.pgtable.memory import Memory
from reviewbot.checks.pgtable.pairing import Pairing, named_role
from reviewbot.checks.pgtable.program import Program, load
from reviewbot.checks.pgtable.rules import RULES
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.sources import architecture, read_source
from reviewbot.checks.pgtable.told import merged, where_made
from reviewbot.checks.pgtable.vocabulary import ALLOCATORS, CONVERSIONS, FREERS, LOADS, is_hook_name
from reviewbot.checks.protocol import Coverage
from reviewbot.findings import Finding
from reviewbot.sandbox.spread import spread
from reviewbot.tree.files import Files

#: words that a file of the page-table code holds
WORDS = (
    "pagetable_", "pgtable_p", "_alloc_one", "_free_tlb", "_populate", "tlb_remove_", "pgd_alloc", "pgd_free",
    "pte_free", "pmd_free", "pud_free", "p4d_free", "page_table_alloc", "crst_table", "ptdesc",
)  # fmt: skip
#: words that no code but the page-table code uses, for the rest of the tree
API_WORDS = ("pagetable_", "pgtable_p")
#: the generic code that an architecture's answers depend on, besides the headers of the API
_SHARED = ("include/asm-generic/", "virt/kvm/")
#: where page-table code lives
CORE = ("arch", "mm", "include", "kernel", "virt", "lib")
_ELSEWHERE = (
    "block",
    "certs",
    "crypto",
    "fs",
    "init",
    "io_uring",
    "ipc",
    "net",
    "rust",
    "security",
    "sound",
)
#: what a whole tree is searched for, the largest part first: drivers take as long as all others together
_SEARCHES = ((API_WORDS, ("drivers",)), (WORDS, CORE), (API_WORDS, _ELSEWHERE))

#: names of functions that may make or free memory for those who call them
_WRAPPER = re.compile(r"\b(\w*(?:alloc|free|get|put|release|destroy|table|page)\w*)\s*\(")
_COMMON = {*ALLOCATORS, *FREERS, *CONVERSIONS, *LOADS, "clear_page", "clear_highpage", "copy_page"}


class PgtableCheck:
    """Checks how page-table constructors and destructors are used, by the rules C01 … C25."""

    name = "pgtable"
    version = "4"
    title = "Page-table constructors and destructors"

    def __init__(self, rules: Collection[str] = ()) -> None:
        """Take some rules only; when none is named, all that speak of code which was not changed, too."""
        self._chosen = frozenset(rules)
        self._memory = Memory()
        self.rules = {
            code: rule for code, rule in RULES.items() if code in rules or (not rules and not rule.changed_only)
        }

    def for_changes(self) -> tuple[PgtableCheck, Callable[[str], bool]]:
        """Return the check with the rules that need something to compare with, and whether a rule is one of them."""
        return self if self._chosen else PgtableCheck(RULES), lambda code: RULES[code].changed_only

    def check(self, files: Files, paths: Sequence[str], coverage: Coverage) -> Iterator[Finding]:
        """Yield the findings of one state of a tree; see :class:`reviewbot.checks.protocol.Check`."""
        facts = read_facts(files, sorted({architecture(path) for path in paths} - {""}))
        coverage.facts.extend(facts.describe())
        self._memory.turn_to(facts)
        if not paths:
            yield from self._whole_tree(files, facts, coverage)
            return
        with _uncollected():
            program = load(files, facts, _relevant(files, paths), self._memory)
            _widen(files, program)
            found = self._told(program, sorted(set(paths) & set(program.sources)), coverage)
        yield from found

    def _whole_tree(self, files: Files, facts: Facts, coverage: Coverage) -> Iterator[Finding]:
        """Check each architecture, and the generic code, for itself: no answer depends on another architecture."""
        places: defaultdict[str, list[str]] = defaultdict(list)
        searches = spread(lambda part: files.containing(*part), _SEARCHES)
        for path in sorted(set(itertools.chain(*searches))):
            places[architecture(path)].append(path)
        shared = [path for path in places[""] if path.startswith(_SHARED) or path in API_HEADERS]

        def check_place(place: str) -> tuple[list[Finding], Coverage]:
            with _uncollected():
                program = load(files, facts, sorted({*places[place], *shared}), self._memory)
                _widen(files, program)
                seen = Coverage()
                wanted = sorted(path for path in program.sources if architecture(path) == place)
                return self._told(program, wanted, seen), seen

        found: list[Finding] = []
        for findings, seen in spread(check_place, sorted(places, key=lambda place: -len(places[place]))):
            found += findings
            coverage.files += seen.files
            coverage.functions += seen.functions
            coverage.unread += seen.unread
        coverage.files.sort()
        coverage.unread.sort()
        yield from sorted(found, key=lambda finding: finding.location.file)

    def _told(self, program: Program, paths: Sequence[str], coverage: Coverage) -> list[Finding]:
        """The findings of some files, each mistake where it is made."""
        found = list(self._files(program, paths, coverage))
        sources = (program.sources[path] for path in sorted({finding.location.file for finding in found}))
        macros = (piece for source in sources for piece in source.pieces if piece.kind == "macro")
        return where_made(found, {(piece.path, piece.written) for piece in macros if not named_role(piece.name)[0]})

    def _files(self, program: Program, paths: Sequence[str], coverage: Coverage) -> Iterator[Finding]:
        pairing = Pairing(program)
        for path in paths:
            coverage.files.append(path)
            if not program.sources[path].whole:
                coverage.unread.append(f"{path}: only its first {MAX_FILE:,} bytes")
            yield from self._file(program.sources[path], program, pairing, coverage)

    def dependents(self, files: Files, paths: Sequence[str]) -> list[str]:
        """Return the page-table code that a change of these paths may concern: its architecture, or all."""
        if any(path in API_HEADERS for path in paths):
            return files.containing(WORDS, CORE)
        places = sorted({f"arch/{name}" for path in paths if (name := architecture(path))})
        return files.containing(WORDS, places) if places else []

    def _file(self, source: Source, program: Program, pairing: Pairing, coverage: Coverage) -> Iterator[Finding]:
        found: list[Finding] = []
        for piece in source.pieces:
            if piece.name in program.facts.hooks and source.path in API_HEADERS:
                continue
            if not program.concerned(piece) and not pairing.inherited(piece):
                continue
            coverage.functions += 1
            if unread := _unread(piece, program):
                coverage.unread.append(f"{source.path}:{piece.line} {piece.written}: {unread}")
                if piece.broken:
                    continue
            scene = Scene(piece, program.reports(piece), program, pairing)
            for rule in self.rules.values():
                found.extend(rule.check(scene))
        yield from merged(found)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python from looking for cycles in what a run keeps: that took a quarter of its time, and freed 20 MB."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _unread(piece: Piece, program: Program) -> str:
    """Say what of a function was not read, "" when all was."""
    if piece.broken:
        return piece.broken
    for report in program.reports(piece):
        if report.gave_up:
            return report.gave_up
        for line, text in report.graph.errors if report.graph else ():
            if any(is_hook_name(word.strip("( ")) for word in text.replace("(", "( ").split()):
                return f"line {line} cannot be parsed"
    return ""


def _relevant(files: Files, paths: Sequence[str]) -> list[str]:
    """The files that an answer about the given paths depends on."""
    architectures = sorted({f"arch/{name}" for path in paths if (name := architecture(path))})
    if any(not architecture(path) for path in paths):
        generic = ["include/asm-generic", "include/linux", "virt/kvm", "mm"]
    else:
        generic = [*_SHARED, *API_HEADERS]
    return sorted({*files.containing(WORDS, [*architectures, *generic]), *paths})


def _widen(files: Files, program: Program) -> None:
    """Add the files that define what allocators and frees call: a wrapper may lie where no word speaks of tables."""
    unknown: dict[str, set[str]] = defaultdict(set)
    for piece in program.pieces():
        if named_role(piece.name)[0] and (place := architecture(piece.path)):
            unknown[place] |= {name for name in _WRAPPER.findall(piece.body) if not program.knows(name, piece.path)}
    for place, names in unknown.items():
        names -= _COMMON
        for path in files.containing([f"{name}(" for name in names], [f"arch/{place}"]) if names else ():
            source = None if path in program.sources else read_source(files, path)
            if source is not None and any(piece.name in names for piece in source.pieces):
                program.add(source)
