"""What a rule looks at: the events of one function, and the tree around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from reviewbot.checks.c.source import Piece, Source
from reviewbot.checks.pgtable.consequences import Care, care
from reviewbot.checks.pgtable.facts import Facts
from reviewbot.checks.pgtable.pairing import Pairing, level_named, named_role
from reviewbot.checks.pgtable.program import Program
from reviewbot.checks.pgtable.sources import architecture
from reviewbot.checks.pgtable.state import Step, unique_steps
from reviewbot.checks.pgtable.walk import Report
from reviewbot.findings import Evidence, Finding, Location, Severity


class Scene:
    """One function of one tree, after all its paths were followed."""

    def __init__(self, piece: Piece, reports: list[Report], program: Program, pairing: Pairing) -> None:
        self.piece = piece
        self.reports = reports
        self.program = program
        self.pairing = pairing
        self.facts: Facts = program.facts
        self.source: Source = program.sources[piece.path]
        self.architecture = architecture(piece.path)

    @cached_property
    def steps(self) -> list[Step]:
        """All events on all paths, without repetitions."""
        return unique_steps(step for report in self.reports for step in report.steps)

    def of(self, *kinds: str) -> Iterator[Step]:
        """The events of some kinds."""
        return (step for step in self.steps if step.kind in kinds)

    def ends(self, table: str) -> list[Step]:
        """How the function may be left, as far as one table is concerned."""
        return [step for step in self.of("return") if step.table == table]

    def constructor_of(self, event: Step) -> Step | None:
        """The event that constructed a table in this function, on the path that led to another event of it."""
        ctors = [step for step in self.of("ctor") if step.table == event.table]
        return next((step for step in reversed(ctors) if led_to(step, event)), next(iter(ctors), None))

    def tested_wrong(self, event: Step) -> bool:
        """Whether a table is returned when its constructor failed, and never when it succeeded: rule C01 says so."""
        ctor = self.constructor_of(event)
        returned = {
            end.before.result
            for end in self.ends(event.table)
            if end.detail == "returned" and ctor is not None and led_to(ctor, end)
        }
        return "failed" in returned and returned.isdisjoint(("ok", "sure"))

    def allocation_of(self, table: str) -> Step | None:
        """The event that allocated a table in this function."""
        return next((step for step in self.of("alloc") if step.table == table), None)

    def kept_after(self, step: Step) -> Step | None:
        """An end at which the table that an event destroyed is still held, though other paths go on to free it."""
        ends = [end for end in self.ends(step.table) if step.history and step.history[-1] in end.history]
        if not any(end.before.freed for end in ends) or any(report.coarse for report in self.reports):
            return None
        kept = (end for end in ends if end.before.destroyed == step.name and not end.before.freed)
        return next((end for end in kept if not end.before.escaped and end.detail != "returned"), None)

    @cached_property
    def role(self) -> tuple[str, str]:
        """The level and the action that the function's name promises: ``pmd_alloc_one`` is (pmd, alloc)."""
        return named_role(self.piece.name)

    @cached_property
    def roles(self) -> set[tuple[str, str]]:
        """The role of the name, or those of the functions that forward to this one."""
        return {self.role} if self.role[0] else self.pairing.inherited(self.piece)

    @property
    def named_level(self) -> str:
        """The one level that the function's name speaks of, "" when it is none or several."""
        return level_named(self.piece)

    def care(self, level: str, mm: str = "") -> Care:
        """What constructor and destructor of a level take care of here."""
        return care(self.facts, level, self.architecture, mm)

    def type_of(self, name: str) -> str:
        """The declared type of a parameter or local variable, "" when it has none here."""
        for parameter in self.piece.parameters:
            if parameter.name == name:
                return parameter.type
        graphs = (report.graph for report in self.reports if report.graph)
        return next((graph.types[name] for graph in graphs if name in graph.types), "")

    @cached_property
    def comments(self) -> str:
        """The function as it is written, with its comments and those just above."""
        first, last = max(self.piece.line - 8, 1), self.piece.last_line
        return "\n".join(self.source.raw_lines[first - 1 : last])

    def text(self, line: int) -> str:
        """The text of a line of this file."""
        return self.source.line_text(line)

    def finding(
        self,
        rule: str,
        severity: Severity,
        step: Step,
        message: str,
        *,
        line: int = 0,
        evidence: Iterable[Evidence] = (),
        assumption: str = "",
    ) -> Finding:
        """Make a finding at an event, with the path that led there."""
        line = line or step.line
        place = Location(self.piece.path, line, self.piece.written, self.text(line))
        if any(report.coarse for report in self.reports):
            assumption = assumption or "the function has so many paths that its other tests were not held together"
        conditions = [part for part in (self.piece.condition, step.condition) if part]
        steps = tuple(dict.fromkeys((*step.history, *evidence)))
        return Finding(rule, severity, place, message, steps, " && ".join(conditions), assumption)

    def reached(self, line: int, what: str) -> Evidence:
        """One more step for the evidence: a line of this function."""
        return Evidence(self.piece.path, line, f"{what}: {self.text(line)}")


def led_to(step: Step, event: Step) -> bool:
    """Whether one event of a table lies on the path to another one."""
    return bool(step.history) and step.history[-1] in event.history
