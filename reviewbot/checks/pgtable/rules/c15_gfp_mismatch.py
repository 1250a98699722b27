"""C15: the flags of an allocation fit what the table is for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.c.tree import Expr
from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.checks.pgtable.vocabulary import PAGE_FAMILIES
from reviewbot.findings import Finding, Severity

_FLAGS = re.compile(r"\b_{0,2}GFP_\w+")
#: flags that bring memory of the caller's cgroup, zeroed memory, and memory that may have no address
_ACCOUNTED = {"__GFP_ACCOUNT", "GFP_PGTABLE_USER", "GFP_KERNEL_ACCOUNT"}
_ZEROED = {"__GFP_ZERO", "GFP_PGTABLE_USER", "GFP_PGTABLE_KERNEL"}
_HIGH = {"__GFP_HIGHMEM", "GFP_HIGHUSER", "GFP_HIGHUSER_MOVABLE"}
_KNOWN = {*_ACCOUNTED, *_ZEROED, *_HIGH, "GFP_KERNEL", "GFP_ATOMIC", "GFP_NOWAIT", "__GFP_NOWARN", "__GFP_COMP",
          "__GFP_RETRY_MAYFAIL", "__GFP_NORETRY", "__GFP_NOFAIL"}  # fmt: skip
_FILLS = re.compile(r"\b\w*(?:clear|memset|memcpy|copy|init|zero|fill)\w*\s*\(")
_TO_ADDRESS = re.compile(r"\b(?:lowmem_)?(?:page|ptdesc|folio)_address\s*\(|\bptdesc_to_virt\s*\(")


def check(scene: Scene) -> Iterator[Finding]:
    """Report flags of a table's allocation that are written out and do not fit its purpose."""
    if "GFP_PGTABLE_USER" not in scene.facts.declared:
        return
    yield from _chosen_wrong(scene)
    kernel = scene.piece.name.strip("_").startswith("pte_alloc_one_kernel")
    user = any(action == "alloc" for _, action in scene.roles) and not kernel
    done: set[int] = set()
    for step in scene.of("alloc"):
        flags = set(_FLAGS.findall(step.detail))
        allocator = words.ALLOCATORS.get(step.name)
        if not flags or flags - _KNOWN or _masked(scene, step) or _chosen_before(step.detail, flags):
            continue
        if allocator is None or allocator.family not in PAGE_FAMILIES or step.line in done:
            continue
        reason = _reason(scene, step, flags, user=user, kernel=kernel)
        if reason:
            done.add(step.line)
            yield scene.finding("C15", Severity.WARNING, step, reason)


def _chosen_wrong(scene: Scene) -> Iterator[Finding]:
    """Flags that are chosen by whose table it is, the wrong way round."""
    allocations = sorted(scene.of("alloc"), key=lambda step: step.line)
    done: set[int] = set()
    for line, kernel, charged in _choices(scene):
        step = next((step for step in allocations if step.line >= line), None)
        if step is None or kernel != charged or line in done:
            continue
        done.add(line)
        yield scene.finding(
            "C15",
            Severity.WARNING,
            step,
            "The test is the wrong way round: tables of the kernel are charged to the current cgroup, and those of "
            "user space to none.",
            line=line,
            evidence=(scene.reached(line, "chooses the flags"),),
        )


def _choices(scene: Scene) -> Iterator[tuple[int, bool, bool]]:
    """The tests that choose flags: line, whether they hold for the kernel's tables, whether these are then charged."""
    for graph in (report.graph for report in scene.reports if report.graph):
        for node in graph.nodes:
            if node.expr is None:
                continue
            if node.kind == "branch" and (kernel := _for_kernel(node.expr)) is not None and node.then >= 0:
                after = graph.nodes[node.then].expr
                if after is not None and (charged := _change(after)) is not None:
                    yield node.line, kernel, charged
            for choice in _within(node.expr, "choice"):
                kernel = _for_kernel(choice.parts[0])
                if kernel is None or len(choice.parts) != 3:
                    continue
                flags = [set(_FLAGS.findall(part.canonical)) for part in choice.parts[1:]]
                charges = [bool(names & _ACCOUNTED) for names in flags]
                if all(flags) and charges[0] != charges[1]:
                    yield choice.line, kernel, charges[0]


def _for_kernel(test: Expr) -> bool | None:
    """Whether a condition holds for tables of the kernel (True) or of user space (False); None when it asks neither."""
    test = test.bare()
    if test.kind == "call" and len(test.parts) == 2:
        if test.callee in words.VALUES_OF_TEST:
            return _for_kernel(test.parts[1])
        return True if test.callee == "mm_is_kernel" else None
    if test.kind == "not":
        inner = _for_kernel(test.parts[0])
        return None if inner is None else not inner
    if test.kind == "compare" and "&init_mm" in (part.bare().canonical for part in test.parts):
        return {"==": True, "!=": False}.get(test.text)
    return {"kernel": True, "user": False}.get(test.canonical)


