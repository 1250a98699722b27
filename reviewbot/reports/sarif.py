"""The findings of a series as SARIF 2.1.0, compared with the version before it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from reviewbot.checks.sarif import sarif
from reviewbot.reports.facts import Life, SeriesReport, Told, Verdict
from reviewbot.reports.letter import page
from reviewbot.reports.rules import described


def render(report: SeriesReport, *, site_url: str = "") -> dict[str, Any]:
    """Return one SARIF log with one run, ready for JSON.

    ``baselineState`` compares with the version of the series before this one, or
    with the base when there is none: ``new``, ``unchanged``, ``updated`` (it was at
    another place) or ``absent`` (gone since then, or repaired in the base). What the
    base has already is ``unchanged`` and told from the rest by the property ``life``.

    :param site_url: address of the dashboard, for links to rules and to the page; none when empty.
    """
    stated = [(told, _state(told, report)) for told in (*report.findings, *report.preexisting)]
    stated += [(told, "absent") for told in (*report.fixed, *report.gone)]
    findings = [told.finding for told, _ in stated]
    log = sarif(findings, rules=described(finding.rule for finding in findings))
    (run,) = log["runs"]
    for result, (told, state) in zip(run["results"], stated, strict=True):
        result["baselineState"] = state
        result.setdefault("properties", {}).update(_properties(told))
    if site_url:
        for rule in run["tool"]["driver"]["rules"]:
            rule["helpUri"] = f"{site_url}/rules/{quote(rule['id'], safe='')}/"
    run["automationDetails"] = {"id": f"{quote(report.message_id, safe='@')}/"}
    run["invocations"] = [{"executionSuccessful": report.verdict is not Verdict.BROKEN}]
    run["properties"] = _of_the_series(report, site_url)
    return log


def _state(told: Told, report: SeriesReport) -> str:
    if told.life is Life.PRE_EXISTING:
        return "unchanged"
    if told.since == report.version:
        return "new"
    return "updated" if told.moved else "unchanged"


def _properties(told: Told) -> dict[str, Any]:
    known = {"life": told.life.value, "patch": told.patch, "check": told.check, "sinceVersion": told.since}
    return known | ({"goneByPatch": told.gone_by} if told.gone_by else {})


def _of_the_series(report: SeriesReport, site_url: str) -> dict[str, Any]:
    known: dict[str, Any] = {
        "messageId": report.message_id,
        "subject": report.subject,
        "version": report.version,
        "verdict": report.verdict.value,
        "lookedAt": list(report.looked_at),
        "notLookedAt": list(report.not_looked_at),
    }
    if report.base:
        known["base"] = {"tree": report.base.tree, "commit": report.base.commit, "describe": report.base.describe}
    return known | ({"page": page(report, site_url)} if site_url else {})
