"""Every patch is cross-built, in the sandbox, and answers only for what it brings."""

from __future__ import annotations

import pytest

from reviewbot.builds import toolchains
from reviewbot.errors import OperatorError
from reviewbot.reports.facts import SeriesReport, State, Verdict
from reviewbot.reports.keeping import unpack
from tests.threads.conftest import Queue
from threads import models
from threads.conversion import decompress
from threads.services import building, intake, pipeline


@pytest.fixture
def asked(minikernel: models.Tree, steps: Queue, mails: list[bytes]) -> models.Series:
    """Return v2 of the series, asked for with everything; v1 is asked for with it."""
    row = intake.take_in(mails)
    pipeline.want(row, {})
    return row


def report_of(series: models.Series) -> SeriesReport:
    return unpack(SeriesReport, models.Report.objects.get(series=series).facts)


def test_a_new_warning_is_a_finding_of_the_patch_that_brings_it(asked: models.Series, steps: Queue) -> None:
    steps.drain()
    [warning] = [one for one in report_of(asked.previous).findings if one.check == "build"]
    assert (warning.finding.rule, warning.patch) == ("gcc.-Wunused-variable", 3)
    assert "gcc.-Wunused-variable" in {one.finding.rule for one in report_of(asked).gone}


def test_base_and_every_patch_have_a_run_with_log_command_and_time(asked: models.Series, steps: Queue) -> None:
    steps.drain()
    runs = models.Run.objects.filter(check_name="build")
    assert runs.count() == 6  # base and patch 1 are shared by both versions
    for run in runs:
        assert State(run.state) in (State.PASSED, State.WARNED)
        assert run.seconds is not None
        assert "make " in run.command
    assert any(decompress(run.log) for run in runs)


def test_it_says_what_was_built_and_what_became_of_the_code(asked: models.Series, steps: Queue) -> None:
    steps.drain()
    said = " ".join(report_of(asked).looked_at)
    assert "Built 2 objects for arm64 defconfig with aarch64-linux-gnu-gcc" in said
    assert "generated code" in said.lower() or "symbol" in said


def test_a_missing_compiler_is_the_operators_and_the_findings_stay(
    asked: models.Series, steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*arguments: str) -> toolchains.Toolchain:
        raise OperatorError("There is no gcc for arm64 on this machine; the operator must install it.")

    monkeypatch.setattr(toolchains, "find", missing)
    steps.drain()
    asked.refresh_from_db()
    report = report_of(asked)
    assert (asked.verdict, asked.state) == (Verdict.FINDINGS, State.FAILED)
    assert {cell.state for cell in report.cells if cell.check == "build"} == {State.BROKEN}
    assert any("There is no gcc for arm64" in line for line in report.not_looked_at)


def test_a_build_that_is_cut_off_is_done_again(
    asked: models.Series, steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = building.settle
    count = 0

    def killed(*arguments: object, **fields: object) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        real(*arguments, **fields)  # type: ignore[arg-type]

    steps.drain(but="build")
    _, (series_id, configuration) = steps[0]
    with monkeypatch.context() as patched:
        patched.setattr(building, "settle", killed)
        with pytest.raises(KeyboardInterrupt):
            building.build(int(series_id), str(configuration))
    pipeline.sweep()
    steps.drain()
    asked.refresh_from_db()
    assert asked.verdict == Verdict.FINDINGS
    assert not models.Run.objects.filter(state=State.RUNNING).exists()
