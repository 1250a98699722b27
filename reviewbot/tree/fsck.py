"""Whether the store is whole, and setting a broken one aside."""

from __future__ import annotations

import time
from pathlib import Path

import pygit2

from reviewbot.errors import ReviewError
from reviewbot.tree.store import Store

#: seconds for reading every object of a store with several kernels
_PATIENCE = 3600.0


def broken(store: Store, *, thorough: bool = False) -> str:
    """Return a sentence that says what is broken in a store, "" when it is whole.

    :param thorough: read every object and compare it with its name, which takes minutes for a kernel.
        Without that, only the tips of the trees and their topmost folders are read.
    """
    # git first: libgit2 can go round for ever in an object of zeros.
    if thorough:
        try:
            found = store.git.run("fsck", "--full", "--no-dangling", "--no-progress", patience=_PATIENCE)
        except ReviewError as error:
            return str(error)
        if found.status:
            said = (found.stderr or found.stdout.decode("utf-8", "replace")).strip().splitlines()[:1]
            return f"git fsck finds fault with the store: {''.join(said)}"
    for branch in store.branches():
        try:
            commit = store.commit(branch.commit)
            for entry in commit.tree:
                if entry.type_str == "tree":
                    store.repository[entry.id]
        except (ReviewError, KeyError, ValueError, pygit2.GitError) as error:
            return f"The tree {branch.name} cannot be read: {error}"
    return ""


def set_aside(store: Store) -> Path:
    """Move a broken store away, for a new one to be made in its place; return where it is now."""
    aside = store.path.with_name(f"{store.path.name}.broken-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    store.path.rename(aside)
    return aside
