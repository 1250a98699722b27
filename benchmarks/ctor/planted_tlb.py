"""Mistakes planted where tables are freed in a batch with a TLB flush."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ctor.csource import Body, Edit, Unit
from benchmarks.ctor.mutation import INTER, INTRA, Mutation
from benchmarks.ctor.sites import Epoch

_NAME = re.compile(r"_{2,3}(pte|pmd|pud|p4d)_free_tlb\Z")
_BY_FUNCTION = re.compile(
    rb"^#define (__(pmd|pud)_free_tlb)\((\w+), ?(\w+), ?\w+\)[ \t]+(\2_free\(\(\3\)->mm, \4\))$", re.M
)


def tlb_files(tree: Path) -> list[str]:
    """Return the headers that say how an architecture frees tables in a batch."""
    found = [*tree.glob("arch/*/include/asm/tlb.h"), *tree.glob("arch/*/include/asm/pgalloc*.h")]
    return sorted(path.relative_to(tree).as_posix() for path in found)


def tlb_mutations(unit: Unit, pgalloc: bytes, epoch: Epoch) -> Iterator[Mutation]:
    """Yield the mutations of one header at its ``__p??_free_tlb()``.

    :param pgalloc: what the architecture's ``asm/pgalloc.h`` holds.
    """
    if epoch.generic_tlb_dtor:
        for body in unit.bodies:
            if _NAME.match(body.name):
                yield from _dtor_before_removal(body)
    elif epoch.name >= "E2":
        yield from _without_function(unit, pgalloc, epoch)


def _dtor_before_removal(body: Body) -> Iterator[Mutation]:
    """The generic removal runs the destructor, and the architecture runs it too."""
    for call in body.calls:
        statement = call.parent
        if body.callee(call) != "tlb_remove_ptdesc" or statement is None or statement.type != "expression_statement":
            continue
        table = body.text(body.arguments(call)[1])
        if "pagetable_dtor(" in body.text(body.node):
            continue
        text = f"{{ pagetable_dtor({table}); {body.text(statement)} }}"
        path = body.unit.path
        yield Mutation(
            "dtor-before-tlb-removal",
            ("C07", "C23", "C11"),
            INTRA,
            {path: (body.replace(statement, text),)},
            path,
            (body.name,),
            (body.start(call),),
        )


def _without_function(unit: Unit, pgalloc: bytes, epoch: Epoch) -> Iterator[Mutation]:
    """A batched free that no longer goes through the function that runs the destructor."""
    for match in _BY_FUNCTION.finditer(unit.data):
        level, tlb, table = match[2].decode(), match[3].decode(), match[4].decode()
        if (level == "pud" and epoch.name < "E4") or _own_without_ctor(pgalloc, level):
            continue
        text = f"tlb_remove_page(({tlb}), virt_to_page({table}))"
        edit = Edit(match.start(5), match.end(5), text.encode())
        yield Mutation(
            "tlb-removal-without-dtor",
            ("C11", "C06", "C25"),
            INTER,
            {unit.path: (edit,)},
            unit.path,
            (match[1].decode(),),
            (match.start(5),),
        )


def _own_without_ctor(pgalloc: bytes, level: str) -> bool:
    """Whether an architecture allocates a level itself and never constructs it."""
    return re.search(rf"\b{level}_alloc_one\(struct".encode(), pgalloc) is not None and (
        re.search(rf"_{level}_(page_)?ctor\(".encode(), pgalloc) is None
    )
