"""``python -m benchmarks.scale``: series a minute with 1, 2 and 4 workers; with ``--kills`` the same under fire.

Every run has a database, a queue and a store of its own. The mails are on the list before the workers start, so the
time is that of the work: taking in, applying, checking, publishing. Builds are off unless ``--build`` is given.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.scale.posting import mails
from tests.installation import ROOT, Installation, Postgres, Redis, kill
from tests.lore.epochs import append, mail

KERNEL = ROOT / "tests" / "corpus" / "minikernel"
_SETTINGS = {"LEASE_SECONDS": "20", "SWEEP_SECONDS": "2", "FOLLOW_SECONDS": "2"}
_OPEN = (
    "SELECT 1 FROM threads_series WHERE wanted AND state IN ('not run', 'running')"
    " UNION ALL SELECT 1 FROM threads_report WHERE stale_at IS NOT NULL"
)
_STATE = (
    "SELECT root_msgid, state, verdict, reason FROM threads_series ORDER BY 1",
    "SELECT tree_id, check_name, scope, state FROM threads_run ORDER BY 1, 2, 3",
    "SELECT r.tree_id, f.fingerprint, f.occurrence FROM threads_finding f JOIN threads_run r ON r.id = f.run_id"
    " ORDER BY 1, 2, 3",
    "SELECT message_id, stage FROM threads_delivery ORDER BY 1",
)
_LIMIT = 3600.0


class Told(NamedTuple):
    """What one run came to: its seconds by the clock, how often a worker was killed, the rows at its end."""

    seconds: float
    kills: int
    rows: list[list[tuple[object, ...]]]


class Day:
    """One run: an installation whose list has everything on it already."""

    def __init__(self, folder: Path, asked: argparse.Namespace) -> None:
        self.asked = asked
        self.redis = Redis()
        self.redis.start()
        self.server = Postgres() if asked.postgres else None
        if self.server:
            self.server.start()
        database = self.server.url if self.server else ""
        self.service = Installation(
            folder / "var", self.redis.url, database, BUILD_ENABLED="yes" if asked.build else "no", **_SETTINGS
        )
        epoch = folder / "0.git"
        append(epoch, [("m", mail(1))])
        for command in (
            ["migrate", "--verbosity", "0"],
            ["tree", "add", "minikernel", str(KERNEL)],
            ["lists", "follow", "linux-mm", str(epoch)],
            ["shell", "-v0", "-c", "from threads.services import following; following.follow_all()"],
        ):
            status, said = self.service.manage(*command)
            if status:
                sys.exit(said)
        append(epoch, [("m", raw) for raw in mails(asked.series, asked.patches, asked.replies, asked.seed)])

    def run(self, workers: int, kills: int) -> Told:
        """Work off everything with some workers, of which one is killed now and then and another one comes."""
        chance = random.Random(self.asked.seed)
        began = time.monotonic()
        self.service.scheduler()
        crew = [self.service.worker() for _ in range(workers)]
        done = 0
        while not self._finished():
            if time.monotonic() - began > _LIMIT:
                sys.exit(f"Not done within {_LIMIT:.0f} s; see {self.service.var}.")
            time.sleep(chance.uniform(0.5, 4.0) if done < kills else 0.5)
            if done < kills:
                kill(crew.pop(0))
                crew.append(self.service.worker())
                done += 1
        seconds = time.monotonic() - began
        rows = [self.service.rows(question) for question in _STATE]
        self.close()
        return Told(seconds, done, rows)

    def _finished(self) -> bool:
        count = self.service.rows("SELECT count(*) FROM threads_series WHERE wanted")[0][0]
        return count == self.asked.series and not self.service.rows(_OPEN)

    def close(self) -> None:
        """End every process."""
        self.service.stop()
        self.redis.stop()
        if self.server:
            self.server.remove()


def main() -> int:
    """Run what was asked for; end with 1 when the rows at the end are not the same in all runs."""
    parser = argparse.ArgumentParser(prog="benchmarks/scale/run", description=__doc__)
    parser.add_argument("--workers", default="1,2", help="numbers of workers, each with two processes (default: 1,2)")
    parser.add_argument("--series", type=int, default=30)
    parser.add_argument("--patches", type=int, default=3)
    parser.add_argument("--replies", type=int, default=5)
    parser.add_argument("--kills", type=int, default=0, help="how often a worker is killed in a run more, the last")
    parser.add_argument("--build", action="store_true", help="cross-build, too")
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL, not SQLite")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    runs = [(int(count), 0) for count in asked.workers.split(",")]
    runs += [(runs[-1][0], asked.kills)] if asked.kills else []
    first: Told | None = None
    same = True
    print(
        f"{asked.series} series of {asked.patches} patches, {asked.replies} replies each; {os.cpu_count()} processors"
    )
    for workers, kills in runs:
        folder = Path(tempfile.mkdtemp(prefix="reviewbot-scale-"))
        told = Day(folder, asked).run(workers, kills)
        shutil.rmtree(folder, ignore_errors=True)
        first = first or told
        alike = told.rows == first.rows
        same = same and alike
        rate = 60 * asked.series / told.seconds
        print(
            f"{workers} workers, {told.kills} kills: {told.seconds:6.1f} s, {rate:6.1f} series a minute,"
            f" {'the same rows' if alike else 'OTHER ROWS'}",
            flush=True,
        )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
