"""Walking through the functions of a tree, each once, within bounds that no text of a stranger can pass.

What a bound leaves out is said by name: the report of such a function gives the reason in ``gave_up``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from reviewbot.checks.c.source import Piece, Source
from reviewbot.checks.c.tree import Graph
from reviewbot.checks.pgtable.knowledge import Handed, Knowledge
from reviewbot.checks.pgtable.memory import Followed, Memory, Questions
from reviewbot.checks.pgtable.sources import graphs
from reviewbot.checks.pgtable.state import Outcome
from reviewbot.checks.pgtable.walk import Report, Walk

#: characters of a function's body; the longest of Linux that deal with page tables have a tenth of it
MAX_BODY = 200_000
#: steps of a function: what may follow a step is kept for each of them
MAX_NODES = 2_500
#: how far the functions of one file are followed together, in the units of a walk
MAX_FILE_STATES = 100_000

#: the condition of a variant, and the functions that the caller hands in
Given = tuple[str, Handed]


class Walks:
    """The walks through the functions of one program."""

    def __init__(self, program: Knowledge, sources: Mapping[str, Source], memory: Memory) -> None:
        self._program = program
        self._sources = sources
        self._memory = memory
        self._reports: dict[tuple[Piece, Handed], list[Report]] = {}
        #: file -> what its functions took so far
        self.spent: Counter[str] = Counter()

    def of(self, piece: Piece, handed: Handed = ()) -> list[Report]:
        """Walk through a function, once for what is handed to it; through each variant that its ``#if`` make of it."""
        if (piece, handed) not in self._reports:
            self._reports[piece, handed] = []
            self._reports[piece, handed] = self._known(piece, handed) or self._all(piece, handed)
        return self._reports[piece, handed]

    def _known(self, piece: Piece, handed: Handed) -> list[Report]:
        """The walks of the state before, where nothing that they depend on has changed."""
        before = self._memory.followed(piece, handed)
        known = before.again(piece, self._sources[piece.path], self._program) if before else None
        if known is None or self.spent[piece.path] + known.spent > MAX_FILE_STATES:
            return []
        if known is not before:
            self._memory.keep(piece, handed, known)
        self.spent[piece.path] += known.spent
        return known.reports

    def _all(self, piece: Piece, handed: Handed) -> list[Report]:
        if len(piece.body) > MAX_BODY:
            return [_not_walked(piece, "it is too long")]
        asked = Questions(self._program)
        walked = [self._one(piece, graph, (condition, handed), asked) for graph, condition in graphs(piece)]
        reports = [report for report, _ in walked]
        if self.spent[piece.path] <= MAX_FILE_STATES:
            spent = sum(spent for _, spent in walked)
            followed = Followed(self._sources[piece.path], asked.answers, reports, spent)
            self._memory.keep(piece, handed, followed)
        return reports

    def _one(self, piece: Piece, graph: Graph, given: Given, asked: Questions) -> tuple[Report, int]:
        if len(graph.nodes) > MAX_NODES:
            return _not_walked(piece, "it has too many statements"), 0
        if self.spent[piece.path] > MAX_FILE_STATES:
            return _not_walked(piece, "the functions before it in this file have too many paths"), 0
        report, spent = self._walk(piece, graph, given, asked, coarse=False)
        if report.gave_up:
            report, more = self._walk(piece, graph, given, asked, coarse=True)
            spent += more
        return report, spent

    def _walk(self, piece: Piece, graph: Graph, given: Given, asked: Questions, *, coarse: bool) -> tuple[Report, int]:
        walk = Walk(piece, self._sources[piece.path], graph, asked.as_knowledge(), *given, coarse=coarse)
        report = walk.run()
        self.spent[piece.path] += walk.spent
        return report, walk.spent


def _not_walked(piece: Piece, why: str) -> Report:
    return Report(piece, [], {Outcome("unknown")}, gave_up=why)
