"""The report as files for programs: SARIF and a badge."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from reviewbot.findings import Severity
from reviewbot.reports import badge, sarif
from reviewbot.reports.facts import Life, SeriesReport, State, Verdict
from reviewbot.reports.keeping import pack, unpack
from tests.reports import samples


def states(report: SeriesReport) -> list[tuple[str, str]]:
    (run,) = sarif.render(report)["runs"]
    return [(result["ruleId"], result["baselineState"]) for result in run["results"]]


def test_sarif_compares_with_the_version_before() -> None:
    moved = samples.told(samples.missing_dtor(86), 3, 2, moved=True)
    new = samples.told(samples.unused_variable(), 3, 2, since=2)
    fixed = samples.told(samples.old_mistake(), 1, life=Life.FIXED)
    report = samples.second_version(findings=(moved, new), fixed=(fixed,))
    assert states(report) == [
        ("C06", "updated"),
        ("gcc.-Wunused-variable", "new"),
        ("C01", "absent"),
        ("C01", "absent"),
        ("gcc.-Wunused-variable", "absent"),
    ]
    assert states(samples.second_version(gone=())) == [("C06", "unchanged")]


def test_sarif_shows_the_path_the_rule_and_the_place() -> None:
    (run,) = sarif.render(samples.second_version(), site_url=samples.SITE)["runs"]
    result = run["results"][0]
    steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["physicalLocation"]["region"]["startLine"] for step in steps] == [74, 78, 84, 86]
    assert result["properties"] == {"life": "new", "patch": 3, "check": "pgtable", "sinceVersion": 1}
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (rule["id"], rule["name"]) == ("C06", "dtor-missing")
    assert rule["helpUri"] == "https://review.example.org/rules/C06/"
    assert result["partialFingerprints"]["reviewbot/v1"].startswith(samples.missing_dtor(86).fingerprint)
    assert run["properties"]["page"].startswith("https://review.example.org/project/linux-mm/series/")


def test_what_the_base_has_is_told_from_what_the_series_brings() -> None:
    (run,) = sarif.render(samples.first_version())["runs"]
    lives = [(result["baselineState"], result["properties"]["life"]) for result in run["results"]]
    assert lives == [("new", "new")] * 3 + [("unchanged", "pre-existing")]


def test_sarif_is_json() -> None:
    assert json.loads(json.dumps(sarif.render(samples.first_version())))["version"] == "2.1.0"


@pytest.mark.parametrize("report", [samples.first_version(), samples.second_version(), samples.does_not_apply()])
def test_sarif_keeps_to_what_its_schema_demands(report: SeriesReport) -> None:
    """SARIF 2.1.0 errata 01: version, words of enumerations, indices from nought, lines from one."""
    log = json.loads(json.dumps(sarif.render(report, site_url=samples.SITE)))
    assert (log["version"], set(log)) == ("2.1.0", {"$schema", "version", "runs"})
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(isinstance(one["executionSuccessful"], bool) for one in run["invocations"])
    for result in run["results"]:
        assert result["message"]["text"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["baselineState"] in ("new", "unchanged", "updated", "absent")
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert all(isinstance(text, str) for text in result["partialFingerprints"].values())
        steps = [step["location"] for flow in result.get("codeFlows", ()) for one in flow["threadFlows"]
                 for step in one["locations"]]  # fmt: skip
        for place in (*result["locations"], *steps):
            physical = place["physicalLocation"]
            assert physical["region"]["startLine"] >= 1
            assert not physical["artifactLocation"]["uri"].startswith("/"), "relative to the tree"


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (samples.report(), "page tables: nothing new"),
        (samples.first_version(), "page tables: 2 errors"),
        (samples.second_version(), "page tables: 1 error"),
        (samples.does_not_apply(), "page tables: does not apply"),
        (samples.report(verdict=Verdict.UNKNOWN, state=State.RUNNING), "page tables: running"),
        (samples.report(verdict=Verdict.BROKEN, state=State.BROKEN), "page tables: broken"),
    ],
)
def test_the_badge_says_the_verdict_in_words(report: SeriesReport, words: str) -> None:
    picture = ET.fromstring(badge.render(report))
    assert picture.get("aria-label") == words
    assert [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")] == words.split(": ")


def test_the_badge_counts_warnings_when_there_are_no_errors() -> None:
    warning = replace(samples.unused_variable(), severity=Severity.WARNING)
    report = samples.report(verdict=Verdict.FINDINGS, findings=(samples.told(warning, 3),))
    assert 'aria-label="page tables: 1 warning"' in badge.render(report)


@pytest.mark.parametrize("report", [samples.first_version(), samples.second_version(), samples.does_not_apply()])
def test_a_report_is_the_same_after_it_was_kept(report: SeriesReport) -> None:
    assert unpack(SeriesReport, json.loads(json.dumps(pack(report)))) == report
