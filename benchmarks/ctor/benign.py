"""Changes that keep the behaviour: a checker must stay silent about every one of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from tree_sitter import Node

from benchmarks.ctor.csource import Edit, walk
from benchmarks.ctor.mutation import BENIGN, Mutation, operator
from benchmarks.ctor.planted_files import helper_place
from benchmarks.ctor.sites import Epoch, Site


def _kept(site: Site, kind: str, *edits: Edit, more: dict[str, tuple[Edit, ...]] | None = None) -> Mutation:
    path = site.body.unit.path
    files = {path: edits, **(more or {})}
    return Mutation(kind, (), BENIGN, files, path, (site.body.name,))


def _simple(site: Site) -> bool:
    return site.failing is not None and site.operation is None and not site.body.macro


@operator
def other_spellings(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Write the test of the result in all the ways in which people write it."""
    if not _simple(site) or site.failing is None or site.statement.child_by_field_name("alternative") is not None:
        return
    body, call = site.body, site.body.text(site.call)
    condition = site.statement.child_by_field_name("condition")
    assert condition is not None
    branch = body.text(site.failing)
    for kind, text in (
        ("unlikely", f"(unlikely(!{call}))"),
        ("compared-with-false", f"({call} == false)"),
        ("compared-with-zero", f"({call} == 0)"),
        ("double-negation", f"(!!!{call})"),
        ("parentheses", f"(!({call}))"),
        ("conjunction-with-true", f"(IS_ENABLED(CONFIG_MMU) && !{call})"),
    ):
        if kind != "conjunction-with-true":
            yield _kept(site, kind, body.replace(condition, text))
    new = body.newline(site.statement)
    for kind, text in (
        ("result-in-variable", f"{{{new}\tbool constructed = {call};{new}{new}\tif (!constructed) {branch}{new}}}"),
        ("error-code", f"{{{new}\tint error = {call} ? 0 : -ENOMEM;{new}{new}\tif (error) {branch}{new}}}"),
        ("likely-else", f"if (likely({call}))\n\t\t;\n\telse {branch}"),
        ("both-arms", f"#ifdef CONFIG_SMP\n\tif (!{call}) {branch}\n#else\n\tif (!{call}) {branch}\n#endif"),
        ("do-while", f"do {{\n\t\tif (!{call}) {branch}\n\t}} while (0);"),
    ):
        yield _kept(site, kind, body.replace(site.statement, text))


