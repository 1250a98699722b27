"""C24: conversions are given what they convert."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.checks.pgtable.state import Step
from reviewbot.findings import Finding, Severity

_NAMES = {
    "page": "a struct page",
    "desc": "a struct ptdesc",
    "folio": "a struct folio",
    "virt": "an address of the table",
}

#: types of variables that hold an address
_POINTER = re.compile(r"\*|\b(?:long|u64|phys_addr_t|uintptr_t)\b")


def check(scene: Scene) -> Iterator[Finding]:
    """Report a conversion of something of another kind, a variable that is converted into itself, and &pointer."""
    for step in scene.of("convert", "ctor", "dtor"):
        as_descriptor = step.detail == "virt" and step.name in scene.facts.hooks
        if step.kind != "convert" and step.detail != "address" and not as_descriptor:
            continue
        reason = _reason(scene, step)
        if reason:
            yield scene.finding("C24", Severity.ERROR, step, reason)


def _reason(scene: Scene, step: Step) -> str:
    given = step.arguments[0] if step.arguments else ""
    if step.detail == "address":
        given = next((argument for argument in step.arguments if argument.startswith("&")), "")
        place = given.removeprefix("&")
        table = scene.piece.kind == "macro" and scene.role[1] == "tlb" and place == _second(scene)
        if table or _POINTER.search(scene.type_of(place)):
            return f"{step.name}() is given {given}, the address of a pointer and not of the table."
        return ""
    if step.kind != "convert":
        return f"{step.name}() is given an address of the table as if it were the table's descriptor."
    if step.value == "uninitialised":
        return f"{given} is used in its own initialiser: {step.name}() converts a pointer that has no value yet."
    wants = "the address of the table" if step.name.startswith(("virt", "__pa")) else "something else"
    return f"{step.name}() is given {given}, which is {_NAMES.get(step.detail, 'no such thing')}; it expects {wants}."


def _second(scene: Scene) -> str:
    """The table among the parameters of a p??_free_tlb(tlb, table, address) macro."""
    names = [parameter.name for parameter in scene.piece.parameters]
    return names[1] if len(names) > 1 else ""


RULE = Rule(
    "C24",
    "wrong-object",
    Severity.ERROR,
    "page, ptdesc, folio, virtual and physical address all name the same table, and the conversions between them do "
    "not check what they are given. pgtable_t is a struct page * on some architectures and a pte_t * on others.",
    "all",
    "Geert Uytterhoeven <CAMuHMdWCe=VsTJYNA_-k=JipeAGKzgBFjZ8i+XRK7U1DBei=7A@mail.gmail.com>",
    "struct ptdesc *ptdesc = virt_to_ptdesc(ptdesc);",
    "struct ptdesc *ptdesc = virt_to_ptdesc(pgtable);",
    check,
)
