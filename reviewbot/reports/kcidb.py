"""The report as KCIDB takes it, schema 5.3: a checkout of the series, builds, tests and known issues.

What KCIDB has no word for stays out: there are no lines, no versions of a
series and no severity. Its words are kept apart as ours are: FAIL is the
patch's fault, ERROR is ours, MISS was to run and did not, SKIP was left out
for a reason. A finding is a fact about a patch: an issue with the patch as
culprit, and one incident at the test or build that showed it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from reviewbot.builds.toolchains import architectures
from reviewbot.reports.facts import Cell, Life, PatchFacts, SeriesReport, State, Told
from reviewbot.reports.status import RunFacts, archived, named

_STATUS = {
    State.PASSED: "PASS",
    State.WARNED: "PASS",  # a warning does not keep a kernel from being built
    State.FAILED: "FAIL",
    State.BROKEN: "ERROR",
    State.SKIPPED: "SKIP",
    State.NOT_RUN: "MISS",
    State.RUNNING: "MISS",
}
_BUILD = "build"


def render(
    report: SeriesReport,
    *,
    origin: str = "reviewbot",
    site_url: str = "",
    patch_hashes: Mapping[int, str] | None = None,
    runs: Mapping[int, RunFacts] | None = None,
) -> dict[str, Any]:
    """Return one set of KCIDB objects, ready for JSON.

    :param origin: name of the submitting system, ``[a-z0-9_]+``; every id begins with it.
    :param site_url: address of the dashboard, for links to logs; none when empty.
    :param patch_hashes: number of a patch -> SHA-256 of its mail in hexadecimal; a checkout is only told with all.
    :param runs: id of a run -> what its row knows.
    """
    key = hashlib.sha256(f"{report.message_id} {report.base.commit if report.base else ''}".encode()).hexdigest()[:32]
    sink = _Sink(report, f"{origin}:{key}", origin, site_url, runs or {})
    return {
        "version": {"major": 5, "minor": 3},
        "checkouts": [_checkout(sink, patch_hashes or {})],
        "builds": [
            *(_build(sink, cell) for cell in report.cells if cell.check == _BUILD and cell.patch),
            *(_sources(sink, number) for number in dict.fromkeys(cell.patch for cell in _checks(report))),
        ],
        "tests": [_test(sink, cell) for cell in _checks(report)],
        "issues": [_issue(sink, name, told) for name, told in named(report) if _is_issue(told)],
        "incidents": [
            found for name, told in named(report) if _is_issue(told) and (found := _incident(sink, name, told))
        ],
    }


class _Sink:
    """What the objects of one report have in common."""

    def __init__(
        self, report: SeriesReport, checkout: str, origin: str, site: str, runs: Mapping[int, RunFacts]
    ) -> None:
        self.report, self.checkout, self.origin, self.site, self.runs = report, checkout, origin, site, runs

    def about(self, cell: Cell) -> dict[str, Any]:
        """Return the id and the other fields that a build and a test share."""
        name = ".".join(part for part in (cell.check, cell.configuration) if part)
        shared: dict[str, Any] = {
            "id": f"{self.checkout}.{cell.patch}.{name}",
            "origin": self.origin,
            "status": _STATUS[cell.state],
            "comment": cell.summary or cell.state.value,
            "misc": {"patch": cell.patch, "state": cell.state.value, "new_findings": cell.new},
        }
        if cell.seconds is not None:
            shared["duration"] = cell.seconds
        if cell.run and self.site:
            shared["log_url"] = f"{self.site}/runs/{cell.run}/log.txt"
        return shared


def _checkout(sink: _Sink, hashes: Mapping[int, str]) -> dict[str, Any]:
    report = sink.report
    made: dict[str, Any] = {
        "id": sink.checkout,
        "origin": sink.origin,
        "message_id": report.message_id,
        "comment": report.subject,
        "start_time": report.date.isoformat(),
        "valid": report.base is not None and report.failure is None,
        "misc": {"version": report.version, "verdict": report.verdict.value, "reason": report.reason},
    }
    if report.base:
        made |= {"git_commit_hash": report.base.commit, "tree_name": report.base.tree}
    if report.patches and all(patch.number in hashes for patch in report.patches):
        each = [hashes[patch.number] for patch in report.patches]
        made["patchset_hash"] = hashlib.sha256("".join(f"{one}\n" for one in each).encode()).hexdigest()
        made["patchset_files"] = [_file(sink, patch) for patch in report.patches if sink.site]
    return made


def _file(sink: _Sink, patch: PatchFacts) -> dict[str, str]:
    number = f"{patch.number:04d}"
    return {"name": f"{number}.patch", "url": archived(sink.report.lore, patch.message_id)}


def _build(sink: _Sink, cell: Cell) -> dict[str, Any]:
    made = sink.about(cell) | {
        "checkout_id": sink.checkout,
        "architecture": _architecture(cell.configuration),
        "config_name": cell.configuration,
    }
    if run := sink.runs.get(cell.run):
        made |= {"compiler": run.version, "command": run.command}
    return made


def _architecture(configuration: str) -> str:
    """Return what a configuration is for; its name begins with the architecture where that is not arm64."""
    word = configuration.partition("-")[0]
    return word if word in architectures() else "arm64"


def _checks(report: SeriesReport) -> list[Cell]:
    return [cell for cell in report.cells if cell.check != _BUILD and cell.patch]


def _sources(sink: _Sink, patch: int) -> dict[str, Any]:
    """Return what the checks of sources hang on: KCIDB knows no test without a build."""
    return {
        "id": f"{sink.checkout}.{patch}.sources",
        "origin": sink.origin,
        "checkout_id": sink.checkout,
        "comment": "The sources were read; no kernel was built.",
    }


def _test(sink: _Sink, cell: Cell) -> dict[str, Any]:
    part = f".{cell.configuration}" if cell.configuration else ""
    return sink.about(cell) | {
        "build_id": f"{sink.checkout}.{cell.patch}.sources",
        "path": re.sub(r"[^.\w-]", "_", f"reviewbot.{cell.check}{part}", flags=re.ASCII),
    }


def _is_issue(told: Told) -> bool:
    return told.life in (Life.NEW, Life.TRANSIENT)


def _issue(sink: _Sink, name: str, told: Told) -> dict[str, Any]:
    place = told.finding.location
    issue: dict[str, Any] = {
        "id": f"{sink.checkout}.{name}",
        "version": sink.report.version,
        "origin": sink.origin,
        "comment": f"{told.finding.rule}: {told.finding.message}",
        "culprit": {"code": True, "tool": False, "harness": False},
        "misc": {
            "rule": told.finding.rule,
            "severity": told.finding.severity.value,
            "file": place.file,
            "line": place.line,
            "function": place.function,
            "fingerprint": told.finding.fingerprint,
        },
    }
    if sink.site:
        issue["report_url"] = f"{sink.site}/rules/{quote(told.finding.rule, safe='')}/"
        issue["report_subject"] = told.finding.rule
    return issue


def _incident(sink: _Sink, name: str, told: Told) -> dict[str, Any] | None:
    """Return what ties an issue to the run that showed it, None when no such run is known."""
    cells = [cell for cell in sink.report.cells if (cell.patch, cell.check) == (told.patch, told.check)]
    cell = next((cell for cell in cells if cell.new), cells[0] if cells else None)
    if cell is None:
        return None
    where = "build_id" if cell.check == _BUILD else "test_id"
    return {
        "id": f"{sink.checkout}.{name}",
        "origin": sink.origin,
        "issue_id": f"{sink.checkout}.{name}",
        "issue_version": sink.report.version,
        where: sink.about(cell)["id"],
        "present": True,
    }
