"""Mistakes that no single function shows: overrides without their half, helpers that forget, pairs across files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ctor.csource import Edit, Unit
from benchmarks.ctor.mutation import INTER, Mutation, operator
from benchmarks.ctor.sites import Epoch, Site

_GENERIC = "include/asm-generic/pgalloc.h"
_INCLUDE = re.compile(rb"^#include <asm-generic/pgalloc\.h>.*$", re.MULTILINE)


def override_mutations(tree: Path, epoch: Epoch) -> Iterator[Mutation]:
    """Give an architecture its own half of a pair whose other half stays generic."""
    generic = (tree / _GENERIC).read_text(errors="replace")
    for header in sorted(tree.glob("arch/*/include/asm/pgalloc.h")):
        data = header.read_bytes()
        include = _INCLUDE.search(data)
        if include is None:
            continue
        path = header.relative_to(tree).as_posix()
        for macro, function, code in _halves(epoch):
            above = {"pmd": b"pud_populate", "pud": b"p4d_populate"}[function[:3]]
            if above not in data:
                continue  # the level is folded here
            ours = macro.encode() in data or re.search(rb"\b%s\b" % function.encode(), data)
            if f"#ifndef {macro}" in generic and not ours:
                text = f"#define {macro}\n{code}\n".encode()
                edit = Edit(include.start(), include.start(), text)
                rules = ("C25", "C02") if "alloc" in function else ("C25", "C06")
                kind = "override-without-ctor" if "alloc" in function else "override-without-dtor"
                yield Mutation(kind, rules, INTER, {path: (edit,)}, path, (function,), (include.start(),))


def _halves(epoch: Epoch) -> Iterator[tuple[str, str, str]]:
    if epoch.name >= "E2":
        yield (
            "__HAVE_ARCH_PMD_ALLOC_ONE",
            "pmd_alloc_one",
            "static inline pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)\n{\n"
            "\treturn (pmd_t *)get_zeroed_page(GFP_PGTABLE_USER);\n}",
        )
        yield (
            "__HAVE_ARCH_PMD_FREE",
            "pmd_free",
            "static inline void pmd_free(struct mm_struct *mm, pmd_t *pmd)\n{\n\tfree_page((unsigned long)pmd);\n}",
        )
    if epoch.name >= "E4":
        yield (
            "__HAVE_ARCH_PUD_ALLOC_ONE",
            "pud_alloc_one",
            "static inline pud_t *pud_alloc_one(struct mm_struct *mm, unsigned long addr)\n{\n"
            "\treturn (pud_t *)get_zeroed_page(GFP_PGTABLE_USER);\n}",
        )
        yield (
            "__HAVE_ARCH_PUD_FREE",
            "pud_free",
            "static inline void pud_free(struct mm_struct *mm, pud_t *pud)\n{\n\tfree_page((unsigned long)pud);\n}",
        )


@operator
def forgetful_helper(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Put the call behind a new helper that gets it wrong, or call it beside a helper that already does it."""
    body = site.body
    if body.macro:
        return
    table = "struct ptdesc *table" if epoch.name >= "E3" else "struct page *table"
    mm, pass_mm = ("struct mm_struct *mm, ", "mm, ") if epoch.takes_mm and site.testable else ("", "")
    ours = body.text(body.arguments(site.call)[0]) + ", " if pass_mm else ""
    simple = site.failing is not None and site.operation is None
    if site.testable and simple and body.unit.path != "arch/m68k/mm/motorola.c":
        helper = f"static inline void prepare_table({mm}{table})\n{{\n\t{site.name}({pass_mm}table);\n}}\n\n"
        call = body.replace(site.statement, f"prepare_table({ours}{site.table});")
        yield _helped(site, "helper-ignores-result", "C01", helper, (call,))
        helper = f"static inline bool prepare_table({mm}{table})\n{{\n\treturn {site.name}({pass_mm}table);\n}}\n\n"
        yield _helped(site, "helper-result-ignored", "C01", helper, (call,))
        again = body.after(site.statement, f"if (!prepare_table({ours}{site.table}))\n\t\treturn NULL;")
        yield _helped(site, "helper-constructs-again", "C08 C10", helper, (again,))
        helper = f"static inline bool prepare_table({mm}{table})\n{{\n\treturn table != NULL;\n}}\n\n"
        call = body.replace(site.call, f"prepare_table({ours}{site.table})")
        yield _helped(site, "helper-without-ctor", "C02 C25", helper, (call,))
    if site.kind == "dtor" and site.plain:
        helper = f"static inline void retire_table({table})\n{{\n\t{site.name}(table);\n}}\n\n"
        yield _helped(
            site, "helper-destroys-again", "C07", helper, (body.before(site.statement, f"retire_table({site.table});"),)
        )
        helper = f"static inline void retire_table({table})\n{{\n\tVM_BUG_ON(!table);\n}}\n\n"
        call = body.replace(site.call, f"retire_table({site.table})")
        yield _helped(site, "helper-without-dtor", "C06 C11 C25", helper, (call,))


def _helped(site: Site, kind: str, rules: str, helper: str, edits: tuple[Edit, ...]) -> Mutation:
    body, path = site.body, site.body.unit.path
    head = helper_place(site)
    functions = (body.name, "prepare_table", "retire_table")
    everything = (Edit(head, head, helper.encode()), *edits)
    return Mutation(
        kind, tuple(rules.split()), INTER, {path: everything}, path, functions, (head, body.start(site.call))
    )


def helper_place(site: Site) -> int:
    """Offset at which a new function can be put in front of the one that makes the call."""
    data, head = site.body.unit.data, site.body.head
    begin = data.rfind(b"\n", 0, head) + 1
    return begin if not data[begin:head].strip() else head


def generic_free_mutations(tree: Path, epoch: Epoch) -> Iterator[Mutation]:
    """Take the generic batched free its destructor, where the generic code has to run it."""
    path = "include/asm-generic/tlb.h"
    data = (tree / path).read_bytes()
    unit = Unit(path, data)
    for body in unit.bodies:
        for call in body.calls:
            if body.callee(call) == "pagetable_dtor" and call.parent is not None:
                edit = body.replace(call.parent, "")
                yield Mutation(
                    "drop-generic-dtor",
                    ("C11", "C06", "C25"),
                    INTER,
                    {path: (edit,)},
                    path,
                    (body.name,),
                    (body.start(call),),
                )
