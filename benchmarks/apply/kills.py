"""Kill a process that applies at random points, and look at what it leaves."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.apply.speed import git
from reviewbot.tree.store import Store

#: applies nine patches over and over, on a base that moves, until it is killed
_VICTIM = """
import io, sys
from pathlib import Path
from reviewbot.mail.mbox import split_mbox
from reviewbot.mail.parse import parse_message
from reviewbot.series.model import Patch
from reviewbot.tree.apply import apply_series
from reviewbot.tree.model import Base
from reviewbot.tree.store import Store
store, commit, mbox = Store(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_bytes()
patches = [Patch(n, parse_message(raw), "", "") for n, raw in enumerate(split_mbox(io.BytesIO(mbox)), 1)]
print("ready", flush=True)
for number in range(1, 10_000):
    mixed = [Patch(p.number, type(p.message)(**{**{f: getattr(p.message, f) for f in p.message.__slots__},
             "message_id": f"{number}.{p.number}@example.org"}), "", "") for p in patches]
    assert apply_series(store, Base("project", commit, ""), mixed).applies
"""


def run(work: Path, times: int) -> int:
    """Kill two appliers at a time; return 0 when the store is whole and every series in it is whole."""
    shutil.rmtree(work / "kills", ignore_errors=True)
    project = work / "kills" / "project"
    project.mkdir(parents=True)
    git(project, "init", "-q")
    for number in range(10):
        (project / f"file{number}.c").write_text("".join(f"int f{number}_{n};\n" for n in range(200)))
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "Start")
    start = git(project, "rev-parse", "HEAD").decode().strip()
    for number in range(9):
        (project / f"file{number}.c").write_text("".join(f"int f{number}_{n}{'x' * (n == 99)};\n" for n in range(200)))
        git(project, "commit", "-q", "-a", "-m", f"Step {number}")
    mbox = work / "kills" / "series.mbox"
    mbox.write_bytes(git(project, "format-patch", "--stdout", start))
    store = Store(work / "kills" / "store")
    store.import_repository("project", project, start)
    chance = random.Random(1)
    command = [sys.executable, "-c", _VICTIM, str(store.path), start, str(mbox)]
    for _ in range((times + 1) // 2):
        victims = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
        for victim in victims:
            assert victim.stdout is not None
            victim.stdout.readline()
        for victim in victims:
            time.sleep(chance.uniform(0, 1))
            victim.send_signal(signal.SIGKILL)
            victim.wait()
    return _verdict(store, times)


def _verdict(store: Store, times: int) -> int:
    store.git.must("fsck", "--strict", "--no-dangling")
    locks = [path for path in store.path.rglob("*.lock") if "tmp" not in path.parts]
    tips = [
        path.read_text().strip() for path in (store.path / "refs/series").glob("*/*") if not path.name.startswith(".")
    ]
    half = [tip for tip in tips if len(list(store.repository.walk(tip))) != 10]
    left = len(list((store.path / "tmp").iterdir()))
    print(f"{times} kills: {len(tips)} whole series, {len(half)} half ones, {len(locks)} locks, fsck finds nothing;")
    print(f"{left} scratch folders are left for the next pruning")
    return 1 if half or locks or not tips else 0
