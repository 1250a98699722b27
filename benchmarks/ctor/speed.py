"""Time and memory of a cold run over a whole tree, and of Coccinelle for one rule over the same files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ctor.judge import Bench
from benchmarks.ctor.sites import Epoch, files_with_sites

ROOT = Path(__file__).resolve().parents[2]
#: what a next patch changes: code of one architecture, and a header that all of them include
CHANGED = ("arch/arm64/mm/mmu.c", "include/asm-generic/pgalloc.h")


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds by the clock and of processor time, and the largest resident size in MB."""

    seconds: float
    processor: float
    megabytes: float


def measured(command: Sequence[str], folder: Path) -> Cost:
    """Run a command and say what it took; its output is thrown away."""
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0  # reaped by wait4
    return Cost(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def whole_tree(tree: Path) -> Cost:
    """Check a whole tree by the command line, with nothing remembered."""
    return measured([sys.executable, "-m", "reviewbot.checks", "--tree", str(tree), "--format", "json"], ROOT)


def next_patch(bench: Bench, path: str) -> tuple[int, float]:
    """Cost of one more state in a series, after the state before it: a file gets one more statement.

    As in a series, every file is looked at again that means something else because of the change.

    :returns: number of files that are looked at, seconds of processor time.
    """
    data = (bench.tree / path).read_bytes()
    edited = data.replace(b"\n{\n", b"\n{\n\tcond_resched();\n", 1)
    paths = sorted({path, *bench.dependents(path)})
    bench.findings({}, paths)
    start = time.process_time()
    bench.findings({path: edited}, paths)
    return len(paths), time.process_time() - start


def coccinelle(tree: Path) -> tuple[int, Cost, Cost] | None:
    """Look for ignored results (C01 as a semantic patch) with Coccinelle, and for everything with the checker.

    :returns: number of files, cost of Coccinelle for one rule, cost of the checker for all rules over the same
        files; None when Coccinelle is not installed.
    """
    if shutil.which("spatch") is None:
        return None
    epoch, files = Epoch(tree), files_with_sites(tree)
    names = [name for level in ("pte", "pmd") if (name := epoch.spell("ctor", level)) is not None]
    arguments = "e1, e2" if epoch.takes_mm else "e1"
    rules = [f"@@ expression e1, e2; @@\n* {name}({arguments});\n" for name in names]
    with tempfile.NamedTemporaryFile("w", suffix=".cocci") as rule:
        rule.write("\n".join(rules))
        rule.flush()
        fast = measured(["spatch", "--very-quiet", "--no-includes", "--sp-file", rule.name, *files], tree)
    command = [sys.executable, "-m", "reviewbot.checks", "--tree", str(tree), "--format", "json", *files]
    return len(files), fast, measured(command, ROOT)
