"""Falling back to a 3-way merge, as ``git am -3`` does.

The patch is applied to the very blobs it was made from, if the store has them,
and what changed is merged into the tree. See "git am --3way" in git-am(1).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
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
    entries = staging.entries | _candidates(staging, before.keys() - staging.entries.keys())
    ours = _tree(repository, entries)
    root = _commit(repository, _tree(repository, before))
    output = git.run(
        "merge-tree", "--write-tree", "--no-messages",
        _commit(repository, ours, root), _commit(repository, _tree(repository, after), root),
        cwd=scratch,
    )  # fmt: skip
    if not output.ok:
        return None
    return _difference(repository, ours, output.stdout.decode().strip())


def _candidates(staging: Staging, missing: Set[str]) -> dict[str, Entry]:
    """Return the files that those which are not there any more may have become.

    git looks for them in the whole tree; here it is shown those of the same
    name and those of the same folder, which costs milliseconds, and keeps a
    patch from being merged into a file that is merely alike.
    """
    if not missing:
        return {}
    names = {path.rpartition("/")[2] for path in missing}
    folders = {path.rpartition("/")[0] for path in missing}
    listing = staging.store.git.must("ls-tree", "-r", "-z", staging.tree)
    found = {}
    for line in listing.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        what, _, path = line.partition("\t")
        folder, _, name = path.rpartition("/")
        if name in names or folder in folders:
            mode, _, oid = what.split(" ")
            found[path] = Entry(int(mode, 8), oid)
    return found


def _tree(repository: pygit2.Repository, entries: Mapping[str, Entry]) -> str:
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
