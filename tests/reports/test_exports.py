"""The report for other programs: KCIDB, JUnit, and b4's inline comments."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from kcidb_io.schema import V5_3

from reviewbot.findings import Location
from reviewbot.reports import inline, junit, kcidb
from reviewbot.reports.facts import Cell, SeriesReport, State, Verdict
from tests.reports import samples

HASHES = {number: f"{number}" * 64 for number in (1, 2, 3)}
REPORTS = [
    samples.report(),
    samples.first_version(),
    samples.second_version(),
    samples.does_not_apply(),
    samples.report(verdict=Verdict.UNKNOWN, state=State.NOT_RUN, cells=(), base=None),
]


class TestKcidb:
    """KCIDB 5.3, held against kcidb-io's own schema."""

    @pytest.mark.parametrize("report", REPORTS)
    @pytest.mark.parametrize("more", [{}, {"site_url": samples.SITE, "patch_hashes": HASHES}])
    def test_it_is_valid_and_all_its_references_lead_somewhere(
        self, report: SeriesReport, more: dict[str, Any]
    ) -> None:
        sent = json.loads(json.dumps(kcidb.render(report, **more)))
        V5_3.validate(sent)
        ids = {kind: {one["id"] for one in sent[kind]} for kind in sent if kind != "version"}
        assert all(len(ids[kind]) == len(sent[kind]) for kind in ids), "every id once"
        assert {one["checkout_id"] for one in sent["builds"]} <= ids["checkouts"]
        assert {one["build_id"] for one in sent["tests"]} <= ids["builds"]
        for one in sent["incidents"]:
            assert one["issue_id"] in ids["issues"]
            assert one.get("test_id", one.get("build_id")) in ids["tests"] | ids["builds"]

    def test_whose_fault_it_is_is_kept_apart(self) -> None:
        states = (State.PASSED, State.FAILED, State.BROKEN, State.SKIPPED, State.NOT_RUN)
        cells = tuple(Cell(1, f"check-{state.value.replace(' ', '-')}", "", state) for state in states)
        tests = kcidb.render(samples.report(cells=cells))["tests"]
        assert [one["status"] for one in tests] == ["PASS", "FAIL", "ERROR", "SKIP", "MISS"]

    def test_a_finding_is_an_issue_of_the_code_with_an_incident(self) -> None:
        sent = kcidb.render(samples.first_version(), site_url=samples.SITE)
        assert len(sent["issues"]) == len(sent["incidents"]) == 3, "what the base has already is no issue of the series"
        assert all(one["culprit"] == {"code": True, "tool": False, "harness": False} for one in sent["issues"])
        assert sent["issues"][0]["report_url"] == "https://review.example.org/rules/C01/"

    def test_odd_names_make_no_odd_words(self) -> None:
        cells = (
            Cell(1, "build", "defconfig-16k", State.PASSED),
            Cell(1, "build", "riscv-defconfig", State.PASSED),
            Cell(1, "characters", "a+b / c", State.PASSED),
        )
        report = samples.report(cells=cells)
        odd = tuple(replace(patch, message_id='a/b"c%d e@x') for patch in report.patches)
        sent = kcidb.render(replace(report, patches=odd), site_url=samples.SITE, patch_hashes=HASHES)
        V5_3.validate(sent)
        assert [one["architecture"] for one in sent["builds"] if "config_name" in one] == ["arm64", "riscv"]
        assert [one["path"] for one in sent["tests"]] == ["reviewbot.characters.a_b___c"]
        assert sent["checkouts"][0]["patchset_files"][0]["url"].endswith("/a%2Fb%22c%25d%20e@x")

    def test_the_patches_are_told_by_their_hashes(self) -> None:
        (checkout,) = kcidb.render(samples.report(), patch_hashes=HASHES)["checkouts"]
        (bare,) = kcidb.render(samples.report(), patch_hashes={1: HASHES[1]})["checkouts"]
        assert len(checkout["patchset_hash"]) == 64
        assert "patchset_hash" not in bare
        assert checkout["message_id"] == samples.V1.format(1)


