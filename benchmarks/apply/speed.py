"""Nine patches on a kernel tree, three ways, in the same run."""

from __future__ import annotations

import io
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pygit2

from reviewbot.mail.mbox import split_mbox
from reviewbot.mail.parse import parse_message
from reviewbot.series.model import Patch
from reviewbot.tree.apply import apply_series
from reviewbot.tree.model import Base
from reviewbot.tree.staging import Entry, graft
from reviewbot.tree.store import Store

#: what the patches touch: one to three files each
FILES = (
    ("mm/memory.c",), ("mm/gup.c", "mm/mmap.c"), ("arch/arm64/mm/mmu.c",), ("include/linux/mm.h",),
    ("mm/mprotect.c", "mm/mremap.c", "mm/memory.c"), ("arch/arm64/include/asm/pgalloc.h",), ("kernel/fork.c",),
    ("fs/exec.c", "mm/util.c"), ("arch/arm64/mm/mmu.c", "mm/vmalloc.c"),
)  # fmt: skip
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
       for what, value in (("NAME", "Ada Example"), ("EMAIL", "ada@example.org"), ("DATE", "1700000000 +0000"))},
}  # fmt: skip


def git(where: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git in a checkout and return what it prints."""
    done = subprocess.run(
        ["git", *arguments], cwd=where, input=stdin, env=ENVIRONMENT, check=False, capture_output=True
    )
    if done.returncode:
        raise SystemExit(f"git {arguments[0]} failed: {done.stderr.decode()}")
    return done.stdout


def checkout(store: Store, commit: str, where: Path) -> None:
    """Make a checkout that shares the objects of the store, the slow way."""
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    git(where, "init", "-q")
    (where / ".git/objects/info/alternates").write_text(f"{store.path}/objects\n")
    git(where, "checkout", "-q", "--detach", commit)


def series(where: Path, commit: str) -> bytes:
    """Make nine commits in a checkout, and return them as mails; the checkout is as before afterwards."""
    for number, files in enumerate(FILES, 1):
        for name in files:
            lines = (where / name).read_text().split("\n")
            at = len(lines) * (number + 1) // 12
            lines[at:at] = [f"/* Step {number}: invented for a measurement. */"]
            (where / name).write_text("\n".join(lines))
        git(
            where,
            "commit",
            "-q",
            "-a",
            "-m",
            f"mm: step {number}\n\nOf nine.\n\nSigned-off-by: Ada Example <ada@example.org>",
        )
    mbox = git(where, "format-patch", "--stdout", "--thread", f"{commit}..HEAD")
    git(where, "reset", "-q", "--hard", commit)
    return mbox


class Cost(NamedTuple):
    """Seconds by the clock, and of processor time, child processes included."""

    clock: float
    processor: float

    def plus(self, other: Cost) -> Cost:
        """Return the cost of both."""
        return Cost(self.clock + other.clock, self.processor + other.processor)

    def against(self, other: Cost) -> str:
        """Return the times, and how many times those of another they are."""
        clock, processor = self.clock / other.clock, self.processor / other.processor
        return f"{self.clock:8.3f} s {clock:7.1f} times;  processor {self.processor:7.3f} s {processor:7.1f} times"


def timed(call: Callable[[], object], rounds: int = 1, between: Callable[[], object] = lambda: None) -> Cost:
    """Return the medians of some rounds."""
    costs = []
    for _ in range(rounds):
        start, before = time.perf_counter(), os.times()
        call()
        after = os.times()
        costs.append(Cost(time.perf_counter() - start, sum(after[:4]) - sum(before[:4])))
        between()
    return Cost(statistics.median(cost.clock for cost in costs), statistics.median(cost.processor for cost in costs))


def run(source: str, work: Path, rounds: int) -> int:
    """Measure, print, and return 0 when it is twelve times faster than a warm git am."""
    start = time.perf_counter()
    store = Store(work / "store")
    branch = store.import_directory("benchmark", source)
    print(f"import of {branch.describe}: {time.perf_counter() - start:.1f} s")
    start = time.perf_counter()
    store.import_directory("benchmark", source)
    print(f"import again: {time.perf_counter() - start:.2f} s")
    warm = work / "warm"
    fresh = timed(lambda: checkout(store, branch.commit, warm))
    mbox = series(warm, branch.commit)
    tree = git_am(warm, mbox)
    git(warm, "reset", "-q", "--hard", branch.commit)
    am = timed(lambda: git_am(warm, mbox), rounds, lambda: git(warm, "reset", "-q", "--hard", branch.commit))
    patches = [Patch(number, parse_message(raw), "", "") for number, raw in enumerate(split_mbox(io.BytesIO(mbox)), 1)]
    base = Base("benchmark", branch.commit, "benchmark")
    attempt = apply_series(store, base, patches)
    ours = timed(lambda: apply_series(store, base, patches), max(rounds, 10))
    few = Base("few", only_touched(store, branch.commit), "benchmark")
    small = timed(lambda: apply_series(store, few, patches), max(rounds, 10))
    whole = apply_series(store, few, patches).applies
    same = attempt.applies and attempt.patches[-1].tree == tree
    print(
        f"{len(patches)} patches, {len({name for names in FILES for name in names})} files, median of {rounds} rounds"
    )
    print(f"  git am, new checkout      {fresh.plus(am).against(ours)}")
    print(f"  git am, warm checkout     {am.against(ours)}")
    print(f"  on objects alone          {ours.against(ours)}; {'the same tree' if same else 'ANOTHER TREE'}")
    print(f"  on these files alone      {small.against(ours)}; {'applies' if whole else 'DOES NOT APPLY'}")
    return 0 if same and am.clock / ours.clock >= 12 else 1


def only_touched(store: Store, commit: str) -> str:
    """Make a commit of the files that the patches touch, and return its id."""
    tree = store.commit(commit).tree
    paths = {name for names in FILES for name in names}
    entries = {path: Entry(int(tree[path].filemode), str(tree[path].id)) for path in paths}
    who = pygit2.Signature("Ada Example", "ada@example.org", 0, 0)
    small = graft(store.repository, None, entries) or tree.id
    return str(store.repository.create_commit(None, who, who, "The touched files", small, []))


def git_am(where: Path, mbox: bytes) -> str:
    """Apply mails with git am -3 and return the tree."""
    git(where, "am", "-q", "-3", stdin=mbox)
    return git(where, "rev-parse", "HEAD^{tree}").decode().strip()
