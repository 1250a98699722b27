"""The report as b4's review reads it from a review service: comments on the lines of the quoted diff.

``b4 review`` asks such a service for a patch set by Message-ID and draws, per
patch, the unquoted lines of ``inline_review`` at the quoted lines above them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reviewbot.findings import Severity
from reviewbot.mail.diff import FileDiff, Hunk, parse_diff
from reviewbot.reports.facts import SeriesReport, Told
from reviewbot.reports.status import progress

_WORDS = {Severity.ERROR: "high", Severity.WARNING: "medium", Severity.NOTE: "low"}
_STATUS = {"waiting": "Pending", "applying": "Applying", "running": "In Review", "done": "Reviewed"}


def as_patchset(
    report: SeriesReport, number: int, bodies: Mapping[int, str], urls: Mapping[int, str]
) -> dict[str, Any]:
    """Return a patch set with a review for each patch, as JSON types.

    :param number: id of the series.
    :param bodies: number of a patch -> text of its mail, with the diff.
    :param urls: number of a patch -> its page, for the words of a review.
    """
    status = "Failed To Apply" if report.failure else "Incomplete" if report.missing else _STATUS[progress(report)]
    return {
        "id": number,
        "message_id": report.message_id,
        "subject": report.subject,
        "author": f"{report.author} <{report.author_email}>",
        "status": status,
        "patches": [
            {"id": patch.number, "message_id": patch.message_id, "part_index": patch.number, "subject": patch.subject}
            for patch in report.patches
        ],
        "reviews": [
            _review(report, patch.number, bodies.get(patch.number, ""), urls.get(patch.number, ""))
            for patch in report.patches
        ]
        if status == "Reviewed"
        else [],
    }


def _review(report: SeriesReport, number: int, body: str, url: str) -> dict[str, Any]:
    told = [one for one in report.findings if one.patch == number]
    findings = [
        {
            "severity": _WORDS[one.finding.severity],
            "problem": f"{one.finding.rule}: {one.finding.message}",
            "severity_explanation": url,
            "preexisting": False,
            "locations": [{"file": one.finding.location.file, "line": one.finding.location.line}],
        }
        for one in told
    ]
    return {
        "id": number,
        "patch_id": number,
        "status": "Reviewed",
        "result": f"{len(told)} findings" if told else "Nothing found.",
        "summary": "; ".join(report.looked_at),
        "inline_review": quoted(body, told),
        "output": json.dumps({"findings": findings}),
    }


def quoted(body: str, told: list[Told]) -> str:
    """Return the hunks of a patch that findings stand in, quoted, with each finding below its line; "" for none."""
    lines: list[str] = []
    for file in parse_diff(body).files:
        of_file = [one for one in told if one.finding.location.file == file.path]
        hunks = [(hunk, spots) for hunk in file.hunks if (spots := _spots(hunk, of_file))]
        if hunks:
            lines += _heads(file)
        for hunk, spots in hunks:
            lines += _commented(hunk, spots)
    return "\n".join(lines) + "\n" if lines else ""


def _heads(file: FileDiff) -> list[str]:
    old, new = file.old_path or file.path, file.new_path or file.path
    return [f"> diff --git a/{old} b/{new}", f"> --- a/{old}", f"> +++ b/{new}"]


def _spots(hunk: Hunk, told: list[Told]) -> dict[int, list[Told]]:
    """Return the findings whose line a hunk shows, with the text that was found there, by the place in the hunk."""
    spots: dict[int, list[Told]] = {}
    for one in told:
        place = one.finding.location
        for index, line in enumerate(hunk.lines):
            if line.kind != "-" and line.new == place.line and line.text.split() == place.text.split():
                spots.setdefault(index, []).append(one)
    return spots


def _commented(hunk: Hunk, spots: Mapping[int, list[Told]]) -> list[str]:
    lines = [f"> {hunk.header}"]
    for index, line in enumerate(hunk.lines):
        lines.append(f"> {line.kind}{line.text}")
        for one in spots.get(index, []):
            lines += ["", f"{one.finding.rule}: {one.finding.message}", ""]
    return lines
