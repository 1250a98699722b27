"""A followed list: every mail once, and the series that its mails complete."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from benchmarks.ingest import kills
from reviewbot.errors import TransientError
from reviewbot.reports.facts import Verdict
from tests.lore.epochs import append, mail
from tests.threads.conftest import V1, V2, Queue
from threads import conversion, models
from threads.services import following, messages


class Epoch:
    """A public-inbox epoch of our own: one commit a mail, in the file ``m``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git("init", "-q", "-b", "master", str(path))

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=Archive", "-c", "user.email=archive@example.org")
        where = () if arguments[0] == "init" else ("-C", str(self.path))
        subprocess.run(["git", *identity, *where, *arguments], check=True, capture_output=True)

    def add(self, *mails: bytes) -> None:
        for raw in mails:
            (self.path / "m").write_bytes(raw)
            self.git("add", "m")
            self.git("commit", "-q", "--allow-empty", "-m", "mail")


@pytest.fixture
def epoch(tmp_path: Path, mails: list[bytes]) -> Epoch:
    made = Epoch(tmp_path / "0.git")
    made.add(mails[0])
    return made


@pytest.fixture
def followed(minikernel: models.Tree, epoch: Epoch) -> models.MailingList:
    row = models.MailingList.objects.create(name="followed", epochs=str(epoch.path))
    following.read_on(row)
    row.refresh_from_db()
    return row


def read(row: models.MailingList) -> int:
    row.refresh_from_db()
    return following.read_on(row)


def test_following_starts_with_the_next_mail(followed: models.MailingList) -> None:
    assert followed.cursor
    assert models.Message.objects.count() == 0


def test_what_came_since_is_read_once(
    followed: models.MailingList, epoch: Epoch, mails: list[bytes], steps: Queue
) -> None:
    epoch.add(*mails[1:])
    assert read(followed) == len(mails) - 1
    assert read(followed) == 0
    assert models.Message.objects.count() == len(mails) - 1


def test_a_series_is_asked_for_when_its_last_part_arrives(
    followed: models.MailingList, epoch: Epoch, mails: list[bytes], steps: Queue
) -> None:
    v2 = [raw for raw in mails if b"[PATCH v2" in raw.split(b"\n\n")[0] and b"Subject: Re:" not in raw]
    epoch.add(*v2[:-1])
    read(followed)
    assert models.Series.objects.get(root_msgid=V2.format(1)).verdict == Verdict.INCOMPLETE
    assert steps == []
    epoch.add(v2[-1])
    read(followed)
    assert [step for step, _ in steps] == ["apply"]
    epoch.add(v2[-1])  # once more, as a list does that a mail reaches twice
    read(followed)
    assert [step for step, _ in steps] == ["apply"]


def test_a_reader_that_comes_second_leaves_the_batch_alone(
    followed: models.MailingList, epoch: Epoch, mails: list[bytes], steps: Queue
) -> None:
    epoch.add(*mails[1:])
    late = models.MailingList.objects.get(pk=followed.pk)
    read(followed)
    assert following.read_on(late) == 0
    assert models.Message.objects.filter(message_id=V1.format(2)).count() == 1


