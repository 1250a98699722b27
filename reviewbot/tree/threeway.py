"""Falling back to a 3-way merge, as ``git am -3`` does.

The patch is applied to the very blobs it was made from, if the store has them,
and what changed is merged into the tree. See "git am --3way" in git-am(1).
"""

from __future__ import annotations

from pathlib import Path

import pygit2

from reviewbot.tree.letter import Letter
from reviewbot.tree.staging import Entry, Staging, graft, read_index

_NOBODY = pygit2.Signature("reviewbot", "reviewbot@localhost", 0, 0)


def merge(staging: Staging, letter: Letter, scratch: Path) -> dict[str, Entry | None] | None:
    """Merge a patch into the staged tree.

    :returns: the changes to make, empty when the tree has them already; None
        when the store lacks a blob that the patch was made from, or the merge
        conflicts.
    """
    ancestor = scratch / "ancestor"
    ancestor.unlink(missing_ok=True)
    git, repository = staging.store.git, staging.store.repository
    built = git.run(
        "apply", f"--build-fake-ancestor={ancestor}", "-", stdin=letter.diff,
        extra={"GIT_INDEX_FILE": str(staging.index)}, cwd=scratch,
    )  # fmt: skip
    if not built.ok or not ancestor.is_file():
        return None
    before = read_index(ancestor)
    if not before:
        return None
    applied = git.run("apply", "--cached", "-", stdin=letter.diff, extra={"GIT_INDEX_FILE": str(ancestor)}, cwd=scratch)
    if not applied.ok:
        return None
    after = read_index(ancestor)
    # Where every file is still in its place nothing can have been renamed, and
    # the touched files say everything; else git has to see the whole tree.
    whole = not before.keys() <= staging.entries.keys()
    ours = staging.tree if whole else _tree(repository, staging.entries)
    root = _commit(repository, _tree(repository, before))
    output = git.run(
        "merge-tree", "--write-tree", "--no-messages",
        _commit(repository, ours, root), _commit(repository, _tree(repository, after), root),
        cwd=scratch,
    )  # fmt: skip
    if not output.ok:
        return None
    return _difference(repository, ours, output.stdout.decode().strip())


def _tree(repository: pygit2.Repository, entries: dict[str, Entry]) -> str:
    return str(graft(repository, None, entries) or repository.TreeBuilder().write())


def _commit(repository: pygit2.Repository, tree: str, *parents: str) -> str:
    return str(repository.create_commit(None, _NOBODY, _NOBODY, "", pygit2.Oid(hex=tree), list(parents)))


def _difference(repository: pygit2.Repository, before: str, after: str) -> dict[str, Entry | None]:
    """Return what has to change in one tree to make it the other."""
    diff = repository.diff(before, after)
    changes: dict[str, Entry | None] = {}
    for delta in diff.deltas:
        if delta.status == pygit2.enums.DeltaStatus.DELETED:
            changes[delta.old_file.path] = None
        else:
            changes[delta.new_file.path] = Entry(int(delta.new_file.mode), str(delta.new_file.id))
    return changes
