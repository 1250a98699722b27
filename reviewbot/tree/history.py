"""Finding the commit of a branch that has the very files a series was made from.

The blobs that a diff names ("index 1234..5678") are what ``git log --raw``
prints for the commits that made and replaced them: the contents at every
commit of a branch are known from one listing, without reading a tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import pygit2

from reviewbot.tree.store import Store

#: commits of a branch that are read, their greatest age when the series was sent, and seconds for reading them
MAX_COMMITS = 3000
MAX_AGE = timedelta(days=400)
_PATIENCE = 15.0
#: touched files that are looked for: the listing is asked for by path
_MAX_PATHS = 400
#: commits beside the main line whose trees are compared
_MAX_ASIDE = 40
_NOTHING = "0" * 40


class Found(NamedTuple):
    """A commit and how many of the expected files it has."""

    commit: str
    have: int


class _Step(NamedTuple):
    """A commit that touches the files: its parent, and path -> blob before and after it."""

    commit: str
    parent: str
    changes: dict[str, tuple[str, str]]


def matching(store: Store, commit: str, blobs: Mapping[str, str]) -> int:
    """Count the files of a commit that have the content named.

    :param blobs: path -> leading digits of the blob.
    """
    return sum(present(store, commit, path).startswith(digits) for path, digits in blobs.items())


def present(store: Store, commit: str, path: str) -> str:
    """Return the id of what stands at a path of a commit, "" for nothing."""
    try:
        return str(store.commit(commit).tree[path].id)
    except (KeyError, ValueError, pygit2.GitError):
        return ""


def newest_with(store: Store, tip: str, blobs: Mapping[str, str], sent: datetime) -> Found | None:
    """Return the newest commit of a branch with the most of the expected files, None when none beats the tip.

    Of the commits among which the files do not change, that one is taken which
    was the newest when the series was sent. When no commit of the main line has
    all files, those of merged branches are looked at, too.

    :param tip: of the branch.
    :param blobs: path -> leading digits of the blob.
    :raises GitTimeoutError: when the history is too long to search.
    """
    wanted = dict(list(blobs.items())[:_MAX_PATHS])
    if not wanted or matching(store, tip, wanted) == len(wanted):
        return None
    since = sent - MAX_AGE
    best = _on_main_line(store, tip, wanted, since)
    if best is None or best[1].have < len(wanted):
        aside = _aside(store, tip, wanted, since)
        if aside and (best is None or aside.have > best[1].have):
            return aside
    return best and _when_sent(store, *best, wanted, sent)


def _on_main_line(store: Store, tip: str, wanted: Mapping[str, str], since: datetime) -> tuple[str, Found] | None:
    """Return the newest stretch of the first-parent history with the most matches: its oldest and newest commit."""
    state = {path: present(store, tip, path) for path in wanted}
    have = least = sum(state[path].startswith(digits) for path, digits in wanted.items())
    best: tuple[str, Found] | None = None
    newest = tip
    for step in _steps(store, tip, wanted, since, "--first-parent", "--diff-merges=first-parent"):
        if have > least and (best is None or have > best[1].have):
            best = step.commit, Found(newest, have)
            if have == len(wanted):
                return best
        state |= {path: before for path, (before, _) in step.changes.items() if path in wanted}
        have = sum(state[path].startswith(digits) for path, digits in wanted.items())
        newest = step.parent
    if newest and have > least and (best is None or have > best[1].have):
        best = newest, Found(newest, have)
    return best if best is None or store.has_commit(best[1].commit) else None


def _aside(store: Store, tip: str, wanted: Mapping[str, str], since: datetime) -> Found | None:
    """Return the best of the commits, merged ones included, that made one of the expected files."""
    best: Found | None = None
    left = _MAX_ASIDE
    for step in _steps(store, tip, wanted, since, "--full-history", "--no-merges"):
        if not any(after.startswith(wanted.get(path, "-")) for path, (_, after) in step.changes.items()):
            continue
        have = matching(store, step.commit, wanted)
        if best is None or have > best.have:
            best = Found(step.commit, have)
        left -= 1
        if have == len(wanted) or not left:
            break
    least = matching(store, tip, wanted)
    return best if best and best.have > least else None


def _when_sent(store: Store, oldest: str, found: Found, wanted: Mapping[str, str], sent: datetime) -> Found:
    """Return the commit of a stretch that was its newest when the series was sent, else its very newest."""
    if store.commit(found.commit).commit_time <= sent.timestamp():
        return found
    before = f"--before={int(sent.timestamp())}"
    output = store.git.run("rev-list", "-1", "--first-parent", before, found.commit, f"^{oldest}^@")
    commit = output.stdout.decode().strip()
    if output.ok and commit and matching(store, commit, wanted) == found.have:
        return Found(commit, found.have)
    return found


def _steps(store: Store, tip: str, wanted: Mapping[str, str], since: datetime, *how: str) -> Iterator[_Step]:
    """Yield the commits that touch some files, newest first."""
    output = store.git.run(
        "--literal-pathspecs", "log", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-show-signature",
        "--format=%x01%H %P", f"--max-count={MAX_COMMITS}", f"--since={int(since.timestamp())}", *how,
        tip, "--", *wanted, patience=_PATIENCE,
    )  # fmt: skip
    for record in output.stdout.decode("utf-8", "surrogateescape").split("\1")[1:]:
        head, *fields = record.strip("\0\n").split("\0")
        commit, _, parents = head.strip().partition(" ")
        changes = {}
        for entry, path in zip(fields[::2], fields[1::2], strict=False):
            _, _, before, after, _ = entry.strip("\n").split(" ")
            changes[path] = ("" if before == _NOTHING else before, "" if after == _NOTHING else after)
        yield _Step(commit, parents.partition(" ")[0], changes)
