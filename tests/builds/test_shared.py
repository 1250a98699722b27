"""What one worker has compiled of a followed tree, another one takes from ccache; a patch puts nothing there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from reviewbot import sandbox
from reviewbot.builds import Builder, State, configurations, toolchains
from tests.builds.kernels import LIMITS, MMU, PAGEATTR, Kernel, kernel, needs_compiler

__all__ = ["kernel"]
pytestmark = [needs_compiler, pytest.mark.skipif(not shutil.which("ccache"), reason="ccache is not installed")]

DEFCONFIG = configurations.DEFCONFIG
SOURCE = "arch/arm64/mm/pageattr.c"
FUNCTION = "int set_direct_map_invalid_noflush(struct page *page)\n{\n"


def worker(folder: Path, name: str) -> Builder:
    return Builder(folder / name, toolchains.find(), limits=LIMITS, jobs=2, shared=folder / "ccache")


def hits(folder: Path) -> int:
    said = subprocess.run(
        ["ccache", "--print-stats"],
        env={"CCACHE_DIR": str(folder), "PATH": "/usr/bin"},
        capture_output=True,
        check=True,
    ).stdout.decode()
    counts = dict(line.split() for line in said.splitlines() if len(line.split()) == 2)
    return int(counts["direct_cache_hit"]) + int(counts["preprocessed_cache_hit"])


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_was_built_ahead_is_not_compiled_by_another_worker(kernel: Kernel, tmp_path: Path) -> None:
    state = kernel.state(kernel.edited(SOURCE, FUNCTION, FUNCTION + "\tint unused;\n"))
    source = kernel.pool.checkout(state, "one", fresh=False)
    said = []
    for name, expected in (("first", 0), ("second", 2)):
        result = worker(tmp_path, name).warm(source, state, DEFCONFIG, [MMU, PAGEATTR])
        assert (result.state, result.objects) == (State.WARNED, (MMU, PAGEATTR))
        assert hits(tmp_path / "ccache") == expected
        said.append(result.diagnostics)
    assert said[0] == said[1]


def test_a_patch_reads_what_is_shared_and_cannot_change_it(kernel: Kernel, tmp_path: Path) -> None:
    state = kernel.state()
    source = kernel.pool.checkout(state, "one", fresh=False)
    worker(tmp_path, "first").warm(source, state, DEFCONFIG, [MMU])
    before = files(tmp_path / "ccache")
    write = (
        "$(shell touch /build/ccache/evil; rm -rf /build/ccache/*; echo x > $$(find /build/ccache -type f | head -1))"
    )
    evil = {"Makefile": kernel.files["Makefile"].decode() + write + "\n"}
    edits = evil | kernel.edited(SOURCE, FUNCTION, FUNCTION + "\tint unused;\n")
    with worker(tmp_path, "second").session(source, state, DEFCONFIG, [MMU, PAGEATTR]) as session:
        result = session.build([MMU, PAGEATTR], kernel.pool.checkout(kernel.state(edits), "one"), reconfigure=True)
        assert (sandbox.read(session.output.kbuild.output, MMU) or b"").startswith(b"\x7fELF")
    assert result.state is State.WARNED
    assert files(tmp_path / "ccache") == before != {}
