"""Measure the builds on a real kernel.

Each figure is seconds on the clock, from "the patches are commits" to "the diagnostics are
compared". The same edits are then built by hand, with make in a persistent tree
and no sandbox, and in a clean tree with an empty output, all in the same run: on a busy machine the
ratios say more than the seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pygit2

from reviewbot.builds import Builder, Session, configurations, planning, toolchains
from reviewbot.builds.kbuild import variables
from reviewbot.findings import compare
from reviewbot.tree.readers import GitFiles
from reviewbot.tree.worktrees import Pool

ONE = ("arch/arm64/mm/mmu.c",)
NINE = (
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
HEADER = ("include/linux/mm.h",)
EDIT = b"\nstatic int added_by_the_benchmark;\n"


class Bench:
    """One store, one pool, one cache."""

    def __init__(self, repository: Path, commit: str, scratch: Path) -> None:
        self.repository = pygit2.Repository(str(repository))
        self.base = self.repository.revparse_single(commit).peel(pygit2.Tree)
        self.files = GitFiles(repository, commit)
        self.pool = Pool(scratch / "slots", repository)
        self.builder = Builder(scratch / "cache", toolchains.find())
        self.hand = scratch / "by-hand"
        self.empty = scratch / "empty"

    def edited(self, paths: Sequence[str], on: pygit2.Tree | None = None) -> pygit2.Tree:
        """Return a tree in which each source has one mistake more, and each header one declaration."""
        index = pygit2.Index()
        index.read_tree(on or self.base)
        for path in paths:
            data = self.repository[index[path].id].peel(pygit2.Blob).data
            edit = b"\nextern int added_by_the_benchmark;\n" if path.endswith(".h") else EDIT
            index.add(pygit2.IndexEntry(path, self.repository.create_blob(data + edit), pygit2.enums.FileMode.BLOB))
        return self.repository[index.write_tree(self.repository)].peel(pygit2.Tree)

    def series(self, patches: Sequence[Sequence[str]]) -> dict[str, float | int]:
        """Build a series as the service does; return the seconds and what was found."""
        started = time.monotonic()
        touched = sorted({path for paths in patches for path in paths})
        plan = planning.plan(touched, self.files)
        planned = time.monotonic() - started
        objects = plan.builds[0].objects
        source = self.pool.checkout(str(self.base.id), "bench", fresh=False)
        new = 0
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

    def _patches(
        self, session: Session, patches: Sequence[Sequence[str]], objects: Sequence[str], started: float
    ) -> tuple[int, float]:
        tree, before, new, first = self.base, session.base, 0, 0.0
        for paths in patches:
            tree = self.edited(paths, tree)
            result = session.build(objects, self.pool.checkout(str(tree.id), "bench"))
            assert not result.reason, result.reason
            new += len(compare(before.diagnostics, result.diagnostics).new)
            before = result
            first = first or time.monotonic() - started
        return new, first

    def syntax(self, paths: Sequence[str]) -> dict[str, float | int]:
        """Check the syntax of what the plan does not compile for a touched header."""
        planned = planning.plan(paths, self.files).builds[1]
        source = self.pool.checkout(str(self.base.id), "bench", fresh=False)
        started = time.monotonic()
        with self.builder.session(source, str(self.base.id), planned.configuration, planned.objects) as session:
            opened = time.monotonic() - started
            tree = self.edited(paths)
            result = session.build(planned.objects, self.pool.checkout(str(tree.id), "bench"))
            new = len(compare(session.base.diagnostics, result.diagnostics).new)
        seconds = round(time.monotonic() - started, 1)
        return {"seconds": seconds, "base": round(opened, 1), "objects": len(result.compiled), "new findings": new}

    def clean(self, patches: Sequence[Sequence[str]]) -> float:
        """Do the last state as without anything kept: a new tree, an empty output; return the seconds."""
        touched = sorted({path for paths in patches for path in paths})
        objects = planning.plan(touched, self.files).builds[0].objects
        tree = self.edited(touched)
        started = time.monotonic()
        source = self.pool.checkout(str(tree.id), "clean")
        for targets in (("defconfig",), ("prepare",), objects):
            self._make(source, *targets, output=self.empty)
        seconds = round(time.monotonic() - started, 1)
        self.pool.remove("clean")
        shutil.rmtree(self.empty)
        return seconds

    def by_hand(self, patches: Sequence[Sequence[str]]) -> float:
        """Do the same with make in a persistent tree, without a sandbox; return the seconds of the warm part."""
        source = self.pool.checkout(str(self.base.id), "by-hand")
        objects = planning.plan(sorted({path for paths in patches for path in paths}), self.files).builds[0].objects
        self._make(source, "defconfig")
        self._make(source, "prepare")
        self._make(source, *objects)
        started = time.monotonic()
        tree = self.base
        for paths in patches:
            tree = self.edited(paths, tree)
            self.pool.checkout(str(tree.id), "by-hand")
            self._make(source, *objects)
        return round(time.monotonic() - started, 1)

    def _make(self, source: Path, *targets: str, output: Path | None = None) -> None:
        output = output or self.hand
        jobs = len(os.sched_getaffinity(0))
        words = [*variables(self.builder.toolchain), f"O={output}", "-k", f"-j{jobs}", *targets]
        output.mkdir(exist_ok=True, parents=True)
        subprocess.run(["make", "-C", source, *words], check=False, capture_output=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print one line of JSON for each figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.build", description=__doc__)
    parser.add_argument("--repository", type=Path, required=True, help="a git repository that has the commit")
    parser.add_argument("--commit", default="HEAD", help="the base")
    parser.add_argument("--scratch", type=Path, required=True, help="empty for a cold start")
    parser.add_argument("--no-hand", action="store_true", help="leave out make by hand")
    parser.add_argument("--case", action="append", default=[], help="only this case; may be repeated")
    options = parser.parse_args(arguments)
    bench = Bench(options.repository, options.commit, options.scratch)
    cases: Mapping[str, Sequence[Sequence[str]]] = {
        "one file": [ONE],
        "nine patches, ten files": NINE,
        "header": [HEADER],
    }
    show("unpacking the base", lambda: bench.pool.checkout(str(bench.base.id), "bench", fresh=False) and {})
    for name, patches in cases.items():
        if options.case and name not in options.case:
            continue
        show(f"{name}, cold", lambda patches=patches: bench.series(patches))
        show(f"{name}, warm", lambda patches=patches: bench.series(patches))
        if not options.no_hand:
            show(f"{name}, by hand", lambda patches=patches: {"seconds": bench.by_hand(patches)})
            show(f"{name}, clean", lambda patches=patches: {"seconds": bench.clean(patches)})
        if name == "header":
            show("header, syntax, cold", lambda: bench.syntax(HEADER))
            show("header, syntax, warm", lambda: bench.syntax(HEADER))
    return 0


def show(name: str, measure: Callable[[], object]) -> None:
    """Print what was measured, and how busy the machine was."""
    started = time.monotonic()
    figures = measure() or {"seconds": round(time.monotonic() - started, 1)}
    assert isinstance(figures, dict)
    print(json.dumps({"case": name, **figures, "load": round(os.getloadavg()[0], 1)}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
