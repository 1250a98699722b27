"""One check (or one build configuration) over all states of a series: the base, then after each patch."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from reviewbot.findings import Finding, Severity, Traced, follow
from reviewbot.reports.facts import Cell, Life, State
from reviewbot.reports.sentences import counted
from threads import conversion, models

#: name of the check that compiles
BUILD = "build"


@dataclass(frozen=True, slots=True)
class Lane:
    """The runs of one check, by state; ``traced`` is empty until all of them are settled.

    :ivar runs: one for each state, None where there is none.
    :ivar traced: every finding, followed from the base through the patches.
    """

    check: str
    configuration: str
    runs: tuple[models.Run | None, ...]
    traced: tuple[Traced, ...]

    @property
    def state(self) -> State:
        """Return the worst state of the runs."""
        states = {State(run.state) if run else State.NOT_RUN for run in self.runs}
        order = (State.BROKEN, State.RUNNING, State.NOT_RUN, State.SKIPPED, State.PASSED, State.WARNED, State.FAILED)
        return next((state for state in order if state in states), State.NOT_RUN)

    @property
    def reason(self) -> str:
        """Return the sentence of the first run that has one."""
        return next((run.reason for run in self.runs if run and run.reason), "")

    def life(self, traced: Traced) -> Life:
        """Say what a followed finding is to the series."""
        if traced.born == 0:
            return Life.FIXED if traced.gone else Life.PRE_EXISTING
        return Life.TRANSIENT if traced.gone else Life.NEW

    def concerns(self, traced: Traced) -> bool:
        """Tell whether a finding is worth a word: what was there before only in functions that are touched."""
        if self.life(traced) != Life.PRE_EXISTING:
            return True
        place = traced.finding.location
        last = self.runs[-1]
        return last is not None and [place.file, place.function] in last.coverage.get("touched", [])

    def cells(self) -> list[Cell]:
        """Return the squares of the matrix, the base's first."""
        return [self._cell(number, run) for number, run in enumerate(self.runs)]

    def _cell(self, number: int, run: models.Run | None) -> Cell:
        if run is None:
            return Cell(number, self.check, self.configuration, State.NOT_RUN)
        new = [one.finding for one in self.traced if one.born == number and number > 0]
        state = State(run.state)
        if state in (State.WARNED, State.FAILED, State.PASSED):
            # A patch answers for what it brings, not for what the base has; the base answers for nothing.
            state = _worst(new)
        return Cell(
            patch=number,
            check=self.check,
            configuration=self.configuration,
            state=state,
            summary=run.reason or (counted(len(new), "new finding") if new else run.summary),
            new=len(new),
            run=run.pk,
            seconds=run.seconds,
        )

    def looked_at(self) -> list[str]:
        """Say what "nothing found" rests on."""
        last = self.runs[-1] if self.runs else None
        return list(last.coverage.get("looked_at", [])) if last and State(last.state).settled else []

    def not_looked_at(self) -> list[str]:
        """Say what was not looked at, and why."""
        last = self.runs[-1] if self.runs else None
        lines = list(last.coverage.get("not_looked_at", [])) if last else []
        name = f"{self.check} {self.configuration}".strip()
        return [f"{name}: {self.reason}"] * bool(self.reason) + lines


def lanes_of(series: models.Series, commits: Sequence[models.AppliedPatch]) -> list[Lane]:
    """Return the lanes of a series, the checks before the builds."""
    runs: dict[tuple[str, str], dict[str, models.Run]] = defaultdict(dict)
    for run in runs_of(series).prefetch_related("findings").defer("log"):
        runs[run.check_name, run.configuration][run.tree_id] = run
    lanes = []
    for (check, configuration), by_tree in sorted(runs.items(), key=lambda item: (item[0][0] == BUILD, item[0])):
        row = tuple(by_tree.get(commit.tree_id) for commit in commits)
        lanes.append(Lane(check, configuration, row, _traced(row)))
    return lanes


def _traced(runs: Sequence[models.Run | None]) -> tuple[Traced, ...]:
    comparable = {State.PASSED, State.WARNED, State.FAILED}
    if any(run is None or State(run.state) not in comparable for run in runs):
        return ()
    return follow([_findings(run) for run in runs if run])


def _findings(run: models.Run) -> list[Finding]:
    rows = sorted(run.findings.all(), key=lambda row: (row.file, row.line, row.occurrence))
    return [conversion.finding(row) for row in rows]


def _worst(findings: Sequence[Finding]) -> State:
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return State.FAILED
    return State.WARNED if Severity.WARNING in severities else State.PASSED


def runs_of(series: models.Series) -> QuerySet[models.Run]:
    """Return the runs that a series rests on: of the trees its patches make, with what it touches in view."""
    trees = models.AppliedPatch.objects.filter(application__series=series, application__chosen=True)
    return models.Run.objects.filter(tree_id__in=trees.values("tree_id"), scope=scope_of(series))


def scope_of(series: models.Series) -> str:
    """Name what is looked at for a series: the paths that its patches touch."""
    return hashlib.sha256("\0".join(touched(series)).encode("utf-8", "surrogateescape")).hexdigest()


def touched(series: models.Series) -> list[str]:
    """Return the paths that the patches of a series touch, sorted."""
    return sorted({path for files in series.patches.values_list("files", flat=True) for path in files})
