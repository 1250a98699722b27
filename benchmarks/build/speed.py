"""The builds of the service next to make by hand, on the same kernel in the same run.

Each figure is from "the patches are commits" to "the diagnostics are compared"; one is from the mail
to the report. The same edits are then built by hand, with make in a persistent tree and no
sandbox, and in a clean ``git worktree`` with an empty output. On a busy machine the ratios say
more than the seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pygit2

from benchmarks.apply.corpus import trees
from reviewbot.builds import Builder, Session, configurations, planning, toolchains
from reviewbot.builds.kbuild import variables
from reviewbot.findings import compare
from reviewbot.tree.readers import GitFiles
from reviewbot.tree.worktrees import Pool

Patches = Sequence[Sequence[str]]
Figures = dict[str, float]

ONE: Patches = (("arch/arm64/mm/mmu.c",),)
NINE: Patches = (
    ("arch/arm64/mm/mmu.c",),
    ("arch/arm64/mm/fault.c",),
    ("mm/memory.c",),
    ("mm/mmap.c",),
    ("mm/gup.c",),
    ("mm/rmap.c", "mm/mremap.c"),
    ("mm/vmalloc.c",),
    ("mm/page_alloc.c",),
    ("mm/filemap.c",),
)
HEADER: Patches = (("include/linux/mm.h",),)
CASES = {"one file": ONE, "nine patches, ten files": NINE, "header": HEADER}
#: case -> seconds that a verdict may take, and of what that is
WANTED = {"one file": (15, "seconds"), "nine patches, ten files": (90, "seconds"), "header": (60, "first verdict")}
_PROJECT = Path(__file__).resolve().parents[2]


class Bench:
    """One store, one pool, one cache."""

    def __init__(self, place: str, work: Path) -> None:
        self.work = work
        self.place = place
        store, branch = trees(work, {"base": place})["base"]
        self.store = store.path
        self.repository = pygit2.Repository(str(store.path))
        self.commit = branch.commit
        self.base = self.repository.revparse_single(branch.commit).peel(pygit2.Tree)
        self.files = GitFiles(store.path, branch.commit)
        self.pool = Pool(work / "slots", store.path)
        self.builder = Builder(work / "cache", toolchains.find())

    def edited(self, paths: Sequence[str], on: pygit2.Tree | None = None, mark: str = "benchmark") -> pygit2.Tree:
        """Return a tree in which each source has one mistake more, and each header one declaration."""
        index = pygit2.Index()
        index.read_tree(on or self.base)
        for path in paths:
            data = self.repository[index[path].id].peel(pygit2.Blob).data
            kind = "extern" if path.endswith(".h") else "static"
            edit = f"\n{kind} int added_by_the_{mark};\n".encode()
            index.add(pygit2.IndexEntry(path, self.repository.create_blob(data + edit), pygit2.enums.FileMode.BLOB))
        return self.repository[index.write_tree(self.repository)].peel(pygit2.Tree)

    def series(self, patches: Patches) -> Figures:
        """Build a series as the service does; return the seconds and what was found."""
        started = time.monotonic()
        plan = planning.plan(_touched(patches), self.files)
        planned = time.monotonic() - started
        objects = plan.builds[0].objects
        source = self.pool.checkout(str(self.base.id), "bench", fresh=False)
        with self.builder.session(source, str(self.base.id), configurations.DEFCONFIG, objects) as session:
            opened = time.monotonic() - started
            new, first = self._patches(session, patches, objects, started)
        return {
            "seconds": round(time.monotonic() - started, 1),
            "plan": round(planned, 1),
            "base": round(opened, 1),
            "first verdict": round(first, 1),
            "objects": len(objects),
            "new findings": new,
        }

    def _patches(self, session: Session, patches: Patches, objects: Sequence[str], started: float) -> tuple[int, float]:
        tree, before, new, first = self.base, session.base, 0, 0.0
        for paths in patches:
            tree = self.edited(paths, tree)
            result = session.build(objects, self.pool.checkout(str(tree.id), "bench"))
            assert not result.reason, result.reason
            new += len(compare(before.diagnostics, result.diagnostics).new)
            before = result
            first = first or time.monotonic() - started
        return new, first

    def syntax(self, patches: Patches) -> Figures:
        """Check the syntax of what the plan does not compile for a touched header."""
        planned = planning.plan(_touched(patches), self.files).builds[1]
        source = self.pool.checkout(str(self.base.id), "bench", fresh=False)
        started = time.monotonic()
        with self.builder.session(source, str(self.base.id), planned.configuration, planned.objects) as session:
            opened = time.monotonic() - started
            tree = self.edited(_touched(patches))
            result = session.build(planned.objects, self.pool.checkout(str(tree.id), "bench"))
            new = len(compare(session.base.diagnostics, result.diagnostics).new)
        seconds = round(time.monotonic() - started, 1)
        return {"seconds": seconds, "base": round(opened, 1), "objects": len(result.compiled), "new findings": new}

    def by_hand(self, patches: Patches) -> Figures:
        """Do the same with make in a persistent tree, without a sandbox; the tree is warm before the clock starts."""
        source, output = self.pool.checkout(str(self.base.id), "by-hand"), self.work / "by-hand"
        objects = planning.plan(_touched(patches), self.files).builds[0].objects
        for targets in (("defconfig",), ("prepare",), objects):
            self._make(source, output, *targets)
        started = time.monotonic()
        tree = self.base
        for paths in patches:
            tree = self.edited(paths, tree)
            self.pool.checkout(str(tree.id), "by-hand")
            self._make(source, output, *objects)
        return {"seconds": round(time.monotonic() - started, 1)}

    def clean(self, patches: Patches) -> Figures:
        """Build the last state in a clean ``git worktree``: what each patch costs where nothing is kept."""
        objects = planning.plan(_touched(patches), self.files).builds[0].objects
        who = pygit2.Signature("benchmark", "benchmark@example.org", 0, 0)
        tree = self.edited(_touched(patches))
        commit = self.repository.create_commit(None, who, who, "The edits", tree.id, [])
        source, output = self.work / "clean", self.work / "empty"
        git = ["git", f"--git-dir={self.store}", "worktree"]
        started = time.monotonic()
        subprocess.run([*git, "add", "-q", "--detach", source, str(commit)], check=True)
        for targets in (("defconfig",), ("prepare",), objects):
            self._make(source, output, *targets)
        seconds = round(time.monotonic() - started, 1)
        subprocess.run([*git, "remove", "--force", source], check=True)
        shutil.rmtree(output)
        return {"seconds": seconds}

    def _make(self, source: Path, output: Path, *targets: str) -> None:
        jobs = len(os.sched_getaffinity(0))
        words = [*variables(self.builder.toolchain), f"O={output}", "-k", f"-j{jobs}", *targets]
        output.mkdir(exist_ok=True, parents=True)
        subprocess.run(["make", "-C", source, *words], check=False, capture_output=True)

    def from_the_mail(self, mark: str) -> Figures:
        """Review a patch with ``manage.py review``: from a mail in a file to the report on the terminal."""
        path = ONE[0][0]
        before = self.repository[self.base[path].id].peel(pygit2.Blob)
        after = self.repository[self.edited(ONE[0], mark=mark)[path].id].peel(pygit2.Blob)
        diff = before.diff(after, old_as_path=path, new_as_path=path).text
        mail = EmailMessage()
        mail["From"], mail["To"] = "A Developer <developer@example.org>", "linux-mm@example.org"
        mail["Subject"], mail["Date"] = f"[PATCH] arm64: mm: {mark}", "Mon, 02 Nov 2026 10:00:00 +0000"
        mail["Message-ID"] = f"<{mark}@example.org>"
        mail.set_content(f"One declaration more.\n\nSigned-off-by: A Developer <developer@example.org>\n---\n{diff}")
        file = self.work / f"{mark}.eml"
        file.write_bytes(mail.as_bytes())
        review = [sys.executable, "manage.py", "review", str(file), "--tree", self.place, "--json"]
        env = {**os.environ, "REVIEWBOT_VAR": str(self.work / "var")}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=_PROJECT, env=env, check=True)
        started = time.monotonic()
        done = subprocess.run(review, cwd=_PROJECT, env=env, check=False, capture_output=True, text=True)
        assert done.returncode == 1, (done.returncode, done.stderr[-2000:])
        assert "unused" in done.stdout, done.stdout[-2000:]
        return {"seconds": round(time.monotonic() - started, 1)}


def run(place: str, work: Path, rounds: int, only: Sequence[str]) -> int:
    """Measure, and print one line of JSON for each figure and one for each thing that is wanted."""
    bench = Bench(place, work)
    kept = True
    for name, patches in CASES.items():
        if only and name not in only:
            continue
        show(f"{name}, cold", partial(bench.series, patches))
        warm, hand = [], []
        for _ in range(rounds):
            warm.append(show(f"{name}, warm", partial(bench.series, patches)))
            hand.append(show(f"{name}, by hand", partial(bench.by_hand, patches)))
        clean = show(f"{name}, clean worktree, one state", partial(bench.clean, patches))
        kept &= _judge(name, warm, hand, clean["seconds"] * len(patches))
    if not only or "header" in only:
        for state in ("cold", "warm"):
            show(f"header, syntax, {state}", partial(bench.syntax, HEADER))
    if not only or "mail" in only:
        for state in ("cold", "warm", "warm again"):
            mark = state.replace(" ", "_")
            mailed = show(f"from the mail, {state}", partial(bench.from_the_mail, mark))
        kept &= _wanted("one file, from the mail: seconds", mailed["seconds"], 15)
    return 0 if kept else 1


def _judge(name: str, warm: Sequence[Figures], hand: Sequence[Figures], clean: float) -> bool:
    limit, what = WANTED[name]
    best, least = (min(row["seconds"] for row in rows) for rows in (warm, hand))
    kept = _wanted(f"{name}: {what}", min(row[what] for row in warm), limit)
    kept &= _wanted(f"{name}: times make by hand", best / least, 1.2)
    return kept & _wanted(f"{name}: share of a clean worktree for each patch", best / clean, 0.1)


def _wanted(what: str, value: float, limit: float) -> bool:
    kept = value <= limit
    print(json.dumps({"wanted": what, "at most": limit, "found": round(value, 2), "kept": kept}), flush=True)
    return kept


def show(name: str, measure: Callable[[], Figures]) -> Figures:
    """Print what was measured, and how busy the machine was."""
    figures = measure()
    print(json.dumps({"case": name, **figures, "load": round(os.getloadavg()[0], 1)}), flush=True)
    return figures


def _touched(patches: Patches) -> list[str]:
    return sorted({path for paths in patches for path in paths})
