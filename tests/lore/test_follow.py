"""Following an archive: every mail, once, in order, whatever happens in between."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reviewbot.errors import NotFoundError, TransientError
from reviewbot.lore.follow import Arrival, Cursor, discover, follow, newest
from reviewbot.lore.mirror import Mirror
from tests.lore.epochs import append, git, mail

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / "git").mkdir(parents=True)
    append(folder / "git" / "0.git", [("m", mail(number)) for number in range(5)])
    return folder


def read(inbox: Path, cursor: Cursor | None = None) -> list[Arrival]:
    return list(follow(str(inbox), inbox.parent / "copy", cursor))


def mails(arrivals: list[Arrival]) -> list[bytes]:
    return [arrival.raw for arrival in arrivals if not arrival.taken_back]


def test_all_mails_come_in_order_and_then_only_new_ones(inbox: Path) -> None:
    first = read(inbox)
    assert mails(first) == [mail(number) for number in range(5)]
    assert read(inbox, first[-1].cursor) == []
    append(inbox / "git" / "0.git", [("m", mail(5))])
    assert mails(read(inbox, first[-1].cursor)) == [mail(5)]
    assert mails(read(inbox, first[2].cursor)) == [mail(3), mail(4), mail(5)]


def test_a_new_epoch_is_found(inbox: Path) -> None:
    place = read(inbox)[-1].cursor
    append(inbox / "git" / "0.git", [("m", mail(5))])
    append(inbox / "git" / "1.git", [("m", mail(6))])
    arrivals = read(inbox, place)
    assert mails(arrivals) == [mail(5), mail(6)]
    assert [arrival.cursor.epoch for arrival in arrivals] == [0, 1]
    assert read(inbox, arrivals[-1].cursor) == []


def test_mails_that_are_taken_back_say_so(inbox: Path) -> None:
    place = read(inbox)[-1].cursor
    append(inbox / "git" / "0.git", [("d", mail(2)), ("m", mail(7))])
    assert [(arrival.taken_back, arrival.raw) for arrival in read(inbox, place)] == [(True, mail(2)), (False, mail(7))]


def test_a_history_that_was_written_anew_brings_only_what_is_new(inbox: Path) -> None:
    place = read(inbox)[-1].cursor
    append(inbox / "git" / "0.git", [("m", mail(number)) for number in (0, 1, 3, 4, 8)], anew=True)
    git(inbox / "git" / "0.git", "gc", "--prune=now", "-q")
    assert mails(read(inbox, place)) == [mail(8)]


def test_a_lost_copy_is_made_again(inbox: Path) -> None:
    place = read(inbox)[2].cursor
    subprocess.run(["rm", "-r", inbox.parent / "copy"], check=True)
    assert mails(read(inbox, place)) == [mail(3), mail(4)]


def test_a_clone_and_a_bundle_are_one_epoch(inbox: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", inbox / "git" / "0.git", tmp_path / "clone"], check=True, capture_output=True)
    git(inbox / "git" / "0.git", "bundle", "create", str(tmp_path / "a.bundle"), "master")
    for source in ("clone", "a.bundle"):
        arrivals = list(follow(str(tmp_path / source), tmp_path / f"copy of {source}"))
        assert mails(arrivals) == [mail(number) for number in range(5)]


def test_epochs_are_numbers_and_not_names(inbox: Path) -> None:
    for number in (2, 10):
        append(inbox / "git" / f"{number}.git", [("m", mail(number))])
    (inbox / "git" / "all.git").mkdir()
    assert [epoch.number for epoch in discover(str(inbox))] == [0, 2, 10]


def test_what_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no public-inbox archive"):
        list(follow(str(tmp_path), tmp_path / "copy"))
    (tmp_path / "junk.bundle").write_bytes(b"junk")
    with pytest.raises(TransientError):
        list(follow(str(tmp_path / "junk.bundle"), tmp_path / "copy"))


def test_an_archive_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="does not answer"):
        list(follow("http://127.0.0.1:9/linux-mm", tmp_path / "copy"))


def test_a_list_can_be_followed_from_now_on(inbox: Path) -> None:
    place = newest(str(inbox))
    assert read(inbox, place) == []
    append(inbox / "git" / "0.git", [("m", mail(5))])
    assert mails(read(inbox, place)) == [mail(5)]


def test_two_readers_do_not_meet(inbox: Path, tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "copy" / "0.git")
    mirror.path.mkdir(parents=True)
    with mirror._alone(), pytest.raises(TransientError, match="Another process"):
        read(inbox)


def test_locks_of_a_git_that_was_killed_are_removed(inbox: Path) -> None:
    place = read(inbox)[-1].cursor
    copy = inbox.parent / "copy" / "0.git"
    for name in ("config.lock", "HEAD.lock", "refs/heads/master.lock", "packed-refs.lock"):
        (copy / name).touch()
    append(inbox / "git" / "0.git", [("m", mail(5))])
    assert mails(read(inbox, place)) == [mail(5)]


def test_a_cursor_is_kept_as_text() -> None:
    cursor = Cursor(3, "0a" * 20)
    assert Cursor.parse(str(cursor)) == cursor
    with pytest.raises(ValueError, match="no cursor"):
        Cursor.parse("3:HEAD")


READER = """
import sys
from pathlib import Path
from reviewbot.lore.follow import Cursor, follow
source, copy, log = sys.argv[1:]
lines = Path(log).read_text().splitlines(keepends=True) if Path(log).exists() else []
whole = [line for line in lines if line.endswith("\\n")]
Path(log).write_text("".join(whole))
cursor = Cursor.parse(whole[-1].split()[0]) if whole else None
with open(log, "a", buffering=1) as out:
    for arrival in follow(source, Path(copy), cursor):
        subject = next(line for line in arrival.raw.split(b"\\n") if line.startswith(b"Subject"))
        out.write(f"{arrival.cursor} {subject.decode()}\\n")
"""


def test_a_reader_that_is_killed_again_and_again_misses_nothing(tmp_path: Path) -> None:
    inbox, log = tmp_path / "inbox", tmp_path / "log"
    (inbox / "git").mkdir(parents=True)
    append(inbox / "git" / "0.git", [("m", mail(number)) for number in range(40)], anew=True)
    chance = random.Random(2)
    command = [sys.executable, "-c", READER, str(inbox), str(tmp_path / "copy"), str(log)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for round_number in range(6):
        reader = subprocess.Popen(command, env=environment, start_new_session=True)
        time.sleep(chance.uniform(0.05, 0.6))
        os.killpg(reader.pid, signal.SIGKILL)
        reader.wait()
        append(inbox / "git" / f"{round_number // 3}.git", [("m", mail(40 + round_number))])
    subprocess.run(command, env=environment, check=True)
    assert [line.split()[-1] for line in log.read_text().splitlines()] == [str(number) for number in range(46)]
