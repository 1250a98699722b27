"""What a mutation is, and the register of the operators that make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from benchmarks.ctor.csource import Body, Edit
from benchmarks.ctor.sites import Epoch, Site

#: within one function, across functions and files, or no mistake at all
INTRA, INTER, BENIGN = "intra", "inter", "benign"


@dataclass(frozen=True)
class Mutation:
    """A change of one or more files of a tree, and what a checker has to say about it.

    :ivar kind: name of the operator, e.g. ``drop-ctor``.
    :ivar rules: accepted rules, the expected one first; empty when the change is right.
    :ivar scope: :data:`INTRA`, :data:`INTER` or :data:`BENIGN`.
    :ivar edits: path -> edits of that file.
    :ivar file: where the finding belongs.
    :ivar functions: accepted functions there.
    :ivar at: offsets in the unchanged file near which the finding belongs.
    """

    kind: str
    rules: tuple[str, ...]
    scope: str
    edits: Mapping[str, Sequence[Edit]]
    file: str
    functions: tuple[str, ...]
    at: tuple[int, ...] = field(default=())


Operator = Callable[[Site, Epoch], Iterator[Mutation]]
OPERATORS: list[Operator] = []


def operator(function: Operator) -> Operator:
    """Register an operator that is tried at every constructor and destructor call."""
    OPERATORS.append(function)
    return function


def planted(site: Site, kind: str, rules: str, *edits: Edit, scope: str = INTRA, near: Node | None = None) -> Mutation:
    """Make a mutation of the file in which a call stands.

    :param rules: accepted rules, separated by spaces, the expected one first.
    :param near: a second place at which the finding may be reported.
    """
    places = [site.body.start(site.call), site.body.start(site.statement)]
    places += [site.body.start(node) for node in (near, site.allocation) if node is not None]
    path = site.body.unit.path
    return Mutation(kind, tuple(rules.split()), scope, {path: edits}, path, (site.body.name,), tuple(places))


def removed(body: Body, statement: Node) -> Edit:
    """Edit that takes a statement away and leaves valid C behind."""
    parent = statement.parent
    alone = parent is not None and parent.type not in ("compound_statement", "case_statement")
    return body.replace(statement, ";" if alone else "")
