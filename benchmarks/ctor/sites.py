"""Where a tree handles page tables: constructor and destructor calls and what stands around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tree_sitter import Node

from benchmarks.ctor.csource import Body, Unit, walk

LEVELS = ("pte", "pmd", "pud", "p4d", "pgd")

_NAME = re.compile(
    r"(?:pgtable_(?P<old>pte_|pmd_)?page_(?P<oldkind>ctor|dtor)"
    r"|pagetable_(?:(?P<new>pte_|pmd_|pud_|p4d_|pgd_)?(?P<kind>ctor|dtor)|(?P<both>dtor_free)))\Z"
)
_LEVEL_IN_NAME = re.compile(r"(?<![a-z0-9])(pte|pmd|pud|p4d|pgd)(?![a-z0-9])")
_FREE = re.compile(
    r"(?:__)?free_pages?\Z|pagetable_free\Z|crst_table_free\Z|page_table_free\Z|kmem_cache_free\Z|quicklist_free\w*\Z"
)
_ALLOC = re.compile(
    r"(?:__)?(?:get_free_pages?|get_zeroed_page)\Z|alloc_pages?\Z|pagetable_alloc(?:_noprof)?\Z|crst_table_alloc\w*\Z"
)


def api_name(name: str) -> tuple[str, str] | None:
    """Return (``ctor``, ``dtor`` or ``dtor_free``, level or "") for a name of the API, else None.

    The oldest kernels call the constructor of PTE tables ``pgtable_page_ctor``.
    """
    match = _NAME.match(name)
    if match is None:
        return None
    if match["oldkind"]:
        return match["oldkind"], (match["old"] or "pte_").rstrip("_")
    return match["kind"] or match["both"], (match["new"] or "").rstrip("_")


class Epoch:
    """What the tree's own headers say about the API; nothing is taken from a version number."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._page_pointers: dict[str, bool] = {}
        text = (tree / "include/linux/mm.h").read_text(errors="replace")
        generic_tlb = (tree / "include/asm-generic/tlb.h").read_text(errors="replace")
        found = re.findall(r"^static inline (?:bool|void) (\w+)\(", text, re.MULTILINE)
        self.names = {name for name in found if api_name(name)}
        self.takes_mm = re.search(r"\bpagetable_pte_ctor\(struct mm_struct", text) is not None
        self.generic_tlb_dtor = "pagetable_dtor" in generic_tlb
        self.dtor_has_level = "pagetable_dtor" not in self.names
        self.pmd_accounts = "pmd_ptlock_init" in text

    @property
    def name(self) -> str:
        """E0 … E6, as the epochs are called in the rules."""
        if self.takes_mm:
            return "E6"
        if not self.dtor_has_level:
            return "E5"
        if "pagetable_pud_ctor" in self.names:
            return "E4"
        if "pagetable_pte_ctor" in self.names:
            return "E3"
        if "pgtable_pte_page_ctor" in self.names:
            return "E2" if self.pmd_accounts else "E1"
        return "E0"

    def pgtable_is_page(self, path: str) -> bool:
        """Whether ``pgtable_t`` is a pointer to a page in the architecture to which a file belongs, for certain."""
        top = "/".join(path.split("/")[:2])
        if not path.startswith("arch/"):
            return False
        if top not in self._page_pointers:
            texts = [header.read_bytes() for header in (self._tree / top / "include").rglob("*.h")]
            page = any(b"typedef struct page *pgtable_t" in text for text in texts)
            other = any(b"pte_t *pgtable_t" in text or b"define pgtable_t" in text for text in texts)
            self._page_pointers[top] = page and not other
        return self._page_pointers[top]

    def spell(self, kind: str, level: str) -> str | None:
        """Return this tree's name of a constructor or destructor, or None when it has none."""
        return next((name for name in sorted(self.names) if api_name(name) in ((kind, level), (kind, ""))), None)


