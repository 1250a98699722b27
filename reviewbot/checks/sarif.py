"""Findings as SARIF 2.1.0 (OASIS standard), a plain dictionary ready for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from reviewbot.findings import Evidence, Finding, Severity, occurrences

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def sarif(
    findings: Iterable[Finding],
    *,
    tool: str = "reviewbot",
    version: str = "",
    rules: Mapping[str, tuple[str, str]] | None = None,
) -> dict[str, Any]:
    """Render findings as one SARIF run.

    :param tool: name of the tool, with its ``version``.
    :param rules: rule -> (name, rationale), for the rules that have a page.
    """
    findings = list(findings)
    rules = rules or {}
    used = list(dict.fromkeys([*rules, *(finding.rule for finding in findings)]))
    driver: dict[str, Any] = {
        "name": tool,
        "rules": [_rule(code, *rules.get(code, (code, ""))) for code in used],
    }
    if version:
        driver["version"] = version
    results = [_result(finding, used.index(finding.rule), number) for finding, number in occurrences(findings)]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, name: str, rationale: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": code, "name": name}
    if rationale:
        rule["fullDescription"] = {"text": rationale}
    return rule


def _result(finding: Finding, index: int, occurrence: int) -> dict[str, Any]:
    place = finding.location
    location = _location(place.file, place.line, place.text)
    if place.function:
        location["logicalLocations"] = [{"name": place.function, "kind": "function"}]
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [location],
        "partialFingerprints": {"reviewbot/v1": f"{finding.fingerprint}:{occurrence}"},
    }
    if finding.evidence:
        steps = [{"location": _step(step)} for step in finding.evidence]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    properties = {name: text for name in ("condition", "assumption") if (text := getattr(finding, name))}
    if properties:
        result["properties"] = properties
    return result


def _location(path: str, line: int, text: str = "") -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(path), "uriBaseId": "SRCROOT"}}
    if line > 0:
        physical["region"] = {"startLine": line}
        if text:
            physical["region"]["snippet"] = {"text": text}
    return {"physicalLocation": physical}


def _step(step: Evidence) -> dict[str, Any]:
    return {**_location(step.file, step.line), "message": {"text": step.text}}
