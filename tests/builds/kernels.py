"""The small kernel of the corpus as a git history, and a compiler to build it with."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pygit2
import pytest

from reviewbot.builds import Builder, toolchains
from reviewbot.sandbox import MIB, Limits
from reviewbot.tree.worktrees import Pool

SMALL = Path(__file__).parents[1] / "corpus" / "minikernel"
MMU, PAGEATTR, PTDUMP = "arch/arm64/mm/mmu.o", "arch/arm64/mm/pageattr.o", "arch/arm64/mm/ptdump.o"

needs_compiler = pytest.mark.skipif(
    not (shutil.which("aarch64-linux-gnu-gcc") and shutil.which("bwrap")),
    reason="no aarch64 compiler, or no bubblewrap",
)
LIMITS = Limits(wall_seconds=180, memory_bytes=1024 * MIB, disk_bytes=64 * MIB, output_bytes=MIB)


class Kernel:
    """States of the small kernel: a base, and edits of it."""

    def __init__(self, folder: Path) -> None:
        self.repository = pygit2.init_repository(str(folder / "store.git"), bare=True)
        self.pool = Pool(folder / "slots", folder / "store.git")
        self.builder = Builder(folder / "cache", toolchains.find(), limits=LIMITS, jobs=2)
        self.files = {
            str(path.relative_to(SMALL)): path.read_bytes() for path in sorted(SMALL.rglob("*")) if path.is_file()
        }

    def state(self, edits: Mapping[str, str | None] | None = None) -> str:
        """Return the tree id of the small kernel with some files replaced, added or (None) removed."""
        index = pygit2.Index()
        for path, data in {**self.files, **{p: t.encode() if t else b"" for p, t in (edits or {}).items()}}.items():
            if edits is None or edits.get(path, "") is not None:
                index.add(pygit2.IndexEntry(path, self.repository.create_blob(data), pygit2.enums.FileMode.BLOB))
        return str(index.write_tree(self.repository))

    def edited(self, path: str, old: str, new: str) -> dict[str, str]:
        """Return an edit that replaces a piece of a file."""
        text = self.files[path].decode()
        assert old in text
        return {path: text.replace(old, new, 1)}


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)
