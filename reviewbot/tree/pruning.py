"""Removing from the store what no one needs, while others go on working in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reviewbot.tree.notes import write_whole
from reviewbot.tree.store import SERIES, TIPS, locked

if TYPE_CHECKING:
    from reviewbot.tree.store import Store

#: seconds in which a scratch folder may not be locked yet
_NEWBORN = 60
#: packs that pile up before they are made one, and the bytes from which a pack is left as it is
_PACKS = 40
_LARGE = 256 << 20
_PATIENCE = 3300.0


def prune(store: Store, after: timedelta) -> None:
    """Remove dead scratch folders, old series and tips, and the objects that nothing refers to.

    Objects younger than two weeks stay, so that a series being applied
    meanwhile loses none.

    :param after: age at which an applied series or an earlier tip is old.
    :raises TransientError: when an import does not end.
    """
    with store.exclusive():
        oldest = time.time() - after.total_seconds()
        for folder in (store.path / "tmp").iterdir():
            _remove_if_left(folder)
        for kind in (f"{SERIES}*/*", f"{TIPS}**/*", f"{store.BASES}*"):
            for reference in store.path.glob(kind):
                if reference.is_file() and reference.stat().st_mtime < oldest:
                    reference.unlink(missing_ok=True)
        for file in (store.path / "trees").glob("*.json"):
            _forget_tips(file, oldest)
        _repack(store)
        store.git.must("prune", "--expire=2.weeks", patience=_PATIENCE)


def _repack(store: Store) -> None:
    """Pack what is loose; when fetches have left many packs, make the small ones one."""
    packs = list((store.path / "objects/pack").glob("*.pack"))
    few = len(packs) <= _PACKS
    keep = [f"--keep-pack={pack.name}" for pack in packs if pack.stat().st_size >= _LARGE]
    every = [] if few else ["-A", "--unpack-unreachable=2.weeks.ago", *keep]
    store.git.must("repack", "-d", "-l", "-q", *every, patience=_PATIENCE)


def _forget_tips(file: Path, oldest: float) -> None:
    """Drop the tips from a tree's note that were followed by another before a time."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        note = json.loads(file.read_text())
        tips = note["tips"] or []
        young = [tip for tip, later in zip(tips, [*tips[1:], None], strict=True) if later is None or later[0] >= oldest]
        if young != tips:
            write_whole(file, json.dumps({**note, "tips": young}, indent=1))


def _remove_if_left(folder: Path) -> None:
    """Remove a scratch folder, unless somebody works in it."""
    with contextlib.suppress(FileNotFoundError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            if locked(handle) and time.time() - folder.stat().st_mtime > _NEWBORN:
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)