@dataclass(frozen=True, eq=False)
class Site:
    """One call of the API.

    :ivar kind: ``ctor``, ``dtor`` or ``dtor_free``.
    :ivar level: ``pte`` … ``pgd``; of a destructor without one, that of the function.
    """

    body: Body
    call: Node
    kind: str
    level: str

    @cached_property
    def table(self) -> str:
        """Source text of the table argument, the last one in every epoch."""
        return self.body.text(self.body.arguments(self.call)[-1])

    @cached_property
    def name(self) -> str:
        """Name of the called function."""
        return self.body.callee(self.call)

    @cached_property
    def testable(self) -> bool:
        """Whether the call returns something: constructors of PTE and PMD tables do."""
        return self.kind == "ctor" and self.level in ("pte", "pmd")

    @cached_property
    def negation(self) -> Node | None:
        """The ``!`` directly in front of the call."""
        parent = _out_of_parentheses(self.call)
        return parent if parent is not None and parent.type == "unary_expression" else None

    @cached_property
    def operation(self) -> Node | None:
        """The ``||`` or ``&&`` of which the negated call is the right side."""
        if self.negation is None:
            return None
        parent = _out_of_parentheses(self.negation)
        if parent is None or parent.type != "binary_expression":
            return None
        right = parent.child_by_field_name("right")
        inside = right is not None and right.start_byte <= self.call.start_byte
        return parent if inside and self.operator(parent) in ("||", "&&") else None

    def operator(self, operation: Node) -> str:
        """Text of the operator of a binary expression."""
        node = operation.child_by_field_name("operator")
        return self.body.text(node) if node is not None else ""

    @cached_property
    def other(self) -> Node | None:
        """What stands left of the ``||`` or ``&&``."""
        return self.operation.child_by_field_name("left") if self.operation is not None else None

    @cached_property
    def statement(self) -> Node:
        """The statement that makes the call; an ``if`` when its condition does."""
        node = self.call
        while node.parent is not None and node.parent.type not in (
            "compound_statement",
            "case_statement",
            "else_clause",
        ):
            inner = node
            node = node.parent
            if node.type in ("if_statement", "for_statement", "while_statement", "labeled_statement"):
                condition = node.child_by_field_name("condition")
                return node if condition is not None and condition.start_byte == inner.start_byte else inner
        return node

    @cached_property
    def failing(self) -> Node | None:
        """The branch that is taken when the constructor failed."""
        if self.statement.type != "if_statement" or self.negation is None:
            return None
        return self.statement.child_by_field_name("consequence")

    @cached_property
    def fatal(self) -> Node | None:
        """The ``BUG_ON()`` around a constructor."""
        node = self.statement
        if node.type != "expression_statement" or not node.named_children:
            return None
        call = node.named_children[0]
        return call if call.type == "call_expression" and self.body.callee(call) == "BUG_ON" else None

    @cached_property
    def plain(self) -> bool:
        """Whether the call is a statement of its own."""
        return self.statement.type == "expression_statement" and self.statement.named_children[0] == self.call

    def frees(self, inside: Node | None = None) -> list[Node]:
        """Statements that free a table, in the body or in one part of it."""
        place = inside if inside is not None else self.body.node
        found = []
        for statement in walk(place, "expression_statement"):
            call = statement.named_children[0] if statement.named_children else None
            if call is not None and call.type == "call_expression" and _FREE.match(self.body.callee(call)):
                found.append(statement)
        return found

    @cached_property
    def allocation(self) -> Node | None:
        """The nearest call before this one that allocates a page or a table."""
        before = [node for node in self.body.calls if node.start_byte < self.call.start_byte]
        found = [node for node in before if _ALLOC.match(self.body.callee(node))]
        return found[-1] if found else None

    @cached_property
    def null_test(self) -> Node | None:
        """The ``if (!p) return …;`` between the allocation and this call."""
        for node in walk(self.body.node, "if_statement"):
            condition = node.child_by_field_name("condition")
            consequence = node.child_by_field_name("consequence")
            if condition is None or consequence is None or node.child_by_field_name("alternative") is not None:
                continue
            after = self.allocation is not None and node.start_byte > self.allocation.start_byte
            if not after or node.end_byte > self.call.start_byte:
                continue
            test = re.fullmatch(r"\((?:unlikely\()?(?:!\s*(\w+)|(\w+) == NULL)\)?\)", self.body.text(condition))
            if test and self._names_table(test[1] or test[2]) and "return" in self.body.text(consequence):
                return node
        return None

    def _names_table(self, name: str) -> bool:
        if re.search(rf"\b{name}\b", self.table):
            return True
        source = self.body.unit.data[self.body.start(self.body.node) : self.body.start(self.call)].decode(
            errors="replace"
        )
        return re.search(rf"\b{re.escape(self.table)}\s*=[^;=]*\b{name}\b", source) is not None


def _out_of_parentheses(node: Node) -> Node | None:
    parent = node.parent
    while parent is not None and parent.type == "parenthesized_expression":
        parent = parent.parent
    return parent


def level_in(name: str) -> str:
    """Level that a function's name speaks of, or ""."""
    found = _LEVEL_IN_NAME.findall(name.replace("_", " "))
    return found[0] if found else ""


def sites_of(unit: Unit) -> Iterator[Site]:
    """Yield the calls of the API in a file, except those in the API's own definitions."""
    for body in unit.bodies:
        if api_name(body.name):
            continue
        for call in body.calls:
            known = api_name(body.callee(call))
            if known is not None and body.arguments(call):
                kind, level = known
                yield Site(body, call, kind, level or level_in(body.name))


def files_with_sites(tree: Path) -> list[str]:
    """Return the sorted paths of the files below arch, include and mm that speak of constructors or destructors."""
    found = []
    for folder in ("arch", "include/asm-generic", "include/linux", "mm"):
        for path in sorted((tree / folder).rglob("*.[ch]")):
            data = path.read_bytes()
            if b"_ctor(" in data or b"_dtor(" in data or b"_dtor_free(" in data:
                found.append(path.relative_to(tree).as_posix())
    return [path for path in found if path != "include/linux/mm.h"]
