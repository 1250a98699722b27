"""Watching series come along, for a terminal: what changed since the last look, as lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from reviewbot.reports.facts import State, Verdict
from threads import models
from threads.lanes import runs_of
from threads.services import pipeline

_LOOK_SECONDS = 0.25
_SWEEP_SECONDS = 10.0
_JUDGED = (State.PASSED, State.WARNED, State.FAILED)


class Watch:
    """Looks at rows until they are settled.

    :param say: told one line for each thing that happened, with the seconds since the start.
    :param alive: raises when what does the work is gone.
    """

    def __init__(self, say: Callable[[str], None], alive: Callable[[], None]) -> None:
        self._say = say
        self._alive = alive
        self._start = time.monotonic()
        self._said: set[str] = set()
        self._swept = self._start

    def note(self, line: str) -> None:
        """Say a line once."""
        if line not in self._said:
            self._said.add(line)
            self._say(f"{time.monotonic() - self._start:6.1f} s  {line}")

    def series(self, rows: Sequence[models.Series]) -> None:
        """Wait until every series is settled and has its report."""
        waiting = list(rows)
        while waiting:
            for row in list(waiting):
                row.refresh_from_db()
                self._progress(row)
                if row.verdict == Verdict.INCOMPLETE or State(row.state).settled:
                    waiting.remove(row)
            if waiting:
                self._pause()

    def _progress(self, row: models.Series) -> None:
        name = f"v{row.version}"
        for application in row.applications.all():
            word = "applies to" if application.applies else "does not apply to"
            self.note(f"{name:8} {word} {application.describe or application.tree_name}")
        states = self._states(row)
        for run in runs_of(row).filter(tree_id__in=states).defer("log").order_by("check_name", "id"):
            if State(run.state).settled or run.summary:
                self._run(row, run, states[run.tree_id])

    def _run(self, row: models.Series, run: models.Run, number: int) -> None:
        where = f"v{row.version} {number}/{row.expected}" if number else "base"
        what = f"{run.check_name} {run.configuration}".strip()
        settled = State(run.state).settled
        words = run.reason or run.summary
        if not settled:  # which file it is at belongs on the page, not in a log of lines
            words = " ".join(word for word in words.split() if "/" not in word and "." not in word)
        detail = f": {words}" if words else ""
        seconds = f" ({run.seconds:.1f} s)" if settled and run.seconds else ""
        # What a state holds is not yet what its patch brings: the verdict compares.
        word = ("done" if State(run.state) in _JUDGED else run.state) if settled else "…"
        self.note(f"{where:8} {what}: {word}{detail}{seconds}")

    def _states(self, row: models.Series) -> dict[str, int]:
        """Map the trees of a series to the number of the patch that makes them, 0 for the base."""
        commits = models.AppliedPatch.objects.filter(application__series=row, application__chosen=True)
        return dict(commits.order_by("-number").values_list("tree_id", "number"))

    def _pause(self) -> None:
        self._alive()
        now = time.monotonic()
        if now - self._swept > _SWEEP_SECONDS:
            self._swept = now
            pipeline.sweep()
        time.sleep(_LOOK_SECONDS)


def exit_status(series: models.Series) -> int:
    """Return 0 clean, 1 findings, 2 does not apply or is incomplete, 3 our fault."""
    return {
        Verdict.CLEAN: 0,
        Verdict.FINDINGS: 1,
        Verdict.DOES_NOT_APPLY: 2,
        Verdict.INCOMPLETE: 2,
    }.get(Verdict(series.verdict), 3)
