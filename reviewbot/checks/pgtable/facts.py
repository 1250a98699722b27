"""What a tree says about its page-table API: its epoch and the facts that decide the rules.

Read from the headers of the tree, never from a version number: vendor and
stable trees carry backports, so the same code is right in one and wrong in
another. Sources: include/linux/mm.h, include/asm-generic/pgalloc.h and tlb.h,
and the Kconfig files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from reviewbot.checks.c.source import Piece, Source
from reviewbot.checks.pgtable.sources import read_source
from reviewbot.checks.pgtable.vocabulary import LEVELS, is_hook_name
from reviewbot.errors import NotFoundError
from reviewbot.tree.files import Files

MM_H = "include/linux/mm.h"
PGALLOC_H = "include/asm-generic/pgalloc.h"
TLB_H = "include/asm-generic/tlb.h"
#: headers that declare what a page-table allocator may call
API_HEADERS = (MM_H, "include/linux/mm_types.h", "include/linux/gfp.h", "include/linux/pgtable.h", PGALLOC_H, TLB_H)

#: the states that the API has been in
EPOCHS = {
    "E0": "up to Linux 5.3", "E1": "from Linux 5.4", "E2": "from Linux 5.9", "E3": "from Linux 6.6",
    "E4": "from Linux 6.7", "E5": "from Linux 6.14", "E6": "from Linux 6.16", "E7": "proposed",
}  # fmt: skip


def epochs_in_words() -> str:
    """Say what the names of the epochs stand for."""
    return (
        "E0 to E7 are the states that the interface of the page-table constructors has been in: "
        f"{', '.join(f'{name} {when}' for name, when in EPOCHS.items())}. "
        "Which one holds is read from the tree, never from its version."
    )


@dataclass(frozen=True, slots=True)
class Hook:
    """A constructor or destructor of this tree.

    :ivar level: the level it is for; "" for one that serves all.
    :ivar arity: number of parameters; ``table`` the index of the table among them, ``mm`` that of the mm or -1.
    :ivar fails: whether it returns a result that must be tested.
    :ivar frees: whether it also frees the table.
    """

    name: str
    constructs: bool
    level: str
    arity: int
    table: int
    mm: int
    fails: bool
    frees: bool
    line: int = field(compare=False)
    file: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The page-table API of one tree.

    :ivar epoch: ``E0`` … ``E7``, "" when the tree has no such API.
    :ivar declared: every name of the API that the headers of the tree define.
    :ivar queues: functions that pass a table to the mmu_gather and also see to its destructor.
    :ivar generic_dtor: levels whose generic free in asm-generic/pgalloc.h destroys.
    :ivar split_pmd: architectures that may split the pmd lock.
    :ivar overrides: architecture -> the ``__HAVE_ARCH_…`` that it defines.
    :ivar pgtable_forms: architecture -> what pgtable_t is there: ``page`` or ``virt``; missing when it depends.
    """

    epoch: str
    hooks: dict[str, Hook]
    declared: frozenset[str]
    queues: frozenset[str]
    generic_dtor: frozenset[str]
    split_pmd: frozenset[str]
    overrides: dict[str, frozenset[str]] = field(default_factory=dict)
    pgtable_forms: dict[str, str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """The epoch as a number, -1 when there is none."""
        return int(self.epoch[1:]) if self.epoch else -1

    def ctor_levels(self) -> frozenset[str]:
        """The levels that have a constructor at all."""
        return frozenset(hook.level for hook in self.hooks.values() if hook.constructs and hook.level)

    def must_construct(self, level: str, architecture: str, *, kernel: bool = False) -> bool:
        """Say whether a table of this level has to be constructed (sections 1 and 2 of the rules)."""
        if level not in self.ctor_levels():
            return False
        if kernel and level == "pte":
            return self.number == 6
        if level == "pmd" and self.number in (0, 1):
            return architecture in self.split_pmd if architecture else bool(self.split_pmd)
        return True

    def describe(self) -> list[str]:
        """One line per fact, for people."""
        lines = [f"epoch {self.epoch} ({EPOCHS[self.epoch]})" if self.epoch else "epoch unknown"]
        for hook in sorted(self.hooks.values(), key=lambda hook: (not hook.constructs, hook.level, hook.name)):
            kind = "bool" if hook.fails else "void"
            lines.append(f"{hook.file}:{hook.line}: {kind} {hook.name}() with {hook.arity} argument(s)")
        by = "the generic code" if self.queues else "each architecture's __p??_free_tlb"
        lines.append(f"destructor of a table freed through the mmu_gather: {by}")
        lines.append("generic free destroys: " + (", ".join(_sorted(self.generic_dtor)) or "no level"))
        lines.append("kernel page tables: " + ("constructed" if self.number == 6 else "not constructed"))
        lines.append("split pmd locks: " + (", ".join(sorted(self.split_pmd)) or "no architecture"))
        for form, what in (("page", "a struct page"), ("virt", "the entries themselves")):
            places = ", ".join(sorted(name for name, known in self.pgtable_forms.items() if known == form))
            lines.append(f"pgtable_t points to {what}: {places or 'no architecture'}")
        for architecture, names in sorted(self.overrides.items()):
            lines.append(f"{architecture} overrides: {', '.join(sorted(names))}")
        return lines


def _sorted(levels: Iterable[str]) -> list[str]:
    return sorted(levels, key=LEVELS.index)


def hook_of(piece: Piece) -> Hook | None:
    """Read a constructor or destructor from its definition, or None when the piece is none."""
    if piece.kind != "function" or not is_hook_name(piece.name):
        return None
    names = [parameter.type for parameter in piece.parameters]
    table = next((i for i, kind in enumerate(names) if "struct ptdesc" in kind or "struct page" in kind), -1)
    mm = next((i for i, kind in enumerate(names) if "mm_struct" in kind), -1)
    if table < 0:
        return None
    found = re.search(r"(?:^|_)(pte|pmd|pud|p4d|pgd)_", piece.name)
    constructs = re.search(r"_ctor(?:_|$)", piece.name) is not None
    level = found.group(1) if found else "pte" if re.match(r"pgtable_page_", piece.name) else ""
    return Hook(
        piece.name, constructs, level, len(piece.parameters), table, mm, "bool" in piece.result,
        piece.name.endswith("_free"), piece.line, piece.path,
    )  # fmt: skip


def _declarations(source: Source) -> Iterable[str]:
    for piece in source.pieces:
        yield piece.name
    for define in source.defines:
        yield define.name
    bodies = {name for piece in source.pieces for name in piece.called}
    declared = re.findall(r"\b(\w+)\s*\([^;{}]*\)\s*(?:__\w+\s*)*;", source.text)
    yield from (name for name in declared if name not in bodies)


def _epoch(hooks: dict[str, Hook], mm: Source) -> str:
    names = {hook.name for hook in hooks.values()}
    pte = hooks.get("pagetable_pte_ctor")
    allocate = next((piece.body for piece in mm.pieces if piece.name == "pagetable_alloc"), "")
    if pte and pte.arity >= 2:
        return "E7" if "NR_PAGETABLE" in allocate or "__pagetable_ctor" not in mm.text else "E6"
    if pte and "pagetable_dtor" in names:
        return "E5"
    if pte and "pagetable_pud_ctor" in names:
        return "E4"
    if pte:
        return "E3"
    if "pgtable_pte_page_ctor" in names:
        return "E2" if "pmd_ptlock_init" in mm.text else "E1"
    return "E0" if "pgtable_page_ctor" in names else ""


def _queues(tlb: Source | None, hooks: dict[str, Hook]) -> frozenset[str]:
    """Names of the tlb_remove functions of asm-generic/tlb.h that lead to a destructor."""
    if tlb is None:
        return frozenset()
    dtors = {hook.name for hook in hooks.values() if not hook.constructs}
    calls = {piece.name: set(re.findall(r"\b(\w+)\s*\(", piece.body)) for piece in tlb.pieces}
    destroying = {name for name, called in calls.items() if called & dtors}
    if "__tlb_remove_table" in destroying or "tlb_remove_table" in destroying:
        destroying |= {"tlb_remove_table", "__tlb_remove_table"}
    while more := {name for name, called in calls.items() if called & destroying} - destroying:
        destroying |= more
    return frozenset(name for name in destroying if "tlb_remove" in name)


def _destroying(pgalloc: Source | None, hooks: dict[str, Hook]) -> frozenset[str]:
    """Levels whose function in asm-generic/pgalloc.h calls a destructor."""
    if pgalloc is None:
        return frozenset()
    wanted = {hook.name for hook in hooks.values() if not hook.constructs}
    levels = set()
    for piece in pgalloc.pieces:
        found = re.match(r"_{0,2}(pte|pmd|pud|p4d|pgd)_(?:alloc|free)", piece.name)
        if found and "kernel" not in piece.name and wanted & set(re.findall(r"\w+", piece.body)):
            levels.add(found.group(1))
    return frozenset(levels)


def _split_pmd(files: Files, architectures: Iterable[str]) -> frozenset[str]:
    found = set()
    for architecture in architectures:
        for path in (f"arch/{architecture}/Kconfig", f"arch/{architecture}/platforms/Kconfig.cputype"):
            text = (files.read(path) or b"").decode("latin-1")
            if re.search(r"^\s*(?:select|config)\s+ARCH_ENABLE_SPLIT_PMD_PTLOCKS?\b", text, re.MULTILINE):
                found.add(architecture)
    return frozenset(found)


def _pgtable_forms(files: Files, architectures: Iterable[str]) -> dict[str, str]:
    """What each architecture's pgtable_t points to: a struct page or the entries themselves."""
    forms = {}
    for architecture in architectures:
        found = set()
        for name in ("page", "page_32", "page_64", "page_mm", "mmu", "pgtable", "pgtable_types", "pgtable-types"):
            text = (files.read(f"arch/{architecture}/include/asm/{name}.h") or b"").decode("latin-1")
            for kind in re.findall(r"^\s*typedef\s+(struct page|pte_t)\s*\*\s*pgtable_t\s*;", text, re.MULTILINE):
                found.add("page" if kind == "struct page" else "virt")
        if len(found) == 1:
            forms[architecture] = found.pop()
    return forms


def architectures_of(files: Files) -> list[str]:
    """The names below arch/."""
    known = (
        "alpha arc arm arm64 avr32 blackfin c6x cris csky frv h8300 hexagon ia64 loongarch m32r m68k metag microblaze "
        "mips mn10300 nds32 nios2 openrisc parisc powerpc riscv s390 score sh sparc tile um unicore32 x86 xtensa"
    )
    return [name for name in known.split() if files.read(f"arch/{name}/Kconfig") is not None]


def read_facts(files: Files, wanted: Collection[str] = ()) -> Facts:
    """Read the facts of a tree.

    :param wanted: the architectures whose own facts are wanted; all when empty.

    :raises NotFoundError: when the tree has no include/linux/mm.h: it is then no kernel tree.
    """
    mm = read_source(files, MM_H)
    if mm is None:
        raise NotFoundError(f"The tree has no {MM_H}; the page-table check needs a whole kernel tree.")
    headers = [source for path in API_HEADERS if (source := read_source(files, path))]
    hooks: dict[str, Hook] = {}
    declared: set[str] = set()
    for source in headers:
        declared.update(_declarations(source))
        for piece in source.pieces:
            hook = hook_of(piece)
            if hook and (hook.name not in hooks or hook.fails):
                hooks.setdefault(hook.name, hook)
    pgalloc = next((source for source in headers if source.path == PGALLOC_H), None)
    tlb = next((source for source in headers if source.path == TLB_H), None)
    architectures = list(wanted) or architectures_of(files)
    overrides = {}
    for architecture in architectures:
        text = (files.read(f"arch/{architecture}/include/asm/pgalloc.h") or b"").decode("latin-1")
        names = frozenset(re.findall(r"#\s*define\s+__HAVE_ARCH_(\w+)", text))
        if names:
            overrides[architecture] = names
    return Facts(
        _epoch(hooks, mm), hooks, frozenset(declared), _queues(tlb, hooks),
        _destroying(pgalloc, hooks), _split_pmd(files, architectures), overrides, _pgtable_forms(files, architectures),
    )  # fmt: skip
