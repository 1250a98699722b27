"""Mistakes in the argument of a call, and calls that this tree does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.ctor.mutation import Mutation, operator, planted
from benchmarks.ctor.sites import Epoch, Site


@operator
def wrong_object(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Hand over something that is not the table's descriptor."""
    argument = site.body.arguments(site.call)[-1]
    text = site.table
    if re.fullmatch(r"\w+", text) and text not in dict(site.body.parameters):
        yield planted(site, "address-of-pointer", "C24", site.body.replace(argument, f"&{text}"))
        convert = "virt_to_ptdesc" if epoch.name >= "E3" else "virt_to_page"
        yield planted(site, "converted-twice", "C24", site.body.replace(argument, f"{convert}({text})"))
        yield from _self_initialised(site, text)
    inner = re.fullmatch(r"(virt_to_ptdesc|page_ptdesc|virt_to_page)\((\w+)\)", text)
    if inner:
        yield planted(site, "address-of-pointer", "C24", site.body.replace(argument, f"{inner[1]}(&{inner[2]})"))


@operator
def wrong_conversion(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Take an address for a page, or a page for an address."""
    argument = site.body.arguments(site.call)[-1]
    match = re.fullmatch(r"\(?(virt_to_ptdesc|page_ptdesc|virt_to_page)\((\w+)\)\)?", site.table)
    parameter = re.fullmatch(r"\w+", site.table)
    if match and match[1] == "virt_to_ptdesc" and site.level != "pte":
        yield planted(site, "wrong-conversion", "C24", site.body.replace(argument, f"page_ptdesc({match[2]})"))
    elif match and match[1] == "page_ptdesc" and epoch.pgtable_is_page(site.body.unit.path) and site.level == "pte":
        yield planted(site, "wrong-conversion", "C24", site.body.replace(argument, f"virt_to_ptdesc({match[2]})"))
    elif match and match[1] == "virt_to_page":
        yield planted(site, "wrong-conversion", "C24", site.body.replace(argument, f"(struct page *){match[2]}"))
    elif parameter and epoch.pgtable_is_page(site.body.unit.path):
        kind = dict(site.body.parameters).get(site.table, "")
        if kind.startswith(("pgtable_t", "struct page")):
            yield planted(site, "wrong-conversion", "C24", site.body.replace(argument, f"virt_to_page({site.table})"))


@operator
def other_table(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Hand over another table than the one that is meant."""
    argument = site.body.arguments(site.call)[-1]
    match = re.fullmatch(r"(virt_to_ptdesc|virt_to_page)\((\w+)\)", site.table)
    if match is None or site.body.macro:
        return
    declared = re.findall(r"\b(?:pgd_t|p4d_t|pud_t|pmd_t|unsigned long) \*(\w+)", site.body.text(site.body.node))
    declared += [name for name, text in site.body.parameters if re.search(r"\b(pgd|p4d|pud|pmd)_t \*", text)]
    for name in sorted(set(declared) - {match[2]})[:1]:
        edit = site.body.replace(argument, f"{match[1]}({name})")
        yield planted(site, "other-table", "C24 C02 C06 C22 C09", edit)


def _self_initialised(site: Site, name: str) -> Iterator[Mutation]:
    source = site.body.text(site.body.node)
    pattern = rf"struct (?:ptdesc|page) \*{name} = (\w+)\((\w+)\);"
    match = re.search(pattern, source)
    if match is None or site.body.macro:
        return
    for declaration in site.body.node.named_children:
        if declaration.type == "declaration" and site.body.text(declaration) == match.group():
            wrong = match.group().replace(f"({match[2]})", f"({name})")
            yield planted(site, "self-initialised", "C24", site.body.replace(declaration, wrong), near=declaration)


@operator
def wrong_mm(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Since constructors take an mm: the wrong one, or the arguments swapped."""
    arguments = site.body.arguments(site.call)
    if not epoch.takes_mm or not site.testable or len(arguments) != 2:
        return
    mm = site.body.text(arguments[0])
    swapped = (site.body.replace(arguments[0], site.table), site.body.replace(arguments[1], mm))
    yield planted(site, "swapped-arguments", "C19 C24 C18", *swapped)
    if mm == "mm" and "kernel" not in site.body.name:
        yield planted(site, "init-mm-for-user-table", "C19", site.body.replace(arguments[0], "&init_mm"))
        if re.search(r"p(te|md)_alloc_one", site.body.name):
            yield planted(site, "null-mm-for-user-table", "C19", site.body.replace(arguments[0], "NULL"))


@operator
def other_epoch(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Call what another kernel has."""
    function = site.call.child_by_field_name("function")
    assert function is not None
    for name in _foreign_names(site):
        if name not in epoch.names and name != site.name:
            yield planted(site, "api-of-other-epoch", "C18", site.body.replace(function, name))
    arguments = site.body.arguments(site.call)
    if site.testable and epoch.name >= "E3":
        if epoch.takes_mm:
            edit = site.body.replace(site.call, f"{site.name}({site.table})")
        else:
            edit = site.body.replace(arguments[0], f"mm, {site.table}")
        yield planted(site, "arity-of-other-epoch", "C18", edit)


def _foreign_names(site: Site) -> list[str]:
    level = site.level
    if site.kind == "dtor_free" or not level:
        return []
    names = [f"pagetable_{level}_{site.kind}"]
    if level in ("pte", "pmd"):
        names.append(f"pgtable_{level}_page_{site.kind}")
        if level == "pte":
            names.append(f"pgtable_page_{site.kind}")
    if site.kind == "dtor":
        names.append("pagetable_dtor")
    return names
