"""Mistakes planted where tables are taken and given back through the architecture's functions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from benchmarks.ctor.csource import Body, Edit, Unit, walk
from benchmarks.ctor.mutation import INTER, INTRA, Mutation, removed
from benchmarks.ctor.sites import Epoch

_CALL = re.compile(r"(pte|pmd|pud|p4d)_(alloc_one|free)\Z")
_TAKEN = re.compile(r"\b(\w+) = (?:\(\w+ \*\))?(pte|pmd|pud|p4d)_alloc_one\(")
# Where pgtable_t is a struct page pointer and nothing else, whatever the architecture.
GENERIC_FILES = ("mm/memory.c", "mm/huge_memory.c", "mm/khugepaged.c", "mm/mremap.c")
ARCH_FILES = ("arch/x86/mm/pgtable.c", "arch/arm64/mm/mmu.c", "arch/arm/mm/pgd.c", "arch/riscv/mm/pgtable.c")


def constructs(epoch: Epoch, level: str) -> bool:
    """Whether every architecture's user tables of a level are constructed in this epoch."""
    return {"pte": True, "pmd": epoch.name >= "E2", "pud": epoch.name >= "E4", "p4d": epoch.name >= "E5"}[level]


def caller_mutations(unit: Unit, epoch: Epoch) -> Iterator[Mutation]:
    """Yield the mutations of one file at its calls of ``pte_free()``, ``pmd_alloc_one()`` and the like."""
    for body in unit.bodies:
        if _CALL.match(body.name) or body.macro:
            continue
        for call in body.calls:
            match = _CALL.match(body.callee(call))
            if match and match[1] in ("pud", "p4d") and unit.path not in GENERIC_FILES:
                continue  # an architecture may fold it
            if match and match[2] == "free" and constructs(epoch, match[1]):
                yield from _at_free(body, call, match[1], epoch)
            elif match and match[2] == "alloc_one" and constructs(epoch, match[1]):
                yield from _at_allocation(body, call, match[1], epoch)


def _change(body: Body, call: Node, kind: str, rules: str, *edits: Edit, scope: str = INTER) -> Mutation:
    path = body.unit.path
    where = (body.start(call),)
    return Mutation(kind, tuple(rules.split()), scope, {path: edits}, path, (body.name,), where)


def _descriptor(level: str, table: str, epoch: Epoch) -> str:
    if level == "pte":
        return f"page_ptdesc({table})" if epoch.name >= "E3" else table
    return f"virt_to_ptdesc({table})" if epoch.name >= "E3" else f"virt_to_page({table})"


def _at_free(body: Body, call: Node, level: str, epoch: Epoch) -> Iterator[Mutation]:
    statement = call.parent
    arguments = body.arguments(call)
    if statement is None or statement.type != "expression_statement" or len(arguments) != 2:
        return
    table = body.text(arguments[1])
    lost_race = "C17 C06 C14" if _populates(body) else "C06 C14 C17"
    raw = f"__free_page({table});" if level == "pte" else f"free_page((unsigned long){table});"
    yield _change(body, call, "raw-free", lost_race, body.replace(statement, raw))
    dtor = epoch.spell("dtor", level)
    destroyed = f"{dtor}({_descriptor(level, table, epoch)});"
    text = f"{{ {destroyed} {body.text(statement)} }}"
    yield _change(body, call, "dtor-before-free-function", "C07", body.replace(statement, text))
    if _populates(body) and re.search(rf"\b{table} = (?:\(\w+ \*\))?{level}_alloc_one\(", body.text(body.node)):
        guard = statement.parent
        whole = (
            guard if guard is not None and guard.type == "if_statement" and _guards(body, guard, table) else statement
        )
        yield _change(body, call, "lost-race-leak", "C17 C10", removed(body, whole), scope=INTRA)


def _guards(body: Body, guard: Node, table: str) -> bool:
    condition = guard.child_by_field_name("condition")
    return condition is not None and body.text(condition) == f"({table})"


def _populates(body: Body) -> bool:
    return any(re.match(r"(p\w\w_populate|pmd_install)\b", body.callee(call)) for call in body.calls)


def _at_allocation(body: Body, call: Node, level: str, epoch: Epoch) -> Iterator[Mutation]:
    if not _populates(body):
        return
    raw = "alloc_page(GFP_PGTABLE_USER)" if level == "pte" else f"({level}_t *)get_zeroed_page(GFP_KERNEL)"
    yield _change(body, call, "raw-allocation", "C02 C25 C09 C14", body.replace(call, raw))
    name, ctor = _assigned(body, call), epoch.spell("ctor", level)
    test = _null_test(body, call, name)
    if test is None or ctor is None:
        return
    argument = _descriptor(level, name, epoch)
    mm = "mm, " if epoch.takes_mm and level in ("pte", "pmd") else ""
    again = f"BUG_ON(!{ctor}({mm}{argument}));" if level in ("pte", "pmd") else f"{ctor}({argument});"
    yield _change(body, call, "ctor-after-allocating-function", "C08", body.after(test, again))


def _assigned(body: Body, call: Node) -> str:
    parent = call.parent
    while parent is not None and parent.type not in ("init_declarator", "assignment_expression"):
        parent = parent.parent
    if parent is None:
        return ""
    left = parent.child_by_field_name("declarator") or parent.child_by_field_name("left")
    return body.text(left).lstrip("* ") if left is not None else ""


def _null_test(body: Body, call: Node, name: str) -> Node | None:
    for node in walk(body.node, "if_statement"):
        condition = node.child_by_field_name("condition")
        if node.start_byte > call.start_byte and condition is not None and body.text(condition) == f"(!{name})":
            return node
    return None


def candidate_files(epoch: Epoch) -> tuple[str, ...]:
    """Files in which such calls are looked for."""
    return (*GENERIC_FILES, *(ARCH_FILES if epoch.name >= "E2" else ()))
