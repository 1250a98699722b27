"""A check command of b4: it reads a mail from standard input and answers as b4 expects.

``b4 prep --check`` (``b4.prep-perpatch-check-cmd``, and ``b4.am-perpatch-check-cmd``)
wants a line for each complaint on standard output: one with ``ERROR:`` is a
failure, any other a warning, none a success. It takes every line on standard
error for a failure, so nothing is written there. ``b4 review``
(``b4.review-perpatch-check-cmd``, ``b4.review-series-check-cmd``) wants a JSON
list of results; of several with the same ``tool`` it keeps the last. Neither says which commit it is about: it
is found by the patch-id of the mail, from HEAD or the branch that b4 has made.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pygit2

from reviewbot.checks import author
from reviewbot.checks.commits import Range, find_patch, open_repository, read_range
from reviewbot.checks.plain import text
from reviewbot.checks.registry import available
from reviewbot.checks.waivers import load_waivers
from reviewbot.errors import NotFoundError, ReviewError
from reviewbot.findings import Finding, Severity

MAX_MAIL = 20_000_000
TOOL = "reviewbot"
_STATUS = {Severity.ERROR: "fail", Severity.WARNING: "warn", Severity.NOTE: "pass", None: "pass"}
_FLAG = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTE: "NOTE"}
#: what stands in the way when a mail is no commit of the branch
_NOT_HERE = "the patch is no recent commit of this branch, so that nothing was checked"


def main(arguments: Sequence[str]) -> int:
    """Answer one call of b4; the exit status is 0 when an answer was given."""
    parser = argparse.ArgumentParser(prog="python -m reviewbot.checks b4", description=__doc__)
    parser.add_argument("kind", choices=("prep", "review", "series"))
    parser.add_argument("--waivers", metavar="FILE", action="append", default=[])
    options = parser.parse_args(arguments)
    try:
        repository = open_repository(".")
        mail = sys.stdin.buffer.read(MAX_MAIL)
        waivers = [waiver for path in options.waivers for waiver in load_waivers(path)]
        commits = _series(repository) if options.kind == "series" else find_patch(repository, mail, _tips(repository))
        checked = author.check_range(available(), commits, waivers) if commits else []
    except ReviewError as error:
        _say(options.kind, [], f"not checked: {error}", "warn")
        return 0
    findings = author.told(checked)
    summary = author.summary(checked, commits) if commits else _NOT_HERE
    _say(options.kind, findings, summary, _STATUS[author.worst(findings)] if commits else "warn")
    return 0


def _say(kind: str, findings: Sequence[Finding], summary: str, status: str) -> None:
    if kind != "prep":
        print(json.dumps([_result(findings, summary, status)]))
        return
    for finding in findings:
        place = finding.location
        print(f"{place.file}:{place.line}: {_FLAG[finding.severity]}: {finding.message} [{finding.rule}]")
    if not findings and status != "pass":
        print(f"WARNING: {summary}")


def _result(findings: Sequence[Finding], summary: str, status: str) -> dict[str, Any]:
    """One result as b4 keeps it; its details are a JSON list in a string, as those of b4's own checks."""
    details = [
        {"status": _STATUS[finding.severity], "context": finding.rule, "description": text(finding).rstrip()}
        for finding in findings
    ]
    result = {"tool": TOOL, "status": status, "summary": summary}
    return {**result, "details": json.dumps(details)} if details else result


def _tracking() -> dict[str, Any]:
    """What b4 review says of the series, empty when it says nothing."""
    place = os.environ.get("B4_TRACKING_FILE", "")
    try:
        known = json.loads(Path(place).read_bytes()) if place else {}
    except (OSError, ValueError):
        return {}
    series = known.get("series") if isinstance(known, dict) else None
    return series if isinstance(series, dict) else {}


def _branch(repository: pygit2.Repository) -> str:
    """The branch on which b4 review has applied the series, "" when there is none."""
    name = f"refs/heads/b4/review/{_tracking().get('change-id', '')}"
    return name if pygit2.reference_is_valid_name(name) and name in repository.references else ""


def _tips(repository: pygit2.Repository) -> list[str]:
    branch = _branch(repository)
    return [branch, "HEAD"] if branch else ["HEAD"]


def _series(repository: pygit2.Repository) -> Range:
    """The commits of the series; the one at the tip of the branch is b4's own record.

    :raises NotFoundError: when b4 has not applied the series here.
    """
    branch, first = _branch(repository), _tracking().get("first-patch-commit", "")
    if not branch or not isinstance(first, str) or not first:
        raise NotFoundError("b4 has not applied this series to a branch of this repository.")
    return read_range(repository, f"{first}~1..{branch}~1")
