"""One mailbox, taken in by us and by Patchwork: fresh SQLite databases, the same machine, one after the other."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
WANTED = 15

_SETTINGS = """\
from patchwork.settings.base import *
SECRET_KEY = "measured"
DEBUG = False
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": %r}}
"""
_PROJECT = (
    "from patchwork.models import Project; "
    "Project.objects.create(linkname='list', name='list', listid=%r, listemail='list@example.org')"
)


class Cost(NamedTuple):
    """What a process took, in seconds."""

    processor: float
    clock: float


def run(mbox: Path, work: Path, patchwork: Path | None, list_id: str) -> int:
    """Measure both and print; return 0 when we are as much faster as wanted.

    We are measured before and behind Patchwork, whose run takes minutes in which the machine may change its pace.
    """
    mails = _count(mbox)
    ours = ourselves(mbox, work)
    _print("manage.py import", mails, ours)
    if patchwork is None:
        return 0
    theirs = _patchwork(mbox, work, patchwork.resolve(), list_id)
    _print("parsearchive", mails, theirs)
    again = ourselves(mbox, work)
    _print("manage.py import", mails, again)
    ours = Cost((ours.processor + again.processor) / 2, (ours.clock + again.clock) / 2)
    times = theirs.processor / ours.processor, theirs.clock / ours.clock
    print(f"{times[0]:.1f} times as fast by processor time, {times[1]:.1f} times by the clock; wanted {WANTED}")
    return int(times[0] < WANTED)


def ourselves(mbox: Path, work: Path) -> Cost:
    """Take a mailbox in, into a new database."""
    var = work / "var"
    shutil.rmtree(var, ignore_errors=True)
    environment = {"REVIEWBOT_VAR": str(var), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "reviewbot.settings"}
    manage = [sys.executable, str(ROOT / "manage.py")]
    measured([*manage, "migrate", "-v0"], environment)
    return measured([*manage, "import", str(mbox)], environment)


def _patchwork(mbox: Path, work: Path, checkout: Path, list_id: str) -> Cost:
    database = work / "patchwork.sqlite3"
    database.unlink(missing_ok=True)
    (work / "measured_settings.py").write_text(_SETTINGS % str(database))
    environment = {"PYTHONPATH": f"{work}:{checkout}", "DJANGO_SETTINGS_MODULE": "measured_settings"}
    manage = [str(checkout / ".venv" / "bin" / "python"), str(checkout / "manage.py")]
    measured([*manage, "migrate", "-v0"], environment)
    measured([*manage, "loaddata", "-v0", "default_tags", "default_states"], environment)
    measured([*manage, "shell", "-v0", "-c", _PROJECT % list_id], environment)
    return measured([*manage, "parsearchive", "--list-id", list_id, str(mbox)], environment)


def measured(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run a command and say what it took."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(spent, time.monotonic() - start)


def _count(mbox: Path) -> int:
    with mbox.open("rb") as lines:
        return sum(line.startswith(b"From mboxrd@z") for line in lines)


def _print(name: str, mails: int, cost: Cost) -> None:
    print(
        f"{name:18} {mails} mails: {cost.processor:.1f} s of processor time ({mails / cost.processor:.0f} mails/s), "
        f"{cost.clock:.1f} s by the clock ({mails / cost.clock:.0f} mails/s)",
        flush=True,
    )
