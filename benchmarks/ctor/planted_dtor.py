"""Mistakes planted at destructor calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from benchmarks.ctor.mutation import INTER, INTRA, Mutation, operator, planted, removed
from benchmarks.ctor.sites import Epoch, Site, level_in

_FREES_LATER = re.compile(r"tlb_remove_\w+|pagetable_free|__?free_pages?|free_page|crst_table_free|page_table_free\w*")


def _is_tlb(site: Site) -> bool:
    return "free_tlb" in site.body.name or "tlb" in site.body.unit.path.rsplit("/", 1)[-1]


def _scope(site: Site) -> str:
    """Whether the function's own name says what it has to do; else the allocating side must be looked at."""
    return INTRA if level_in(site.body.name) and "free" in site.body.name else INTER


def _next_statement(site: Site) -> Node | None:
    node = site.statement.next_named_sibling
    while node is not None and node.type == "comment":
        node = node.next_named_sibling
    return node


def _free_behind(site: Site) -> Node | None:
    node = _next_statement(site)
    if node is None or node.type != "expression_statement" or not node.named_children:
        return None
    call = node.named_children[0]
    return node if call.type == "call_expression" and _FREES_LATER.match(site.body.callee(call)) else None


@operator
def drop_dtor(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Free a constructed table without its destructor."""
    if site.kind == "dtor" and site.plain:
        rules = "C11 C06 C25" if _is_tlb(site) else "C06 C25 C11 C21"
        yield planted(site, "drop-dtor", rules, removed(site.body, site.statement), scope=_scope(site))
    elif site.kind == "dtor_free":
        function = site.call.child_by_field_name("function")
        assert function is not None
        edit = site.body.replace(function, "pagetable_free")
        yield planted(site, "drop-dtor", "C06 C25 C11", edit, scope=_scope(site))


@operator
def double_dtor(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Destroy twice on one path."""
    parent = site.statement.parent
    if site.kind == "ctor" or not site.plain or parent is None:
        return
    if parent.type not in ("compound_statement", "case_statement"):
        return
    dtor = epoch.spell("dtor", site.level)
    if dtor is not None:
        again = site.body.before(site.statement, f"{dtor}({site.table});")
        yield planted(site, "double-dtor", "C07 C22", again)
    free = _free_behind(site)
    if site.kind != "dtor" or "pagetable_dtor_free" not in epoch.names or free is None:
        return
    if site.body.text(free).startswith("pagetable_free"):
        edit = site.body.replace(free, f"pagetable_dtor_free({site.table});")
        yield planted(site, "dtor-and-dtor-free", "C07", edit)


@operator
def move_dtor(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Destroy what has just been freed."""
    free = _free_behind(site)
    if site.kind != "dtor" or not site.plain or free is None or "tlb_remove" in site.body.text(free):
        return
    edits = (
        site.body.replace(site.statement, site.body.text(free)),
        site.body.replace(free, site.body.text(site.statement)),
    )
    yield planted(site, "dtor-after-free", "C22 C06", *edits, near=free)


@operator
def swap_level(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Destroy a table of one level as one of another; newer trees have one destructor for all."""
    if site.kind != "dtor" or not epoch.dtor_has_level:
        return
    function = site.call.child_by_field_name("function")
    assert function is not None
    for level in ("pte", "pmd", "pud"):
        name = epoch.spell("dtor", level)
        if level != site.level and name is not None:
            yield planted(site, "swap-dtor-level", "C12", site.body.replace(function, name))


@operator
def on_one_path(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Destroy on some paths only."""
    parent = site.statement.parent
    if site.kind != "dtor" or not site.plain or parent is None or parent.type != "compound_statement":
        return
    text = site.body.text(site.statement)
    rules = "C06 C11 C25 C21"
    sometimes = site.body.replace(site.statement, f"if (current->mm) {text}")
    yield planted(site, "dtor-on-one-path", rules, sometimes, scope=_scope(site))
    free = _free_behind(site)
    if free is not None and not site.body.macro:
        early = f"if (oops_in_progress) {{\n\t\t{site.body.text(free)}\n\t\treturn;\n\t}}"
        if site.body.result == "void":
            edit = site.body.before(site.statement, early)
            yield planted(site, "early-free", rules, edit, scope=_scope(site), near=free)


@operator
def wrong_free(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Give the table back to an allocator from which it does not come."""
    free = _free_behind(site)
    if free is None or "tlb_remove" in site.body.text(free):
        return
    arguments = site.body.arguments(free.named_children[0])
    if arguments:
        which = 0 if site.body.callee(free.named_children[0]) == "__free_pages" else -1
        edit = site.body.replace(free, f"kfree({site.body.text(arguments[which])});")
        yield planted(site, "wrong-free", "C14 C24", edit, near=free)


@operator
def folded_level(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Touch a level that this machine may not have."""
    if site.kind == "ctor":
        return
    for node in site.body.node.named_children:
        text = site.body.text(node)
        asks = node.type == "if_statement" and re.search(r"_folded\(mm\)|pgtable_l[45]_enabled", text)
        if asks and "return" in text and len(text) < 80 and node.end_byte < site.call.start_byte:
            yield planted(site, "folded-level", "C16", removed(site.body, node), near=node)


@operator
def early_dtor(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Destroy at once what is freed after a grace period."""
    if site.kind != "dtor_free" or "_now" not in site.body.name or epoch.dtor_has_level:
        return
    for body in site.body.unit.bodies:
        for call in body.calls:
            if body.callee(call) == "call_rcu" and site.body.name in body.text(call):
                match = re.match(r"&(\w+)->", body.text(body.arguments(call)[0]))
                if match and call.parent is not None:
                    edit = body.before(call.parent, f"pagetable_dtor({match[1]});")
                    path = body.unit.path
                    place = (body.start(call),)
                    yield Mutation("early-dtor", ("C23", "C07"), INTER, {path: (edit,)}, path, (body.name,), place)
