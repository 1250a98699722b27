"""A follower that is killed at random while it catches up, until it has everything: every mail once, none else."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from reviewbot.lore.mbox import read_mailbox

ROOT = Path(__file__).resolve().parents[2]
_LIST = (
    "from threads.models import MailingList; "
    "MailingList.objects.create(name='followed', epochs=%r, cursor='0:' + '0' * 40)"
)
# No worker runs here: what is queued goes nowhere, and no time is spent on looking for a queue.
_FOLLOW = (
    "from celery import current_app; current_app.conf.broker_url = 'memory://'; "
    "from threads.services import following; print('reading', flush=True); following.follow_all()"
)

#: seconds after which it is killed at the latest
_LONGEST = 3.0


class Told(NamedTuple):
    """What became of it.

    :ivar wanted: Message-IDs in the epochs.
    :ivar kept: mails in the database.
    :ivar same: whether these are the same ones.
    :ivar inside: kills that hit the follower while it read, after it had kept some mails.
    """

    wanted: int
    kept: int
    same: bool
    killed: int
    inside: int


def run(mbox: Path, work: Path, times: int, seed: int) -> int:
    """Follow the mails of a mailbox and print what became of it; return 0 when nothing is lost or twice."""
    told = follow_and_kill(read_mailbox(mbox), work, times=times, seed=seed)
    print(
        f"killed {told.killed} times, {told.inside} of these in the midst of reading: "
        f"{told.kept} mails kept of {told.wanted}, {'the same ones' if told.same else 'NOT THE SAME'}"
    )
    return int(not told.same)


def letters(count: int) -> Iterator[bytes]:
    """Yield small mails, each an answer to the one before."""
    for number in range(count):
        answered = f"In-Reply-To: <{number - 1}@example.org>\n" if number % 10 else ""
        yield (
            f"From: Ada <ada@example.org>\nSubject: mail {number}\nMessage-ID: <{number}@example.org>\n{answered}"
            f"Date: Mon, 2 Nov 2026 09:{number // 60 % 60:02}:{number % 60:02} +0100\n\nText {number}.\n"
        ).encode()


def follow_and_kill(mails: Iterable[bytes], work: Path, *, times: int, seed: int) -> Told:
    """Put mails into three epochs that grow meanwhile, and kill the follower again and again."""
    chance = random.Random(seed)
    for name in ("var", "inbox"):
        shutil.rmtree(work / name, ignore_errors=True)
    ours = {"REVIEWBOT_VAR": str(work / "var"), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "reviewbot.settings"}
    environment = os.environ | ours
    manage = [sys.executable, str(ROOT / "manage.py")]
    subprocess.run([*manage, "migrate", "-v0", "--skip-checks"], env=environment, check=True)
    all_mails = list(mails)
    shares = _shares(all_mails, times + 1)
    _grow(work / "inbox", next(shares))
    inbox = str((work / "inbox").resolve())
    subprocess.run([*manage, "shell", "-v0", "-c", _LIST % inbox], env=environment, check=True)
    follow = [*manage, "shell", "-v0", "-c", _FOLLOW]
    database = work / "var" / "db.sqlite3"
    killed = inside = 0
    for share in shares:
        before = len(_kept(database))
        process = subprocess.Popen(follow, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if process.stdout:
            process.stdout.readline()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, _LONGEST))
        reading = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += 1
        inside += reading and before < len(_kept(database))
        _grow(work / "inbox", share)
    subprocess.run(follow, env=environment, check=True, capture_output=True)
    wanted, kept = _wanted(all_mails), _kept(database)
    return Told(len(wanted), len(kept), sorted(wanted) == kept, killed, inside)


def _wanted(mails: Sequence[bytes]) -> set[str]:
    from reviewbot.mail.parse import parse_message

    return {parse_message(raw).message_id for raw in mails}


def _kept(database: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return sorted(name for (name,) in connection.execute("SELECT message_id FROM threads_message"))


def _shares(mails: Sequence[bytes], count: int) -> Iterator[list[tuple[int, bytes]]]:
    """Yield mails with the number of their epoch: half of them at first, then a part at a time."""
    rest = iter([(3 * at // len(mails), raw) for at, raw in enumerate(mails)])
    yield list(islice(rest, len(mails) // 2))
    size = -(-(len(mails) - len(mails) // 2) // (count - 1))
    for _ in range(count - 1):
        yield list(islice(rest, size))


def _grow(inbox: Path, share: Sequence[tuple[int, bytes]]) -> None:
    """Add mails to the epochs of an archive, as public-inbox does: one commit each."""
    for number in sorted({epoch for epoch, _ in share}):
        repository = inbox / "git" / f"{number}.git"
        if not repository.exists():
            subprocess.run(["git", "init", "-q", "--bare", "-b", "master", str(repository)], check=True)
        command = ["git", f"--git-dir={repository}", "rev-parse", "-q", "--verify", "master"]
        begun = subprocess.run(command, capture_output=True, check=False).returncode == 0
        stream = bytearray()
        for at, raw in enumerate(raw for epoch, raw in share if epoch == number):
            stream += b"commit refs/heads/master\ncommitter A <a@example.org> 1700000000 +0000\ndata 0\n"
            stream += b"from refs/heads/master^0\n" if begun and not at else b""
            stream += b"deleteall\nM 100644 inline m\ndata %d\n%s\n" % (len(raw), raw)
        command = ["git", f"--git-dir={repository}", "fast-import", "--quiet"]
        subprocess.run(command, input=bytes(stream), check=True)