class TestJunit:
    """JUnit XML: a suite for each patch."""

    def test_findings_are_failures_with_place_and_evidence(self) -> None:
        suites = ET.fromstring(junit.render(samples.first_version(), page="https://review.example.org/x"))
        assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("9", "3", "0")
        (failure,) = suites.findall("testsuite")[1].iter("failure")
        assert failure.get("type") == "C01 (new)"
        assert "arch/arm64/mm/pageattr.c:27: the table is allocated" in (failure.text or "")

    def test_not_run_and_broken_are_neither_passed_nor_failed(self) -> None:
        cells = (
            Cell(1, "a", "", State.SKIPPED, "no compiler"),
            Cell(1, "b", "", State.NOT_RUN),
            Cell(1, "c", "", State.BROKEN, "disk full"),
            Cell(1, "d", "", State.PASSED),
        )
        suite = ET.fromstring(junit.render(samples.report(cells=cells)))[0]
        assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "0", "1", "2"]
        assert [case.get("message") for case in suite.iter("skipped")] == ["no compiler", "not run"]

    def test_a_series_that_does_not_apply_says_where(self) -> None:
        (failure,) = ET.fromstring(junit.render(samples.does_not_apply())).iter("failure")
        assert failure.get("message") == "arch/arm64/mm/pageattr.c has other lines at 5."

    def test_a_series_that_was_not_looked_at_passes_nothing(self) -> None:
        suites = ET.fromstring(junit.render(REPORTS[-1]))
        assert (suites.get("tests"), suites.get("skipped")) == ("1", "1")

    @pytest.mark.parametrize("char", ["\0", "\x1b", "\ud800", "\uffff"])
    def test_what_xml_cannot_hold_is_replaced(self, char: str) -> None:
        report = samples.report(subject=f"[PATCH] {char}<&>")
        assert ET.fromstring(junit.render(report)).get("name") == "[PATCH] \ufffd<&>"


class TestInline:
    """What b4's review draws at the lines of the diff."""

    @staticmethod
    def patchset(report: SeriesReport, stem: str) -> dict[str, Any]:
        mails = samples.mails()
        bodies = {number: mails[stem.format(number + 1)].body for number in (1, 2, 3)}
        return json.loads(json.dumps(inline.as_patchset(report, 7, bodies, {})))  # type: ignore[no-any-return]

    def test_a_finding_stands_below_its_line(self) -> None:
        answer = self.patchset(samples.first_version(), samples.V1)
        second = answer["reviews"][1]
        lines = second["inline_review"].splitlines()
        comment = next(index for index, line in enumerate(lines) if line.startswith("C01: "))
        assert lines[comment - 2] == "> +\tpagetable_pte_ctor(first);"
        assert lines[0].startswith("> diff --git a/arch/arm64/mm/pageattr.c b/")
        (finding,) = json.loads(second["output"])["findings"]
        assert (finding["severity"], finding["locations"][0]["line"]) == ("high", 31)

    def test_what_has_no_line_in_the_diff_is_told_without_one(self) -> None:
        far = replace(samples.ignored_result(), location=Location("mm/other.c", 3, "f", "x"))
        answer = self.patchset(samples.first_version(findings=(samples.told(far, 2),)), samples.V1)
        assert answer["reviews"][1]["inline_review"] == ""
        assert len(json.loads(answer["reviews"][1]["output"])["findings"]) == 1

    @pytest.mark.parametrize(
        ("report", "status"),
        [
            (samples.report(), "Reviewed"),
            (samples.does_not_apply(), "Failed To Apply"),
            (samples.report(missing=(2,)), "Incomplete"),
            (samples.report(state=State.NOT_RUN), "Pending"),
            (samples.report(state=State.RUNNING), "In Review"),
        ],
    )
    def test_the_status_is_in_the_words_that_b4_knows(self, report: SeriesReport, status: str) -> None:
        answer = self.patchset(report, samples.V1)
        assert answer["status"] == status
        assert bool(answer["reviews"]) is (status == "Reviewed")