@operator
def other_shapes(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Fail by goto, or nest what follows into the test."""
    if not _simple(site) or site.failing is None or site.failing.type != "compound_statement":
        return
    body, statement = site.body, site.statement
    if statement.parent != body.node or statement.child_by_field_name("alternative") is not None:
        return
    inside = _inner(site, site.failing)
    following = body.unit.data[body.end(statement) : body.end(body.node) - 1].decode(errors="replace")
    if (
        "return" not in inside
        or "return" not in following
        or site.failing.named_children[-1].type != "return_statement"
    ):
        return
    call = body.text(site.call)
    close = body.end(body.node) - 1
    label = f"\nout_free:\n{inside}\n".encode()
    jump = body.replace(site.failing, "goto out_free;")
    yield _kept(site, "goto-out", jump, Edit(close, close, label))
    whole = Edit(body.start(statement), close, f"if ({call}) {{{following}\t}}\n{inside}\n".encode())
    yield _kept(site, "nested-if", whole)
    final = body.node.named_children[-1]
    value = final.named_children[0] if final.type == "return_statement" and final.named_children else None
    failing = [node for node in site.failing.named_children if node.type != "comment"]
    gap = body.unit.data[body.end(statement) : body.start(final)].strip()
    if value is not None and len(failing) == 2 and not gap and body.text(failing[1]) == "return NULL;":
        free = body.text(failing[0]).rstrip(";")
        text = f"return {call} ? {body.text(value)} : ({free}, NULL);"
        yield _kept(site, "ternary", Edit(body.start(statement), body.end(final), text.encode()))
        yield _kept(
            site,
            "if-else",
            Edit(
                body.start(statement),
                body.end(final),
                f"if ({call})\n\t\treturn {body.text(value)};\n\telse {{{inside}}}\n".encode(),
            ),
        )


def _inner(site: Site, branch: Node) -> str:
    data = site.body.unit.data[site.body.start(branch) + 1 : site.body.end(branch) - 1]
    return data.decode(errors="replace").strip("\n")


@operator
def renamed(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Give the local variable that holds the table another name."""
    body = site.body
    if body.macro or not re.fullmatch(r"\w+", site.table):
        return
    declared = any(
        body.text(leaf) == site.table for node in walk(body.node, "declaration") for leaf in walk(node, "identifier")
    )
    if declared and not any(node.is_error for node in walk(body.node)):
        edits = [
            body.replace(node, "table_page") for node in walk(body.node, "identifier") if body.text(node) == site.table
        ]
        yield _kept(site, "renamed", *edits)


@operator
def aliased(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Go through a second variable, a block of its own, or a comment that names the API."""
    body = site.body
    if body.macro or site.statement.parent is None or site.statement.parent.type != "compound_statement":
        return
    kind = "struct ptdesc" if epoch.name >= "E3" else "struct page"
    argument = body.arguments(site.call)[-1]
    if site.plain:
        text = f"{site.name}({body.text(site.call).partition('(')[2].replace(site.table, 'again')}"
        block = f"{{\n\t\t{kind} *again = {site.table};\n\n\t\t{text};\n\t}}"
        yield _kept(site, "alias", body.replace(site.statement, block))
        yield _kept(site, "do-while", body.replace(site.statement, f"do {{ {body.text(site.call)}; }} while (0);"))
    elif _simple(site):
        first = body.before(site.statement, f"{kind} *again = {site.table};")
        yield _kept(site, "alias", first, body.replace(argument, "again"))
    comment = f"/* {site.name}() may be called again here: pagetable_dtor(x); free_page(x); */"
    yield _kept(site, "comment", body.before(site.statement, comment))
    yield _kept(site, "cast", body.replace(argument, f"({kind} *)({site.table})"))


@operator
def helpers(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Put the call behind a new helper: in the same file, in another header, or as a macro."""
    body = site.body
    if body.macro or site.call.parent is None:
        return
    table = "struct ptdesc *table" if epoch.name >= "E3" else "struct page *table"
    takes_mm = epoch.takes_mm and site.testable
    mm, pass_mm = ("struct mm_struct *mm, ", "mm, ") if takes_mm else ("", "")
    function = site.call.child_by_field_name("function")
    assert function is not None
    result = "bool" if site.testable else "void"
    word = "return " if site.testable else ""
    name = "table_begin" if site.kind == "ctor" else "table_end"
    helper = f"static inline {result} {name}({mm}{table})\n{{\n\t{word}{site.name}({pass_mm}table);\n}}\n\n"
    place = helper_place(site)
    call = body.replace(function, name)
    if site.kind == "dtor_free":
        helper = f"static inline void {name}({table})\n{{\n\tpagetable_dtor(table);\n\tpagetable_free(table);\n}}\n\n"
    yield _kept(site, "helper", Edit(place, place, helper.encode()), call)
    macro = f"#define {name}(...) {site.name}(__VA_ARGS__)\n"
    yield _kept(site, "macro", Edit(place, place, macro.encode()), call)
    yield _kept(
        site,
        "ifdef-around",
        Edit(body.head, body.head, b"#ifdef CONFIG_MMU\n"),
        Edit(body.tail, body.tail, b"\n#endif"),
    )
    if _simple(site) and site.failing is not None:
        yield from _whole_step(site, table, mm, pass_mm)


def _whole_step(site: Site, table: str, mm: str, pass_mm: str) -> Iterator[Mutation]:
    """A helper that constructs, and frees when it cannot."""
    assert site.failing is not None
    body = site.body
    frees = site.frees(site.failing)
    if len(frees) != 1:
        return
    call = frees[0].named_children[0]
    if body.callee(call) not in ("pagetable_free", "__free_page") or body.text(body.arguments(call)[0]) != site.table:
        return
    free = body.callee(call)
    helper = (
        f"static inline bool table_begin({mm}{table})\n{{\n\tif ({site.name}({pass_mm}table))\n\t\treturn true;\n"
        f"\t{free}(table);\n\treturn false;\n}}\n\n"
    )
    place = helper_place(site)
    first = body.text(body.arguments(site.call)[0]) + ", " if pass_mm else ""
    edits = (
        Edit(place, place, helper.encode()),
        body.replace(site.call, f"table_begin({first}{site.table})"),
        body.replace(frees[0], ""),
    )
    yield _kept(site, "helper-that-frees", *edits)


@operator
def function_for_macro(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Write a macro as an inline function."""
    body = site.body
    types = {
        "tlb": "struct mmu_gather *",
        "pte": "pgtable_t ",
        "pmd": "pmd_t *",
        "pud": "pud_t *",
        "mm": "struct mm_struct *",
    }
    if not body.macro or "free_tlb" not in body.name or "#" in body.text(body.node):
        return
    parameters = ", ".join(types.get(name.rstrip("p"), "unsigned long ") + name for name, _ in body.parameters)
    value = body.unit.data[body.start(body.node) + 1 : body.tail].decode(errors="replace")
    inside = body.unit.data[body.head : body.tail].split(b")", 1)[1].decode(errors="replace")
    text = (
        f"static inline void {body.name}({parameters})\n{{\n\t{_unfolded(inside)};\n}}\n#define {body.name} {body.name}"
    )
    if value:
        yield _kept(site, "inline-for-macro", Edit(body.head, body.tail, text.encode()))


def _unfolded(text: str) -> str:
    return re.sub(r"[ \t]*\\\n", "\n", text).strip()


@operator
def macro_for_function(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Write a small inline function as a macro."""
    body = site.body
    if body.macro or "free_tlb" not in body.name or body.result != "void" or "#" in body.text(body.node):
        return
    if "return" in body.text(body.node) or "/*" in body.text(body.node):
        return
    names = ", ".join(name for name, _ in body.parameters)
    lines = f"#define {body.name}({names})\ndo {body.text(body.node)} while (0)".split("\n")
    yield _kept(site, "macro-for-inline", Edit(body.head, body.tail, " \\\n".join(lines).encode()))


@operator
def reordered(site: Site, epoch: Epoch) -> Iterator[Mutation]:
    """Swap two declarations, or part a declaration from its value."""
    body = site.body
    if body.macro:
        return
    children = body.node.named_children
    for first, second in itertools.pairwise(children):
        if first.type == second.type == "declaration" and "=" not in body.text(first) + body.text(second):
            swap = (body.replace(first, body.text(second)), body.replace(second, body.text(first)))
            yield _kept(site, "reordered", *swap)
            break
    for child in children:
        match = re.fullmatch(r"((?:struct )?\w+ \**)(\w+) = ([^;]*);", body.text(child))
        if child.type == "declaration" and match and (following := child.next_named_sibling) is not None:
            if following.type != "declaration":
                text = f"{match[1]}{match[2]};\n\n\t{match[2]} = {match[3]};"
                yield _kept(site, "value-apart", body.replace(child, text))
            break
