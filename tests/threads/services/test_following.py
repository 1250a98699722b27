"""A followed list: every mail once, and the series that its mails complete."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reviewbot.reports.facts import Verdict
from tests.threads.conftest import V1, V2, Queue
from threads import models
from threads.services import following


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
            self.git("commit", "-q", "-m", "mail")


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
        patched.setattr(following, "_ask", lambda ids: (_ for _ in ()).throw(RuntimeError("killed")))
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
