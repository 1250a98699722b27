"""What is given up after a time, and what never is."""

from __future__ import annotations

import io
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from reviewbot.reports.facts import State
from tests import factories
from threads import models
from threads.conversion import compress
from threads.services import doctor, retention

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=400)


def run(number: int, state: str = State.PASSED, *, old: bool = True) -> models.Run:
    return models.Run.objects.create(
        tree_id=str(number), check_name="build", state=state, log=compress(b"CC mm/x.o"),
        finished_at=LONG_AGO if old else timezone.now(),
    )  # fmt: skip


def mail(name: str, *, old: bool = True) -> models.Message:
    row = factories.message(name, "x", "y\n")
    models.Message.objects.filter(pk=row.pk).update(
        raw=compress(b"Subject: x\n\ny\n"), received_at=LONG_AGO if old else timezone.now()
    )
    return row


def with_log() -> set[int]:
    return set(models.Run.objects.exclude(log=b"").values_list("pk", flat=True))


def with_bytes() -> set[str]:
    return set(models.Message.objects.exclude(raw=b"").values_list("message_id", flat=True))


def test_the_log_of_an_old_run_goes_unless_it_found_something_or_failed() -> None:
    gone, told, failed, broken, new = run(1), run(2), run(3, State.FAILED), run(4, State.BROKEN), run(5, old=False)
    told.findings.create(fingerprint="a", rule="C06", severity="error", file="mm/x.c", line=1, message="x")
    assert retention.rows(pretend=True) == retention.Given(logs=1, mails=0)
    assert len(with_log()) == 5
    assert retention.rows() == retention.Given(logs=1, mails=0)
    assert with_log() == {told.pk, failed.pk, broken.pk, new.pk}
    assert models.Run.objects.filter(pk=gone.pk, state=State.PASSED).exists()
    assert retention.rows() == retention.Given(logs=0, mails=0)


def test_bytes_of_old_mails_go_only_where_they_are_about_no_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "KEEP_MAILS_DAYS", 365)
    for name in ("gone@x", "reply@x", "patch@x", "answered@x"):
        mail(name)
    mail("new@x", old=False)
    series = factories.series()
    models.Message.objects.filter(message_id="reply@x").update(series=series)
    series.patches.create(number=1, message=models.Message.objects.get(message_id="patch@x"), subject="x", patch_id="")
    models.Delivery.objects.create(digest="1", message_id="ours@x", in_reply_to="answered@x", subject="x", raw=b"x")
    assert retention.rows().mails == 1
    assert "gone@x" not in with_bytes()
    assert {"reply@x", "patch@x", "answered@x", "new@x"} <= with_bytes()
    assert models.Message.objects.get(message_id="gone@x").body == mail("gone2@x").body
    assert [one for one in doctor.examine(thorough=True) if "bytes of" in one.words] == []


def test_nothing_goes_that_is_to_be_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "KEEP_LOGS_DAYS", 0)
    run(1)
    mail("old@x")
    assert retention.rows() == retention.Given(0, 0)


def slot(name: str, age: timedelta) -> Path:
    folder = Path(settings.BUILDS) / "sources" / name
    (folder / "source").mkdir(parents=True)
    for path in (folder / "source", folder):
        os.utime(path, (0, time.time() - age.total_seconds()))
    return folder


def test_sources_and_objects_that_nobody_uses_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "BUILDS", tmp_path)
    asked: list[float] = []

    class Builder:
        def prune(self, *, unused_since: float) -> list[str]:
            asked.append(unused_since)
            return ["defconfig-1"]

    monkeypatch.setattr(retention, "builder_of", lambda configuration: Builder())
    old, used, fresh = (slot(f"slot-{n}", timedelta(days=days)) for n, days in enumerate((40, 40, 2)))
    with retention.Pool(tmp_path / "sources", settings.STORE) as pool:
        pool.take("slot-1")
        assert retention.builds() == 2
    assert [folder.exists() for folder in (old, used, fresh)] == [False, True, True]
    assert asked == [pytest.approx(time.time() - 30 * 86_400, abs=60)]
    monkeypatch.setattr(settings, "KEEP_BUILDS_DAYS", 0)
    assert retention.builds() == 0


def test_a_person_can_have_it_done_or_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    run(1)
    monkeypatch.setattr(retention, "builds", lambda: 3)
    said = io.StringIO()
    call_command("retain", "--pretend", stdout=said)
    call_command("retain", stdout=said)
    assert said.getvalue().splitlines() == [
        "1 logs of runs could be emptied; of 0 mails the bytes could be forgotten.",
        "1 logs of runs were emptied; of 0 mails the bytes were forgotten.",
        "3 trees of builds were removed on this machine.",
    ]
