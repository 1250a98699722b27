"""The commits of a series in a repository: a range as git names it, or the one that a mail became."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pygit2
from pygit2.enums import FileStatus, SortMode

from reviewbot.errors import NotFoundError
from reviewbot.mail.parse import parse_message
from reviewbot.mail.patchid import patch_id
from reviewbot.tree.readers import GitFiles

#: a range of more commits than this is a mistake of the caller's
MAX_PATCHES = 500
#: how far back the commit of a mail is looked for
MAX_DISTANCE = 300


@dataclass(frozen=True, slots=True)
class Patch:
    """One commit: its full name, its subject, and the paths that it touches, old and new."""

    commit: str
    subject: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A base and the commits on top of it, oldest first."""

    repository: Path
    base: str
    patches: tuple[Patch, ...]

    def states(self) -> list[GitFiles]:
        """The tree before the first commit and after each."""
        return [GitFiles(self.repository, name) for name in (self.base, *(patch.commit for patch in self.patches))]

    def touched(self) -> list[tuple[str, ...]]:
        """The paths that each commit touches."""
        return [patch.paths for patch in self.patches]


def open_repository(place: str | Path) -> pygit2.Repository:
    """Open the repository that a folder belongs to: its top, a folder below, or another work tree.

    :raises NotFoundError: when there is none.
    """
    found = pygit2.discover_repository(str(place)) if Path(place).is_dir() else None
    if found is None:
        raise NotFoundError(
            f"{place} is in no git repository, which holds the commits of a range; name one with --tree."
        )
    return pygit2.Repository(found)


def read_range(repository: pygit2.Repository, text: str) -> Range:
    """Read ``A..B``, ``A..`` or ``A``, which mean the commits after A up to B or HEAD.

    :raises NotFoundError: when a revision is not there, or the range is empty, too long, or holds a merge.
    """
    first, dots, last = text.partition("..")
    if last.startswith("."):
        raise NotFoundError(f"{text} is no range of patches; write BASE.. or BASE..TIP.")
    base, tip = _commit(repository, first or "HEAD"), _commit(repository, (last if dots else "") or "HEAD")
    walker = repository.walk(tip.id, SortMode.TOPOLOGICAL)
    walker.hide(base.id)
    commits = list(islice(walker, MAX_PATCHES + 1))
    if not commits or len(commits) > MAX_PATCHES:
        why = f"holds more than {MAX_PATCHES} commits" if commits else "holds no commit"
        raise NotFoundError(f"The range {text} {why}.")
    for commit in commits:
        if len(commit.parent_ids) != 1:
            kind = "merge" if commit.parent_ids else "root commit"
            raise NotFoundError(f"The range {text} holds the {kind} {str(commit.id)[:12]}; name one without.")
    commits.reverse()
    patches = tuple(_patch(commit) for commit in commits)
    return Range(Path(repository.path), str(commits[0].parent_ids[0]), patches)


def find_patch(repository: pygit2.Repository, mail: bytes, tips: Iterable[str] = ("HEAD",)) -> Range | None:
    """Find the commit that a mail's patch is, by its patch-id; None when no recent commit of the tips is it."""
    message = parse_message(mail)
    wanted = patch_id(message.body)
    if not wanted:
        return None
    for commit in _recent(repository, tips):
        if len(commit.parent_ids) == 1 and patch_id(_text(commit)) == wanted:
            return Range(Path(repository.path), str(commit.parent_ids[0]), (_patch(commit),))
    return None


def uncommitted(repository: pygit2.Repository) -> list[str]:
    """List the tracked files of the work tree that differ from HEAD; what is checked is commits."""
    if repository.is_bare:
        return []
    states = repository.status(untracked_files="no")
    return sorted(path for path, state in states.items() if state not in (FileStatus.CURRENT, FileStatus.IGNORED))


def _recent(repository: pygit2.Repository, tips: Iterable[str]) -> Iterator[pygit2.Commit]:
    seen: set[str] = set()
    for tip in tips:
        start = _commit(repository, tip)
        for commit in islice(repository.walk(start.id, SortMode.TOPOLOGICAL), MAX_DISTANCE):
            if str(commit.id) not in seen:
                seen.add(str(commit.id))
                yield commit


def _commit(repository: pygit2.Repository, name: str) -> pygit2.Commit:
    try:
        return repository.revparse_single(name).peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError) as error:
        raise NotFoundError(f"The repository has no commit {name}.") from error


def _difference(commit: pygit2.Commit) -> pygit2.Diff:
    return commit.parents[0].tree.diff_to_tree(commit.tree, swap=False)


def _text(commit: pygit2.Commit) -> str:
    return _difference(commit).patch or ""


def _patch(commit: pygit2.Commit) -> Patch:
    deltas = _difference(commit).deltas
    paths = sorted({path for delta in deltas for path in (delta.old_file.path, delta.new_file.path)})
    return Patch(str(commit.id), commit.message.partition("\n")[0].strip(), tuple(paths))
