"""Changes that keep the behaviour and move code: other primitives, other files, one exit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.ctor.csource import Edit
from benchmarks.ctor.mutation import BENIGN, INTER, Mutation, operator
from benchmarks.ctor.sites import Epoch, Site


def _kept(site: Site, kind: str, *edits: Edit) -> Mutation:
    path = site.body.unit.path
    return Mutation(kind, (), BENIGN, {path: edits}, path, (site.body.name,))


@operator
def one_exit(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Set the pointer to NULL instead of returning early, and return it at the end."""
    body, failing, test = site.body, site.failing, site.null_test
    if failing is None or test is None or site.operation is not None or body.macro:
        return
    final = site.statement.next_named_sibling
    if final is None or final.type != "return_statement" or not re.fullmatch(r"\w+", site.table):
        return
    frees, value = site.frees(failing), final.named_children[0]
    if len(frees) != 1 or site.table not in body.text(value):
        return
    text = (
        f"if ({site.table} && !{body.text(site.call)}) {{\n\t\t{body.text(frees[0])}\n\t\t{site.table} = NULL;\n\t}}\n"
        f"\treturn {site.table} ? {body.text(value)} : NULL;"
    )
    edits = (body.replace(test, ""), Edit(body.start(site.statement), body.end(final), text.encode()))
    yield _kept(site, "one-exit", *edits)


@operator
def other_primitive(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Free by another primitive that does the same."""
    body, following = site.body, site.statement.next_named_sibling
    if site.kind != "dtor" or not site.plain or following is None or body.macro:
        return
    text = body.text(following)
    if epoch.name >= "E5" and text == f"pagetable_free({site.table});":
        whole = Edit(body.start(site.statement), body.end(following), f"pagetable_dtor_free({site.table});".encode())
        yield _kept(site, "dtor-free-in-one", whole)
    match = re.fullmatch(r"free_page\(\(unsigned long\) ?(\w+)\);", text)
    if match and epoch.name >= "E3":
        yield _kept(site, "other-primitive", body.replace(following, f"pagetable_free(virt_to_ptdesc({match[1]}));"))
    elif match:
        yield _kept(site, "other-primitive", body.replace(following, f"__free_page(virt_to_page({match[1]}));"))
    if epoch.name >= "E3" and text == f"pagetable_free({site.table});":
        edit = body.replace(following, f"__free_page(ptdesc_page({site.table}));")
        yield _kept(site, "other-primitive", edit)


@operator
def moved_out_of_line(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Move an inline function of an architecture's header to a file of its own, right and wrong."""
    body, path = site.body, site.body.unit.path
    head = body.unit.data[body.head : body.start(body.node)].decode(errors="replace").strip()
    if body.macro or not path.startswith("arch/") or not path.endswith(".h") or "static inline" not in head:
        return
    signature = head.replace("static inline", "").strip()
    header = (Edit(body.head, body.tail, f"extern {signature};".encode()),)
    new = "/".join(path.split("/")[:2]) + "/mm/pgtable-outline.c"
    includes = "// SPDX-License-Identifier: GPL-2.0\n#include <linux/mm.h>\n#include <asm/pgalloc.h>\n\n"
    text = body.text(body.node)
    whole = (Edit(0, 0, f"{includes}{signature}\n{text}\n".encode()),)
    yield Mutation("moved-out-of-line", (), BENIGN, {path: header, new: whole}, path, (body.name,))
    if site.kind == "dtor" and site.plain:
        without = text.replace(body.text(site.statement), "", 1)
        wrong = (Edit(0, 0, f"{includes}{signature}\n{without}\n".encode()),)
        files = {path: header, new: wrong}
        yield Mutation("moved-without-dtor", ("C06", "C25", "C11"), INTER, files, new, (body.name,), (0,))
