"""The facts as the status API answers them: plain JSON types, every link absolute.

The fields are told by the schema of the API. Three words are never mixed up:
``not run`` is no ``passed``, and ``broken`` is never the patch's fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from reviewbot.reports.facts import BaseFacts, Cell, Life, PatchFacts, Reject, SeriesReport, State, Told, VersionFacts


class Urls(Protocol):
    """Where the things of a report are found; every answer is an absolute URL."""

    def series(self, message_id: str) -> str:
        """Return the page of a series."""

    def patch(self, message_id: str) -> str:
        """Return the page of a patch."""

    def run(self, run: int) -> str:
        """Return the page of a run, with its log."""

    def rule(self, rule: str) -> str:
        """Return the page of a rule."""


class Elsewhere(NamedTuple):
    """What another bot says about a patch."""

    bot: str
    context: str
    state: str
    description: str
    url: str
    date: datetime


class RunFacts(NamedTuple):
    """What the row of a run knows beyond its square of the matrix."""

    version: str
    command: str


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands in rows beside the report.

    :ivar patch_ids: number of the patch -> stable patch-id.
    :ivar runs: id of the run -> its tool's version and its command.
    :ivar others: number of the patch -> what other bots say about it.
    :ivar mail: state and Message-ID of the reply, None when there is none.
    """

    patch_ids: Mapping[int, str] = field(default_factory=dict)
    runs: Mapping[int, RunFacts] = field(default_factory=dict)
    others: Mapping[int, tuple[Elsewhere, ...]] = field(default_factory=dict)
    mail: tuple[str, str] | None = None


def named(report: SeriesReport) -> Iterator[tuple[str, Told]]:
    """Yield every finding that stands on the page of a series with its id, which is unique there.

    The id is the fingerprint; the second place with the same one gets ``-2``.
    """
    seen: Counter[str] = Counter()
    for told in (*report.findings, *report.fixed, *report.preexisting):
        name = told.finding.fingerprint
        seen[name] += 1
        yield (name if seen[name] == 1 else f"{name}-{seen[name]}"), told


def progress(report: SeriesReport) -> str:
    """Return how far a series is, in one word: ``waiting``, ``applying``, ``running`` or ``done``."""
    if report.state is State.NOT_RUN:
        return "waiting"
    if report.state is State.RUNNING:
        return "running" if report.base else "applying"
    return "done"


def standing(told: Told, version: int) -> str:
    """Return what a finding is to this version: new, still, transient, fixed or preexisting."""
    if told.life is Life.NEW:
        return "still" if told.since < version else "new"
    return {Life.TRANSIENT: "transient", Life.FIXED: "fixed", Life.PRE_EXISTING: "preexisting"}[told.life]


def archived(lore: str, message_id: str) -> str:
    """Return the address of a mail on an archive; a Message-ID may hold what no address may."""
    return lore + quote(message_id, safe="@!$&'()*+,;=:-._~")


def as_dict(report: SeriesReport, urls: Urls, beside: Beside | None = None) -> dict[str, Any]:
    """Return everything about a series as JSON types."""
    beside = beside or Beside()
    page = urls.series(report.message_id)
    findings = [_finding(name, told, report, urls, page) for name, told in named(report)]
    return {
        "msgid": report.message_id,
        "url": page,
        "lore": archived(report.lore, report.message_id),
        "subject": report.subject,
        "name": report.name,
        "version": report.version,
        "author": {"name": report.author, "email": report.author_email},
        "date": report.date.isoformat(),
        "lists": list(report.lists),
        "state": progress(report),
        "verdict": report.verdict.value,
        "reason": report.reason,
        "versions": [_version(one, urls) for one in report.versions],
        "base": _base(report.base),
        "failure": _failure(report.failure),
        "expected": report.expected,
        "missing": list(report.missing),
        "patches": [_patch(one, report, urls, beside, findings) for one in report.patches],
        "base_checks": [_check(cell, urls, beside) for cell in report.cells if cell.patch == 0],
        "findings": findings,
        "gone": [told.finding.fingerprint for told in report.gone],
        "looked_at": list(report.looked_at),
        "not_looked_at": list(report.not_looked_at),
        "reproduce": [{"what": one.what, "command": one.command} for one in report.reproduce],
        "replies": report.replies,
        "mail": {"state": beside.mail[0], "msgid": beside.mail[1]} if beside.mail else None,
    }


def _version(one: VersionFacts, urls: Urls) -> dict[str, Any]:
    return {
        "version": one.version,
        "msgid": one.message_id,
        "url": urls.series(one.message_id),
        "date": one.date.isoformat(),
        "verdict": one.verdict.value,
        "findings": one.findings,
        "how": one.how,
    }


def _base(base: BaseFacts | None) -> dict[str, Any] | None:
    if base is None:
        return None
    return {
        "tree": base.tree,
        "commit": base.commit,
        "describe": base.describe,
        "how": base.how,
        "trace": list(base.trace),
    }


def _failure(failure: Reject | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    return {
        "patch": failure.patch,
        "msgid": failure.message_id,
        "file": failure.file,
        "hunk": failure.hunk,
        "wanted": failure.wanted,
        "found": failure.found,
        "found_line": failure.found_line,
        "reason": failure.reason,
    }


def _patch(
    one: PatchFacts, report: SeriesReport, urls: Urls, beside: Beside, findings: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "n": one.number,
        "msgid": one.message_id,
        "url": urls.patch(one.message_id),
        "subject": one.subject,
        "author": one.author or f"{report.author} <{report.author_email}>".lstrip(),
        "unseen": one.unseen,
        "patch_id": beside.patch_ids.get(one.number, ""),
        "commit": one.commit,
        "method": one.method,
        "files": list(one.files),
        "trailers": list(one.trailers),
        "checks": [_check(cell, urls, beside) for cell in report.cells if cell.patch == one.number],
        "other_checks": [
            other._asdict() | {"date": other.date.isoformat()} for other in beside.others.get(one.number, ())
        ],
        "findings": [finding["id"] for finding in findings if finding["patch"] == one.number],
    }


def _check(cell: Cell, urls: Urls, beside: Beside) -> dict[str, Any]:
    run = beside.runs.get(cell.run)
    return {
        "name": cell.check,
        "configuration": cell.configuration,
        "version": run.version if run else "",
        "state": cell.state.value,
        "summary": cell.summary,
        "new": cell.new,
        "duration_s": cell.seconds,
        "log": urls.run(cell.run) if cell.run else None,
        "reproduce": run.command if run else "",
    }


def _finding(name: str, told: Told, report: SeriesReport, urls: Urls, page: str) -> dict[str, Any]:
    finding = told.finding
    return {
        "id": name,
        "fingerprint": finding.fingerprint,
        "rule": finding.rule,
        "rule_url": urls.rule(finding.rule),
        "severity": finding.severity.value,
        "life": standing(told, report.version),
        "patch": told.patch,
        "gone_by": told.gone_by,
        "since": told.since,
        "moved": told.moved,
        "back_from": told.back,
        "check": told.check,
        "file": finding.location.file,
        "line": finding.location.line,
        "function": finding.location.function,
        "quote": finding.location.text,
        "message": finding.message,
        "condition": finding.condition,
        "assumption": finding.assumption,
        "evidence": [step._asdict() for step in finding.evidence],
        "said": [
            {
                "remark": one.remark.value,
                "who": one.who,
                "date": one.date.isoformat(),
                "msgid": one.message_id,
                "words": one.words,
            }
            for one in told.said
        ],
        "permalink": f"{page}#f-{name}",
    }
