"""Work that is claimed, lost and taken up again."""

from __future__ import annotations

import errno
from datetime import timedelta
from pathlib import Path
from typing import Any

import django.db
import pytest
from celery import Celery, current_app
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.connection import UnixDomainSocketConnection

from reviewbot.errors import AuthorError, OperatorError, TransientError
from reviewbot.reports.facts import State, Verdict
from tests.threads.conftest import Queue
from threads import models, tasks
from threads.services import applying, checking, intake, pipeline, queue


def submissions() -> Any:
    return models.Submission.objects.all()


@pytest.fixture
def submission(transactional_db: None) -> models.Submission:
    return models.Submission.objects.create(target="a@example.org")


def test_what_is_claimed_is_not_claimed_again(submission: models.Submission) -> None:
    assert queue.claim(submissions()) == [submission.pk]
    assert queue.claim(submissions()) == []


def test_a_lease_that_outlives_its_worker_is_taken_up_again(submission: models.Submission) -> None:
    queue.claim(submissions())
    submissions().update(leased_until=timezone.now() - timedelta(seconds=1))
    assert queue.claim(submissions()) == [submission.pk]


def test_a_lease_that_no_clock_that_is_right_can_have_set_holds_nobody(submission: models.Submission) -> None:
    submissions().update(
        leased_until=timezone.now() + timedelta(days=2), queued_until=timezone.now() + timedelta(days=2)
    )
    assert queue.mark_queued(submissions())
    assert queue.claim(submissions()) == [submission.pk]


def test_a_step_for_which_there_is_no_room_is_tried_again(submission: models.Submission) -> None:
    queue.claim(submissions())
    for error in (OSError(errno.ENOSPC, "x"), OSError("failed to write out file: No space left on device")):
        pipeline.failed("fetch", (submission.pk,), error)
    row = submissions().get()
    assert (row.state, row.leased_until, row.attempts) == (State.NOT_RUN, None, 0)
    assert queue.claim(submissions()) == [submission.pk]


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.EDQUOT, "x"), True),
        (OSError(errno.EACCES, "x"), False),
        (OperatorError("git: fatal: No space left on device"), True),
        (AuthorError('the patch does not apply at "No space left on device"'), False),
        (None, False),
    ],
)
def test_a_full_disk_is_known_by_its_number_or_its_words(error: Exception | None, full: bool) -> None:
    assert queue.no_room(error) is full


def test_a_build_goes_to_those_who_have_its_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: sent.append(options["queue"]))
    for step, arguments in (("build", (1, "defconfig-64k")), ("build", (1, "x86-defconfig")), ("apply", (1,))):
        queue._send(step, arguments)
    assert sent == ["build.arm64", "build.x86", None]


def test_what_kills_its_worker_again_and_again_is_given_up(submission: models.Submission) -> None:
    for _ in range(queue.MAX_ATTEMPTS):
        assert queue.claim(submissions())
        submissions().update(leased_until=None)
    with pytest.raises(OperatorError, match="worker died"):
        queue.claim(submissions())


def test_what_is_settled_is_not_claimed(submission: models.Submission) -> None:
    submissions().update(state=State.PASSED)
    assert queue.claim(submissions()) == []


def test_a_broker_that_is_away_loses_nothing(submission: models.Submission, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(current_app, "send_task", refuse)
    row = intake.submit("b@example.org")
    assert row.state == State.NOT_RUN
    submissions().update(queued_until=None)
    sent: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: sent.append(name))
    assert pipeline.sweep() == 2
    assert sent == ["threads.tasks.fetch"] * 2


def test_a_queue_that_is_not_there_is_asked_once_and_not_again_and_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tried: list[object] = []
    real = UnixDomainSocketConnection._connect

    def connect(self: UnixDomainSocketConnection) -> object:
        tried.append(self.path)
        return real(self)

    monkeypatch.setattr(UnixDomainSocketConnection, "_connect", connect)
    away = Celery("away", broker=f"redis+socket://{tmp_path}/away.sock", set_as_current=False)
    away.conf.broker_transport_options = {"max_retries": settings.CELERY_BROKER_TRANSPORT_OPTIONS["max_retries"]}
    monkeypatch.setattr(current_app, "send_task", away.send_task)
    queue._send("fetch", (1,))
    assert 1 <= len(tried) <= 2


