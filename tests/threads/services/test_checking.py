"""Which checks a series gets, and what the operator's waivers take away."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings as configured

from reviewbot.errors import NotFoundError, OperatorError
from reviewbot.reports.facts import SeriesReport
from reviewbot.reports.keeping import unpack
from tests.threads.conftest import Queue
from threads import models
from threads.services import checking, pipeline


def names(*asked: str) -> list[str]:
    return [check.name for check in checking.chosen(asked)]


def test_noisy_checks_run_where_they_are_asked_for_or_the_operator_adds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert names() == ["pgtable", "characters"]
    assert names("checkpatch") == ["checkpatch"]
    monkeypatch.setattr(configured, "MORE_CHECKS", ["checkpatch", "pgtable"])
    assert names() == ["pgtable", "characters", "checkpatch"]
    with pytest.raises(NotFoundError, match="There is no check smatch"):
        names("smatch")


@pytest.fixture
def waivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "waivers.toml"
    path.write_text('[[waiver]]\nrule = "C06"\nfile = "*"\nreason = "Known."\n')
    monkeypatch.setattr(configured, "WAIVERS", str(path))
    return path


def test_what_is_waived_is_not_told_and_a_changed_file_is_a_new_run(
    series: models.Series, steps: Queue, waivers: Path
) -> None:
    steps.drain()
    report = unpack(SeriesReport, models.Report.objects.get(series=series).facts)
    assert [one.finding.rule for one in report.findings] == []
    before = checking.version_of(checking.chosen(["pgtable"])[0])
    waivers.write_text('[[waiver]]\nrule = "C01"\nfile = "*"\nreason = "Known."\n')
    assert checking.version_of(checking.chosen(["pgtable"])[0]) != before
    pipeline.want(series, again=True)
    steps.drain()
    report = unpack(SeriesReport, models.Report.objects.get(series=series).facts)
    assert [one.finding.rule for one in report.findings] == ["C06"]


def test_a_waiver_file_that_is_not_there_is_the_operators_fault(waivers: Path) -> None:
    waivers.unlink()
    with pytest.raises(OperatorError, match="WAIVERS names"):
        checking.version_of(checking.chosen(["pgtable"])[0])
