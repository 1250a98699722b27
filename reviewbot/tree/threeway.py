"""Falling back to a 3-way merge, as ``git am -3`` does.

The patch is applied to the very blobs it was made from, if the store has them,
and what changed is merged into the tree. See "git am --3way" in git-am(1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pygit2

from reviewbot.tree.git import Git
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
    before = read_index(ancestor)  # nothing at all, for a patch that only creates files
    applied = git.run("apply", "--cached", "-", stdin=letter.diff, extra={"GIT_INDEX_FILE": str(ancestor)}, cwd=scratch)
    if not applied.ok:
        return None
    after = read_index(ancestor)
    missing = {path: entry for path, entry in before.items() if path not in staging.entries}
    candidates = _candidates(staging, missing)
    entries = staging.entries | candidates
    ours = _tree(repository, entries)
    root = _commit(repository, _tree(repository, before))
    output = git.run(
        "merge-tree", "--write-tree",
        _commit(repository, ours, root), _commit(repository, _tree(repository, after), root),
        cwd=scratch,
    )  # fmt: skip
    if not output.ok:
        _note_unlike(staging, missing, candidates, output.stdout.decode("utf-8", "surrogateescape"))
        return None
    return _difference(repository, ours, output.stdout.decode("utf-8", "surrogateescape").partition("\n")[0])


def _note_unlike(staging: Staging, missing: Mapping[str, Entry], candidates: Mapping[str, Entry], report: str) -> None:
    """Remember which files those that are missing have not become: the next tree has most of them, too.

    git names what it puts together ("Auto-merging PATH").
    """
    others = {entry.oid for path, entry in candidates.items() if path not in report}
    for entry in missing.values():
        staging.store.unlike[entry.oid] |= others


def _candidates(staging: Staging, missing: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return the files that those which are not there any more may have become.

    Those are the files with the very same content, else every file of about the
    same size: git takes two files for one that was renamed when half of the
    larger is the same, wherever it lies (see "-M" in git-diff(1)).
    """
    if not missing:
        return {}
    git = staging.store.git
    there: dict[str, Entry] = {}
    for line in git.must("ls-tree", "-r", "-z", staging.tree).decode("utf-8", "surrogateescape").split("\0")[:-1]:
        what, _, path = line.partition("\t")
        mode, _, oid = what.split(" ")
        there[path] = Entry(int(mode, 8), oid)
    contents = {entry.oid for entry in missing.values()}
    same = {path: entry for path, entry in there.items() if entry.oid in contents}
    changed = contents - {entry.oid for entry in same.values()}
    unlike = [staging.store.unlike[oid] for oid in changed]
    others = {entry.oid for entry in there.values() if not all(entry.oid in one for one in unlike)}
    if not others:
        return same
    sizes = _sizes(git, others | changed)
    wanted = [sizes[oid] for oid in changed if oid in sizes]
    alike = {oid for oid in others & sizes.keys() if any(sizes[oid] <= 2 * want <= 4 * sizes[oid] for want in wanted)}
    return same | {path: entry for path, entry in there.items() if entry.oid in alike}


def _sizes(git: Git, oids: Iterable[str]) -> dict[str, int]:
    """Return the sizes of those blobs that are there, in bytes."""
    names = "".join(f"{oid}\n" for oid in oids).encode()
    listing = git.must("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=names).decode()
    fields = (line.split() for line in listing.splitlines())
    return {oid: int(size) for oid, size in fields if size.isdecimal()}


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
