"""C18: the page-table API that is used has to exist in this tree, with these arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable import vocabulary as words
from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step, Table
from reviewbot.findings import Evidence, Finding, Severity

_CALL = re.compile(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(")
#: names that came with the ptdesc API (E3 and later)
_PTDESC_API = {
    "pagetable_alloc", "pagetable_free", "page_ptdesc", "ptdesc_page", "ptdesc_folio", "virt_to_ptdesc",
    "ptdesc_address", "ptdesc_to_virt", "folio_ptdesc", "pagetable_is_reserved", "tlb_remove_ptdesc",
    "tlb_remove_page_ptdesc", "pagetable_free_kernel", "ptdesc_set_kernel", "ptdesc_clear_kernel",
}  # fmt: skip
#: what was used for the same before, where it was a function of the same arguments or nearly so
_BEFORE_PTDESC = {
    "pagetable_alloc": "alloc_pages", "pagetable_free": "__free_pages", "virt_to_ptdesc": "virt_to_page",
    "ptdesc_address": "page_address", "ptdesc_to_virt": "page_address", "tlb_remove_page_ptdesc": "tlb_remove_page",
    "tlb_remove_ptdesc": "tlb_remove_table", "pagetable_free_kernel": "pagetable_free",
}  # fmt: skip


def check(scene: Scene) -> Iterator[Finding]:
    """Report each call of a constructor, destructor or ptdesc helper that the tree does not have."""
    done: set[int] = set()
    for match in sorted(_CALL.finditer(scene.piece.body), key=lambda match: not words.is_hook_name(match.group(1))):
        name = match.group(1)
        if (words.is_hook_name(name) or name in _PTDESC_API) and scene.program.missing(name, scene.piece.path):
            line = scene.piece.body_line + scene.piece.body.count("\n", 0, match.start(1))
            if line in done:
                continue
            done.add(line)
            yield _finding(scene, line, name, f"{name}() does not exist in this tree{_instead(scene, name)}.")
    for step in scene.of("arity"):
        given, _, wanted = step.detail.partition(" ")
        yield _finding(
            scene,
            step.line,
            step.name,
            f"{step.name}() is called with {_count(given)}, but takes {wanted} in this tree.",
        )


def _count(given: str) -> str:
    return f"{given} argument" + ("" if given == "1" else "s")


def _instead(scene: Scene, name: str) -> str:
    """Name the function that does the same here."""
    if not words.is_hook_name(name):
        instead = _BEFORE_PTDESC.get(name, "")
        return f"; {instead}() does the same" if instead else ""
    kind, level = "_ctor" in name, re.search(r"(?:^|_)(pte|pmd|pud|p4d|pgd)_", name)
    wanted = level.group(1) if level else "pte" if name.startswith("pgtable_page") else ""
    hooks = [hook for hook in scene.facts.hooks.values() if hook.constructs == kind and not hook.frees]
    for hook in hooks:
        if hook.level in (wanted or scene.named_level, ""):
            return f", which has {hook.name}() ({hook.file}:{hook.line}){_then_free(scene, name)}"
    if wanted and hooks:
        return f", in which {wanted} tables have no {'constructor' if kind else 'destructor'}"
    each = " and ".join(f"{hook.name}()" for hook in hooks if hook.level)
    return f", which has {each}{_then_free(scene, name)}" if each else ""


def _then_free(scene: Scene, name: str) -> str:
    """What has to follow a destructor, where the one that was called would free the table, too."""
    if not name.endswith("_free"):
        return ""
    free = "pagetable_free" if not scene.program.missing("pagetable_free", scene.piece.path) else "__free_page"
    return f", to be followed by {free}()"


def _finding(scene: Scene, line: int, name: str, message: str) -> Finding:
    step = Step("arity", line, name, "", "", Table(), (scene.reached(line, "calls"),))
    hook = scene.facts.hooks.get(name)
    declared = (Evidence(hook.file, hook.line, f"declares: {name}() with {hook.arity} argument(s)"),) if hook else ()
    return scene.finding("C18", Severity.ERROR, step, message, evidence=declared)


RULE = Rule(
    "C18",
    "api-not-in-tree",
    Severity.ERROR,
    "The constructors changed their names, their arguments and their levels several times, and stable trees carry "
    "backports. A patch for another epoch does not compile, or silently loses a level.",
    "all; looked up after the whole series is applied",
    "Guenter Roeck <b6a5753b-8874-6465-f690-094ee753e038@roeck-us.net>",
    "pagetable_pte_dtor(page_ptdesc(pte));\t/* in a tree that has pgtable_pte_page_dtor() */",
    "pgtable_pte_page_dtor(pte);",
    check,
)
