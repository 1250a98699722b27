"""Mistakes planted at constructor calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from benchmarks.ctor.csource import walk
from benchmarks.ctor.mutation import INTER, INTRA, Mutation, operator, planted, removed
from benchmarks.ctor.sites import LEVELS, Epoch, Site, level_in

# A constructor that may be left unchecked with a comment, says the specification.
_UNCHECKED_BY_DESIGN = ("arch/m68k/mm/motorola.c",)

# Tables of the kernel itself: constructed although no rule asks for it before E6, so that dropping it is no mistake.
_KERNEL_TABLES = ("arch/arm/mm/mmu.c", "arch/arm64/mm/mmu.c", "arch/riscv/mm/init.c")


def _scope(site: Site) -> str:
    """Whether the function's own name says what it has to do; else its callers must be looked at."""
    return INTRA if level_in(site.body.name) and "alloc_one" in site.body.name else INTER


def _kernel_only(site: Site) -> bool:
    return site.call.parent is not None and "&init_mm" in site.body.text(site.call)


@operator
def drop_ctor(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Take the constructor away, and the branch on its failure with it."""
    if site.kind != "ctor" or (epoch.name < "E6" and site.body.unit.path in _KERNEL_TABLES):
        return
    rules = "C02 C25 C05 C09 C21"
    if site.plain or (site.failing is not None and (site.operation is None or site.operator(site.operation) == "&&")):
        yield planted(site, "drop-ctor", rules, removed(site.body, site.statement), scope=_scope(site))
    elif site.operation is not None and site.other is not None:
        edit = site.body.replace(site.operation, site.body.text(site.other))
        yield planted(site, "drop-ctor", rules, edit, scope=_scope(site))
    elif site.fatal is not None:
        yield planted(site, "drop-ctor", rules, removed(site.body, site.statement), scope=_scope(site))


@operator
def double_ctor(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Construct twice on one path."""
    if site.kind != "ctor":
        return
    if site.plain or site.fatal is not None or (site.failing is not None and site.operation is None):
        again = site.body.after(site.statement, site.body.text(site.statement))
        if site.statement.parent is not None and site.statement.parent.type in ("compound_statement", "case_statement"):
            yield planted(site, "double-ctor", "C08 C21", again)


@operator
def fall_through(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Let one case of a switch over levels run into the next."""
    parent = site.statement.parent
    if site.kind != "ctor" or parent is None or parent.type != "case_statement":
        return
    following = parent.next_named_sibling
    stop = next((node for node in parent.children if node.type == "break_statement"), None)
    constructs = following is not None and any(f"_{level}_ctor" in site.body.text(following) for level in LEVELS)
    if stop is not None and constructs and not walk_has_continue(parent):
        yield planted(site, "fall-through", "C08 C03", site.body.replace(stop, ""), near=following)


def walk_has_continue(node: Node) -> bool:
    """Whether a part of a function leaves the loop iteration by itself."""
    return any(True for _ in walk(node, "continue_statement"))


@operator
def ignore_result(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Call a constructor that can fail and go on whatever it says."""
    if not site.testable or site.body.unit.path in _UNCHECKED_BY_DESIGN or _kernel_only(site):
        return
    whole = site.fatal is not None and site.operation is None
    whole |= site.failing is not None and site.operation is None
    if not whole:
        return
    call = site.body.text(site.call)
    for kind, text in (
        ("ignore-result", f"{call};"),
        ("ignore-result-void", f"(void){call};"),
        ("ignore-result-assigned", f"{{ bool constructed = {call}; }}"),
        ("ignore-result-warn", f"WARN_ON(!{call});"),
    ):
        yield planted(site, kind, "C01", site.body.replace(site.statement, text))


@operator
def empty_branch(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Test the result, and say something, but neither free nor fail."""
    if not site.testable or site.failing is None or site.operation is not None or "return" not in _branch(site):
        return
    text = '{ pr_warn("no page table lock\\n"); }'
    yield planted(site, "empty-branch", "C01 C10 C22", site.body.replace(site.failing, text))


def _branch(site: Site) -> str:
    return site.body.text(site.failing) if site.failing is not None else ""


@operator
def invert_test(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Fail when the constructor succeeded, go on when it failed."""
    if site.testable and site.negation is not None and not _kernel_only(site):
        edit = site.body.replace(site.negation, site.body.text(site.call))
        yield planted(site, "invert-test", "C01 C09 C10 C22 C06", edit)


@operator
def swap_level(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Construct a table of one level as one of another."""
    if site.kind != "ctor":
        return
    function = site.call.child_by_field_name("function")
    assert function is not None
    others = ("pte", "pmd") if site.testable else tuple(level for level in LEVELS[2:])
    for level in others:
        name = epoch.spell("ctor", level)
        if level != site.level and name is not None:
            yield planted(site, "swap-level", "C03 C05", site.body.replace(function, name))
    pud = epoch.spell("ctor", "pud")
    if site.testable and pud is not None and site.failing is not None and site.operation is None:
        text = f"{pud}({site.table});"
        yield planted(site, "swap-level-void", "C03 C02", site.body.replace(site.statement, text))


@operator
def missing_null_check(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Construct before it is known that there is something to construct."""
    if site.kind != "ctor":
        return
    body = site.body
    if site.null_test is not None:
        yield planted(site, "missing-null-check", "C13", removed(body, site.null_test))
    pointer = site.other is not None and body.text(site.other).lstrip("!").isidentifier()
    if pointer and site.operation is not None and site.negation is not None and site.other is not None:
        negation, other, sign = body.text(site.negation), body.text(site.other), site.operator(site.operation)
        yield planted(site, "missing-null-check", "C13", body.replace(site.operation, negation))
        edit = body.replace(site.operation, f"{negation} {sign} {other}")
        yield planted(site, "ctor-before-null-check", "C13", edit)
    if site.null_test is None or site.failing is None or site.operation is not None:
        return
    between = body.unit.data[body.end(site.null_test) : body.start(site.statement)]
    if site.null_test.parent == site.statement.parent and not between.strip():
        edits = (
            body.replace(site.null_test, body.text(site.statement)),
            body.replace(site.statement, body.text(site.null_test)),
        )
        yield planted(site, "ctor-before-null-check", "C13", *edits)


@operator
def failing_branch(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Do the wrong thing with the table whose constructor failed."""
    if site.failing is None or site.failing.type != "compound_statement" or not site.testable:
        return
    body, frees = site.body, site.frees(site.failing)
    if len(frees) != 1:
        return
    free = frees[0]
    yield planted(site, "leak-on-failure", "C10", removed(body, free), near=free)
    dtor = epoch.spell("dtor", site.level)
    if dtor is not None:
        undo = body.before(free, f"{dtor}({site.table});")
        yield planted(site, "dtor-on-failed-path", "C09 C07", undo, near=free)
    twice = body.after(free, body.text(free))
    yield planted(site, "free-twice", "C22", twice, near=free)
    returned = next(walk(site.failing, "return_statement"), None)
    last = [node for node in walk(body.node, "return_statement") if node.start_byte > site.statement.end_byte]
    if returned is not None and last and _speaks_of(site, body.text(last[-1])):
        wrong = body.replace(returned, body.text(last[-1]))
        if body.text(last[-1]) != body.text(returned):
            yield planted(site, "return-failed-table", "C22 C01", wrong, near=returned)
            yield planted(site, "return-unconstructed-table", "C22 C01 C10", wrong, removed(body, free), near=returned)
    yield from _other_allocator(site, free)


def _speaks_of(site: Site, text: str) -> bool:
    """Whether a text names the variable that holds the table at the call."""
    return bool(set(re.findall(r"\w+", site.table)) & set(re.findall(r"\w+", text)) - {"virt_to_page", "page_ptdesc"})


def _other_allocator(site: Site, free: Node) -> Iterator[Mutation]:
    """Free through an allocator from which the table does not come."""
    call = free.named_children[0]
    argument = site.body.text(site.body.arguments(call)[-1 if site.body.callee(call) != "__free_pages" else 0])
    yield planted(site, "wrong-free", "C14 C24 C10", site.body.replace(free, f"kfree({argument});"), near=free)
    if site.body.callee(call) == "__free_pages" and "ORDER" in site.body.text(call):
        smaller = site.body.replace(free, f"__free_page({argument});")
        yield planted(site, "wrong-order", "C14", smaller, near=free)


@operator
def slab_table(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Take the table from slab, where the page descriptor has no room for a lock."""
    if site.kind != "ctor" or site.allocation is None:
        return
    name = site.body.callee(site.allocation)
    if name.startswith("pagetable_alloc"):
        text = "virt_to_ptdesc(kzalloc(PAGE_SIZE, GFP_KERNEL))"
    elif name in ("alloc_page", "alloc_pages"):
        text = "virt_to_page(kzalloc(PAGE_SIZE, GFP_KERNEL))"
    elif "get" in name:
        text = "(unsigned long)kzalloc(PAGE_SIZE, GFP_KERNEL)"
    else:
        return
    yield planted(site, "slab-table", "C04 C14", site.body.replace(site.allocation, text))


@operator
def larger_allocation(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Take two pages and give back one when the constructor fails."""
    if site.allocation is None or site.failing is None or epoch.name >= "E3":
        return
    single = [free for free in site.frees(site.failing) if site.body.text(free).startswith("__free_page(")]
    text = site.body.text(site.allocation)
    if len(single) == 1 and text.startswith("alloc_page("):
        edit = site.body.replace(site.allocation, f"alloc_pages({text[len('alloc_page(') : -1]}, 1)")
        yield planted(site, "larger-allocation", "C14", edit, near=single[0])


@operator
def manual_accounting(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Count by hand what the constructor already counts."""
    if site.kind != "ctor" or (epoch.name in ("E0", "E1") and site.level != "pte"):
        return
    if site.plain or (site.failing is not None and site.operation is None):
        page = f"ptdesc_page({site.table})" if epoch.name >= "E3" else site.table
        text = f"inc_zone_page_state({page}, NR_PAGETABLE);"
        if site.statement.parent is not None and site.statement.parent.type == "compound_statement":
            yield planted(site, "manual-accounting", "C20", site.body.after(site.statement, text))


@operator
def shared_page_condition(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Construct for every fragment of a page, not for the first alone."""
    if site.operation is None or site.other is None or site.negation is None or site.kind != "ctor":
        return
    counted = "ref" in site.body.text(site.other)
    if counted:
        edit = site.body.replace(site.operation, site.body.text(site.negation))
        yield planted(site, "ctor-per-fragment", "C21 C08", edit)


@operator
def skipped_on_one_path(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Construct only sometimes, on a condition that has nothing to do with page tables."""
    if site.kind != "ctor" or _scope(site) != INTRA:
        return
    parent = site.statement.parent
    if parent is None or parent.type != "compound_statement":
        return
    if site.plain or (site.failing is not None and site.operation is None):
        text = f"if (current->mm)\n\t{site.body.text(site.statement)}"
        if not site.body.macro:
            yield planted(site, "ctor-on-one-path", "C02 C25", site.body.replace(site.statement, text))