def test_a_queue_that_is_slow_to_refuse_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    asked: list[float] = []

    def refuse(*arguments: Any, **options: Any) -> None:
        asked.append(clock[0])
        clock[0] += 2 * queue.SLOW
        raise OperationalError("timed out")

    monkeypatch.setattr(current_app, "send_task", refuse)
    monkeypatch.setattr(queue, "_silence", queue._Silence())
    monkeypatch.setattr(queue.time, "monotonic", lambda: clock[0])
    for _ in range(500):
        queue._send("advance", (1,))
    assert asked == [100.0]
    clock[0] += queue.SILENCE
    queue._send("advance", (1,))
    assert len(asked) == 2


def test_asking_twice_queues_once(transactional_db: None, steps: Queue) -> None:
    intake.submit("b@example.org")
    intake.submit("https://lore.kernel.org/linux-mm/b@example.org/")
    assert [step for step, _ in steps] == ["fetch"]


def test_what_cannot_be_fetched_says_who_must_act(
    transactional_db: None, steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reviewbot.errors import NotFoundError

    def unknown(*arguments: Any) -> list[bytes]:
        raise NotFoundError("The archive does not know <b@example.org>.")

    monkeypatch.setattr(intake, "fetch_thread", unknown)
    row = intake.submit("b@example.org")
    steps.drain()
    row.refresh_from_db()
    assert (row.state, row.reason) == (State.BROKEN, "The archive does not know <b@example.org>.")
    assert row.actor == NotFoundError.actor
    intake.submit("b@example.org")
    assert [step for step, _ in steps] == ["fetch"]


def test_only_what_time_may_mend_is_tried_again() -> None:
    assert tasks.fetch.autoretry_for == (TransientError, django.db.OperationalError, django.db.InterfaceError)
    assert tasks.fetch.acks_late
    assert tasks.fetch.max_retries


def test_a_check_that_crashes_is_our_fault_and_the_others_go_on(
    series: models.Series, steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = checking.check_series

    def crash(check: Any, *arguments: Any, **options: Any) -> Any:
        if check.name == "pgtable":
            raise ZeroDivisionError("by design")
        return real(check, *arguments, **options)

    monkeypatch.setattr(checking, "check_series", crash)
    steps.drain()
    series.refresh_from_db()
    assert (series.state, series.verdict) == (State.BROKEN, Verdict.BROKEN)
    assert "our side" in series.reason
    assert set(models.Run.objects.filter(check_name="characters").values_list("state", flat=True)) == {State.PASSED}


def test_asking_again_does_what_broke_again(
    series: models.Series, steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(checking, "check_series", lambda *a, **o: (_ for _ in ()).throw(OSError("disk")))
        steps.drain()
    series.refresh_from_db()
    assert series.verdict == Verdict.BROKEN
    pipeline.want(series)
    steps.drain()
    series.refresh_from_db()
    assert series.verdict == Verdict.FINDINGS


def test_a_worker_killed_while_applying_leaves_nothing_half_written(
    series: models.Series, steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(applying, "_plan", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            applying.apply(series.pk)
    assert not series.applications.exists()
    steps.drain()
    series.refresh_from_db()
    assert series.verdict == Verdict.FINDINGS


def test_what_is_delivered_again_takes_the_lease_of_the_worker_that_died(series: models.Series, steps: Queue) -> None:
    steps.drain(but="check")
    runs = models.Run.objects.filter(check_name="pgtable")
    assert queue.claim(runs)
    checking.check(series.pk, "pgtable")
    assert not runs.filter(state=State.PASSED).exists()
    pipeline.worker_lost("check", (series.pk, "pgtable"))
    checking.check(series.pk, "pgtable")
    assert runs.filter(leased_until=None).exclude(state=State.NOT_RUN).exists()
