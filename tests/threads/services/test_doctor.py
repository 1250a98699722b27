"""What the doctor finds, and that mending loses nothing."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from reviewbot.errors import OperatorError
from tests import factories
from tests.threads.conftest import Queue
from threads import models
from threads.selectors import health
from threads.services import doctor


@pytest.fixture(autouse=True)
def _well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what the tests of the probes are about."""
    monkeypatch.setattr(health, "_LOOKS", ())
    monkeypatch.setattr(settings, "BUILD_ENABLED", False)


def found(*, thorough: bool = False) -> list[str]:
    return [ailment.words for ailment in doctor.examine(thorough=thorough)]


def visit(*options: str) -> tuple[int, str]:
    said = io.StringIO()
    try:
        call_command("doctor", *options, stdout=said)
    except SystemExit as end:
        return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()


def test_a_service_that_is_well(minikernel: models.Tree) -> None:
    assert visit("--thorough") == (0, "Nothing is wrong with the service.\n")


def test_a_machine_without_a_sandbox_is_named(minikernel: models.Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperatorError("The sandbox does not work here.")

    monkeypatch.setattr(settings, "BUILD_ENABLED", True)
    monkeypatch.setattr(doctor.sandbox, "require", refuse)
    monkeypatch.setattr(doctor.toolchains, "find", lambda: None)
    assert visit() == (1, "- The sandbox does not work here. (Where another machine builds, this one need not.)\n")


def spoil(pattern: str) -> None:
    """Cut off the biggest file of the store that fits a pattern."""
    files = sorted(Path(settings.STORE).glob(pattern), key=lambda path: path.stat().st_size)
    files[-1].chmod(0o644)
    files[-1].write_bytes(files[-1].read_bytes()[:100])


def test_a_store_whose_objects_are_damaged_is_made_anew_from_its_sources(minikernel: models.Tree, steps: Queue) -> None:
    spoil("objects/??/*")
    status, said = visit("--thorough")
    assert status == 1
    assert "It can be set aside and read again from the sources" in said
    assert visit("--thorough", "--mend")[0] == 0
    assert found(thorough=True) == []
    assert list(Path(settings.STORE).parent.glob("store.git.broken-*"))


def test_a_store_that_is_gone_is_made_anew(minikernel: models.Tree) -> None:
    Path(settings.STORE).rename(Path(settings.STORE).with_name("elsewhere"))
    (words,) = found()
    assert "does not have the tree minikernel" in words
    assert visit("--mend") == (0, f"- {words}\n  Mended.\n")
    assert found() == []


def test_a_lease_from_the_future_is_given_back(minikernel: models.Tree) -> None:
    row = factories.series(wanted=True)
    models.Series.objects.update(leased_until=timezone.now() + timedelta(days=300))
    assert visit("--mend")[0] == 0
    row.refresh_from_db()
    assert row.leased_until is None


def test_a_lease_that_a_worker_has_is_left_alone(minikernel: models.Tree) -> None:
    factories.series(wanted=True)
    models.Series.objects.update(leased_until=timezone.now() + timedelta(seconds=settings.LEASE_SECONDS))
    assert found() == []


def test_runs_that_belong_to_nothing_are_removed(minikernel: models.Tree) -> None:
    models.Run.objects.create(tree_id="f" * 40, commit="e" * 40, check_name="pgtable", version="1", scope="s")
    assert visit("--mend")[0] == 0
    assert not models.Run.objects.exists()


def test_a_report_that_cannot_be_read_is_computed_anew(minikernel: models.Tree, steps: Queue) -> None:
    talk = factories.discussion()
    models.Report.objects.filter(series=talk.v1).update(facts={"nothing": "that is known"})
    assert visit("--mend")[0] == 0
    assert ("publish", (talk.v1.pk,)) in steps
    steps.drain()
    assert found() == []


def test_mails_whose_bytes_are_lost_are_named(minikernel: models.Tree) -> None:
    talk = factories.discussion()
    root = talk.v1.root_msgid
    models.Message.objects.filter(message_id=root).update(raw=b"no zlib")
    (words,) = found(thorough=True)
    assert root in words
    assert "restore them from a backup" in words


def test_a_log_that_cannot_be_read_is_emptied_and_its_findings_stay(minikernel: models.Tree) -> None:
    talk = factories.discussion()
    models.Run.objects.filter(pk=talk.run.pk).update(log=b"no zlib")
    findings = models.Finding.objects.count()
    assert visit("--thorough", "--mend")[0] == 0
    assert models.Finding.objects.count() == findings


def test_what_cannot_be_mended_is_said(minikernel: models.Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    models.Tree.objects.update(source="/gone", commit="0" * 40)
    status, said = visit("--mend")
    assert status == 1
    assert "It could not be mended: There is no directory, archive or repository /gone" in said
