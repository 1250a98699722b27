"""Running a check over the base and every patch of a series."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from django.conf import settings

from reviewbot.checks import registry
from reviewbot.checks.protocol import Check, Coverage
from reviewbot.checks.series import SeriesFindings, check_series
from reviewbot.checks.waivers import read_waivers
from reviewbot.errors import OperatorError
from reviewbot.findings import Finding, Severity
from reviewbot.reports.facts import State
from reviewbot.reports.sentences import counted
from reviewbot.tree.readers import GitFiles
from threads import models
from threads.lanes import runs_of
from threads.services import pipeline
from threads.services.building import ON_REQUEST
from threads.services.queue import claim, release
from threads.services.runs import note, settle, supersede

_MAX_UNREAD = 10
_MAX_TOLD = 20


def check(series_id: int, name: str) -> None:
    """Run one check over all states of a series, and keep what it finds in each.

    :raises ReviewError: when the check cannot run.
    """
    series = models.Series.objects.get(pk=series_id)
    runs = runs_of(series).filter(check_name=name)
    claimed = claim(runs)
    if claimed:
        try:
            _check(series, registry.find(name), claimed)
        finally:
            release(models.Run.objects.filter(pk__in=claimed))
    pipeline.advance_sharers(series)


def chosen(asked: Sequence[str]) -> list[Check]:
    """Return the checks that a series gets: those asked for, else the usual ones and what the operator adds.

    :raises NotFoundError: when there is no check of such a name.
    """
    if asked:
        return [registry.find(name) for name in asked if name not in ON_REQUEST]
    usual = registry.available()
    known = {*ON_REQUEST, *(check.name for check in usual)}
    return [*usual, *(registry.find(name) for name in settings.MORE_CHECKS if name not in known)]


def version_of(check: Check) -> str:
    """Return what the runs of a check are kept under: its version, and the waivers that it is given."""
    return f"{check.version}, waivers {sha256(_waiver_file()).hexdigest()[:12]}" if _waiver_file() else check.version


def _waiver_file() -> bytes:
    """Return the operator's waiver file, nothing when there is none."""
    try:
        return Path(settings.WAIVERS).read_bytes() if settings.WAIVERS else b""
    except OSError as error:
        raise OperatorError(f"WAIVERS names {settings.WAIVERS}, which cannot be read: {error.strerror}.") from error


def _check(series: models.Series, check: Check, claimed: list[int]) -> None:
    commits = list(models.AppliedPatch.objects.filter(application__series=series, application__chosen=True))
    runs = runs_of(series).filter(check_name=check.name)
    version = version_of(check)
    supersede(runs, version)
    by_tree = {run.tree_id: run for run in runs.filter(version=version)}
    lane = [by_tree[commit.tree_id] for commit in commits]
    states = [GitFiles(settings.STORE, commit.commit) for commit in commits]
    start = time.monotonic()
    found = check_series(
        check,
        states,
        _touched(series, commits, states),
        waivers=read_waivers(_waiver_file(), settings.WAIVERS) if settings.WAIVERS else (),
        progress=lambda number: note(lane[number], "reading", claimed),
    )
    seconds = (time.monotonic() - start) / len(commits)
    for number, run in enumerate(lane):
        if run.pk in claimed:
            _keep(run, check, found, number, seconds)


def _touched(
    series: models.Series, commits: Sequence[models.AppliedPatch], states: Sequence[GitFiles]
) -> list[list[str]]:
    """Return the paths that each patch touches: those its mail shows, and those that git made of it.

    The two differ for what is cut of a long mail, for parts of a mail that are
    not shown, and where a merge followed a file to its new name.
    """
    shown = dict(series.patches.values_list("number", "files"))
    changed = (before.changed(after) for before, after in pairwise(states))
    return [sorted({*shown[commit.number], *paths}) for commit, paths in zip(commits[1:], changed, strict=True)]


def _keep(run: models.Run, check: Check, found: SeriesFindings, number: int, seconds: float) -> None:
    findings, coverage = found.states[number], found.coverage[number]
    settle(
        run,
        _state(findings),
        findings,
        seconds=seconds,
        command=f"python -m reviewbot.checks --tree . {shlex.join(run.scope_paths)}",
        reason="",
        summary=f"{counted(len(findings), 'finding')} in this state" if findings else "nothing found",
        coverage={
            "looked_at": [*_looked_at(check, coverage), *_told(coverage)],
            "not_looked_at": _unread(check, coverage),
            "touched": sorted(map(list, found.functions)),
        },
    )


def _state(findings: tuple[Finding, ...]) -> State:
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return State.FAILED
    return State.WARNED if Severity.WARNING in severities else State.PASSED


def _looked_at(check: Check, coverage: Coverage) -> list[str]:
    facts = f"; {'; '.join(coverage.facts[:1])}" if coverage.facts else ""
    functions = f", {counted(coverage.functions, 'function')}" if coverage.functions else ""
    return [f"{check.title}: {counted(len(coverage.files), 'file')}{functions}, before and after each patch{facts}."]


def _told(coverage: Coverage) -> list[str]:
    more = len(coverage.told) - _MAX_TOLD
    return [*coverage.told[:_MAX_TOLD], *([f"{counted(more, 'more remark')} about waivers."] if more > 0 else [])]


def _unread(check: Check, coverage: Coverage) -> list[str]:
    shown = [f"Not checked by {check.name}: {place}." for place in coverage.unread[:_MAX_UNREAD]]
    more = len(coverage.unread) - len(shown)
    return [*shown, f"Not checked by {check.name}: {counted(more, 'more function')}."] if more > 0 else shown