def test_a_batch_that_fails_is_read_again_whole(
    followed: models.MailingList, epoch: Epoch, mails: list[bytes], steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch.add(*mails[1:])
    with monkeypatch.context() as patched:
        patched.setattr(following, "ask", lambda ids: (_ for _ in ()).throw(RuntimeError("killed")))
        with pytest.raises(RuntimeError):
            read(followed)
    assert models.Message.objects.count() == 0
    assert read(followed) == len(mails) - 1


def test_a_list_that_does_not_answer_keeps_none_of_the_others(
    followed: models.MailingList, epoch: Epoch, mails: list[bytes], steps: Queue, tmp_path: Path
) -> None:
    models.MailingList.objects.create(name="a-list-that-is-gone", epochs=str(tmp_path / "gone"))
    epoch.add(*mails[1:])
    following.follow_all()
    assert models.Message.objects.count() == len(mails) - 1


def test_a_list_that_does_not_answer_says_so_rests_and_keeps_its_place(
    followed: models.MailingList, epoch: Epoch, mails: list[bytes], steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch.add(*mails[1:])
    place = followed.cursor
    asked: list[str] = []

    def silent(row: models.MailingList) -> int:
        asked.append(row.name)
        raise TransientError("The host does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(following, "read_on", silent)
        following.follow_all()
        following.follow_all()
    followed.refresh_from_db()
    assert asked == ["followed"]
    assert (followed.cursor, followed.failure) == (place, "The host does not answer.")
    assert followed.failing_since and followed.retry_at and followed.failing_since < followed.retry_at
    models.MailingList.objects.update(retry_at=datetime.now(UTC))
    following.follow_all()
    followed.refresh_from_db()
    assert (followed.failing_since, followed.failure, followed.retry_at) == (None, "", None)
    assert models.Message.objects.count() == len(mails) - 1


@pytest.mark.parametrize(("silent", "rest"), [(60, 120), (1000, 1000), (100_000, 3600)])
def test_a_list_rests_as_long_as_it_was_silent_and_an_hour_at_most(
    followed: models.MailingList, monkeypatch: pytest.MonkeyPatch, settings: Settings, silent: int, rest: int
) -> None:
    settings.FOLLOW_SECONDS = 120
    models.MailingList.objects.update(failing_since=datetime.now(UTC) - timedelta(seconds=silent))
    monkeypatch.setattr(following, "read_on", lambda row: (_ for _ in ()).throw(KeyError("a bug of ours")))
    following.follow_all()
    followed.refresh_from_db()
    assert followed.retry_at
    assert abs((followed.retry_at - datetime.now(UTC)).total_seconds() - rest) < 20
    assert followed.failure.startswith("This failed on our side (KeyError)")


def test_a_mail_that_brings_the_reader_down_is_kept_as_bytes_and_stops_nobody(
    followed: models.MailingList, epoch: Epoch, mails: list[bytes], steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = b"From: Eve <eve@example.org>\nMessage-ID: <bad@x>\nSubject: tr\xffouble\n\nBoo.\n"
    epoch.add(*mails[1:4], bad, *mails[4:])
    parse = messages.parse_message
    monkeypatch.setattr(messages, "parse_message", lambda raw: parse(raw) if raw != bad else [][1])
    assert read(followed) == len(mails)
    row = models.Message.objects.get(message_id__endswith="@no-message-id.invalid")
    assert conversion.message(row).raw == bad
    assert row.oddities == ["it could not be read (IndexError) and is kept as bytes; please report this"]
    assert [one.name for one in row.lists.all()] == ["followed"]
    assert models.Message.objects.count() == len(mails)
    assert models.Series.objects.get(root_msgid=V2.format(1)).patches.count() == 3
    assert read(followed) == 0


def test_all_epochs_are_read_in_order_also_when_new_ones_appeared_during_days_of_downtime(
    minikernel: models.Tree, tmp_path: Path, steps: Queue
) -> None:
    inbox = tmp_path / "inbox"
    append(inbox / "git" / "0.git", [("m", mail(1))])
    row = models.MailingList.objects.create(name="followed", epochs=str(inbox))
    read(row)
    for number in (2, 3):
        append(inbox / "git" / "0.git", [("m", mail(number))])
    for epoch in (1, 2):
        append(inbox / "git" / f"{epoch}.git", [("m", mail(epoch * 10 + number)) for number in range(150)])
    append(inbox / "git" / "2.git", [("d", mail(20))])
    wanted = {2, 3, *range(10, 170)}
    assert read(row) == 2 + 150 + 150 + 1
    names = set(models.Message.objects.values_list("message_id", flat=True))
    assert names == {f"{number}@example.org" for number in wanted}
    append(inbox / "git" / "2.git", [("m", mail(500))])
    assert (read(row), read(row)) == (1, 0)
    row.refresh_from_db()
    assert row.cursor.startswith("2:")


def test_a_follower_that_is_killed_again_and_again_ends_with_exactly_the_mails_of_the_epochs(tmp_path: Path) -> None:
    told = kills.follow_and_kill(kills.letters(400), tmp_path, times=4, seed=1)
    assert told.killed == 4
    assert told.kept == told.wanted == 400
