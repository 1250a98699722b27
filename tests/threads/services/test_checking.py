"""Which checks a series gets, and what the operator's waivers take away."""

from __future__ import annotations

import email
import re
from email.policy import SMTP
from pathlib import Path

import pytest
from django.conf import settings as configured

from reviewbot.checks.protocol import Coverage
from reviewbot.errors import NotFoundError, OperatorError
from reviewbot.reports.facts import SeriesReport
from reviewbot.reports.keeping import unpack
from tests.threads.conftest import Queue
from threads import models
from threads.services import checking, intake, pipeline


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


def hidden(raw: bytes) -> bytes:
    """Return a patch mail whose text shows a new note alone, and whose diff is in a part that no reader shows."""
    mail = email.message_from_bytes(raw, policy=SMTP)
    log, diff = re.split(r"(?m)^(?=diff --git )", mail.get_content(), maxsplit=1)
    name = f"note-{mail['Subject'][7:12].replace('/', '-').replace(' ', '-')}"
    note = f"diff --git a/{name} b/{name}\nnew file mode 100644\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+Note.\n"
    mail.set_content(log + note)
    mail.add_attachment(diff.encode(), maintype="application", subtype="octet-stream")
    return mail.as_bytes()


def test_what_git_takes_from_a_mail_is_checked_also_where_no_reader_shows_it(
    minikernel: models.Tree, steps: Queue, mails: list[bytes]
) -> None:
    first = [raw for raw in mails if b"\nSubject: [PATCH " in b"\n" + raw and b"[PATCH v2" not in raw]
    row = intake.take_in([hidden(raw) if b"\ndiff --git " in raw else raw for raw in first])
    assert {path for patch in row.patches.all() for path in patch.files if path.endswith(".c")} == set()
    pipeline.want(row, {"build": False})
    steps.drain()
    report = unpack(SeriesReport, models.Report.objects.get(series=row).facts)
    assert {one.finding.location.file for one in report.findings} == {"arch/arm64/mm/pageattr.c"}


def test_what_is_told_of_waivers_is_cut_and_counted() -> None:
    coverage = Coverage(told=[f"remark {number}" for number in range(25)])
    told = checking._told(coverage)
    assert (told[0], told[-2], told[-1]) == ("remark 0", "remark 19", "5 more remarks about waivers.")