def _change(expr: Expr) -> bool | None:
    """Whether an assignment makes flags charge the memory, or not; None when it does neither."""
    if expr.kind != "assign" or not re.search(r"gfp|flags", expr.parts[0].canonical):
        return None
    flags = set(_FLAGS.findall(expr.parts[1].canonical))
    masks = any(part.text == "~" for part in _within(expr, "arith"))
    if expr.text == "&=":
        return False if masks and "__GFP_ACCOUNT" in flags else None
    if expr.text == "|=":
        return True if flags & _ACCOUNTED else None
    if expr.text != "=" or not flags or flags - _KNOWN:
        return None
    return bool(flags & _ACCOUNTED) and not masks


def _within(expr: Expr, kind: str) -> Iterator[Expr]:
    if expr.kind == kind:
        yield expr
    for part in expr.parts:
        yield from _within(part, kind)


def _masked(scene: Scene, step: Step) -> bool:
    """Whether the call takes flags away: ``GFP_KERNEL & ~__GFP_HIGHMEM``."""
    start = step.line - scene.piece.body_line
    statement = "\n".join(scene.piece.body.split("\n")[start:]).partition(";")[0]
    return "~" in statement


def _chosen_before(detail: str, flags: set[str]) -> bool:
    """Whether a variable takes part in the flags, so that the call does not show them all."""
    part = next((part for part in detail.split(", ") if _FLAGS.search(part)), "")
    return bool(set(re.findall(r"[A-Za-z_]\w*", part)) - flags)


def _reason(scene: Scene, step: Step, flags: set[str], *, user: bool, kernel: bool) -> str:
    said = " | ".join(sorted(flags))
    if flags & _HIGH and _TO_ADDRESS.search(scene.piece.body):
        return f"{step.name}() may return highmem ({said}), which has no address, but its address is taken here."
    if user and not flags & _ACCOUNTED and not _asks_for_init_mm(scene):
        return f"{step.name}() with {said} does not charge the user table to its cgroup; GFP_PGTABLE_USER does."
    if kernel and flags & _ACCOUNTED:
        return f"{step.name}() with {said} charges a kernel table to the current cgroup; GFP_PGTABLE_KERNEL does not."
    zeroing = flags & _ZEROED or step.name == "get_zeroed_page"
    if (user or kernel) and not zeroing and not _FILLS.search(scene.piece.body):
        return f"{step.name}() with {said} leaves old content in the table, and nothing clears it here."
    return ""


def _asks_for_init_mm(scene: Scene) -> bool:
    return "init_mm" in scene.piece.body


RULE = Rule(
    "C15",
    "gfp-mismatch",
    Severity.WARNING,
    "User tables are charged to the cgroup of their process (GFP_PGTABLE_USER), tables of the kernel are not "
    "(GFP_PGTABLE_KERNEL), a table whose address is taken cannot be in highmem, and an entry that was never cleared "
    "points anywhere. Architectures differ in existing code, so that only what a series changes is reported.",
    "where include/asm-generic/pgalloc.h defines GFP_PGTABLE_USER (E1 and later); in changed lines only",
    "GFP_PGTABLE_USER and GFP_PGTABLE_KERNEL in include/asm-generic/pgalloc.h",
    "pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)\n"
    "{\n"
    "\tstruct ptdesc *ptdesc = pagetable_alloc(GFP_PGTABLE_KERNEL, 0);\n"
    "\n"
    "\tif (!ptdesc)\n"
    "\t\treturn NULL;\n"
    "\tif (!pagetable_pmd_ctor(ptdesc)) {\n"
    "\t\tpagetable_free(ptdesc);\n"
    "\t\treturn NULL;\n"
    "\t}\n"
    "\treturn ptdesc_address(ptdesc);\n"
    "}",
    "pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)\n"
    "{\n"
    "\tstruct ptdesc *ptdesc = pagetable_alloc(GFP_PGTABLE_USER, 0);\n"
    "\n"
    "\tif (!ptdesc)\n"
    "\t\treturn NULL;\n"
    "\tif (!pagetable_pmd_ctor(ptdesc)) {\n"
    "\t\tpagetable_free(ptdesc);\n"
    "\t\treturn NULL;\n"
    "\t}\n"
    "\treturn ptdesc_address(ptdesc);\n"
    "}",
    check,
    changed_only=True,
)
