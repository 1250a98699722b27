"""Functions that are handed on as allocators: ``__create_pgd_mapping(…, pgd_pgtable_alloc, flags)``.

Which levels such a function serves is seen where its results are installed, in
the functions that get it as a parameter and hand it on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reviewbot.checks.c.source import Piece
from reviewbot.checks.c.tree import Expr
from reviewbot.checks.pgtable.sources import graphs
from reviewbot.findings import Evidence

if TYPE_CHECKING:
    from reviewbot.checks.pgtable.program import Program

Slot = tuple[str, int]
#: what is known of a function that is handed on: the levels it serves, and where that is seen
Served = tuple[frozenset[str], tuple[Evidence, ...]]


def calls_in(expr: Expr | None) -> Iterator[Expr]:
    """Yield all calls in an expression, also those in statement expressions."""
    waiting = [expr] if expr is not None else []
    while waiting:
        found = waiting.pop()
        if found.kind == "call":
            yield found
        waiting.extend(found.parts)
        if found.block is not None:
            waiting.extend(node.expr for node in found.block.nodes if node.expr is not None)


def _function_slots(piece: Piece) -> dict[str, int]:
    return {p.name: index for index, p in enumerate(piece.parameters) if "(*" in p.type.replace(" ", "") and p.name}


def handed_on(program: Program, path: str) -> dict[str, Served]:
    """Say for each function of a file that is handed on which levels its tables serve."""
    source = program.sources.get(path)
    if source is None:
        return {}
    takers = {piece.name: piece for piece in source.pieces if _function_slots(piece)}
    if not takers:
        return {}
    levels, forwards, evidence = _installed(program, takers)
    changed = True
    while changed:
        changed = False
        for slot, targets in forwards.items():
            more = set().union(*(levels[target] for target in targets)) - levels[slot]
            if more:
                levels[slot] |= more
                evidence[slot] += [step for target in targets for step in evidence[target]]
                changed = True
    served: dict[str, Served] = {}
    for name, slot, step in _handed(program, source.pieces, takers):
        known, steps = served.get(name, (frozenset(), ()))
        served[name] = known | levels[slot], tuple(dict.fromkeys((*steps, step, *evidence[slot][:6])))
    return served


def _installed(
    program: Program, takers: dict[str, Piece]
) -> tuple[dict[Slot, set[str]], dict[Slot, set[Slot]], dict[Slot, list[Evidence]]]:
    levels: dict[Slot, set[str]] = defaultdict(set)
    evidence: dict[Slot, list[Evidence]] = defaultdict(list)
    forwards: dict[Slot, set[Slot]] = defaultdict(set)
    for piece in takers.values():
        slots = _function_slots(piece)
        for report in program.reports(piece):
            for step in report.steps:
                for name, index in slots.items():
                    if step.kind == "install" and step.table.startswith(f"call:{name}("):
                        levels[piece.name, index].add(step.level)
                        evidence[piece.name, index] += step.history[-1:]
            for node in report.graph.nodes if report.graph else ():
                for call in calls_in(node.expr):
                    for position, part in enumerate(call.parts[1:]):
                        if call.callee in takers and part.canonical in slots:
                            forwards[piece.name, slots[part.canonical]].add((call.callee, position))
    return levels, forwards, evidence


def _handed(program: Program, pieces: list[Piece], takers: dict[str, Piece]) -> Iterator[tuple[str, Slot, Evidence]]:
    names = tuple(takers)
    for piece in pieces:
        if not any(name + "(" in piece.body or name + " (" in piece.body for name in names):
            continue
        for graph, _ in graphs(piece):
            for node in graph.nodes:
                for call in calls_in(node.expr):
                    if call.callee not in takers:
                        continue
                    for index in _function_slots(takers[call.callee]).values():
                        if index + 1 < len(call.parts) and call.parts[index + 1].bare().kind in ("name", "addr"):
                            handed = call.parts[index + 1].canonical.lstrip("&")
                            text = program.sources[piece.path].line_text(call.line)
                            step = Evidence(piece.path, call.line, f"hands on {handed}(): {text}")
                            yield handed, (call.callee, index), step
