"""The one bare object store: every tree that is known, and every series that was applied.

Objects are written first and references last, each reference by one atomic
rename, so that a process may be killed at any time. What needs git's own lock
files (fetching, importing, pruning) happens under one advisory lock that the
kernel releases with the process; whoever gets it sweeps what a dead one left.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pygit2

from reviewbot.errors import NotFoundError, OperatorError, TransientError
from reviewbot.tree.git import Git, our_fault
from reviewbot.tree.notes import Branch, Note, checked_name, kernel_version, write_whole

__all__ = ["SERIES", "TIPS", "TREES", "Branch", "BusyError", "Store"]

#: references of known trees, of their earlier tips, and of applied series
TREES = "refs/trees/"
TIPS = "refs/tips/"
SERIES = "refs/series/"

#: seconds to wait for another import
_PATIENCE = 900.0

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tsymlinks = true
\tautocrlf = false
\tlogAllRefUpdates = false
\thooksPath = /dev/null
\tattributesFile = /dev/null
\texcludesFile = /dev/null
\tfsmonitor = false
\tprotectHFS = true
\tprotectNTFS = true
\tcompression = 1
\tpackedGitWindowSize = 64m
\tpackedGitLimit = 1g
[gc]
\tauto = 0
[maintenance]
\tauto = false
[merge]
\tdirectoryRenames = false
[apply]
\twhitespace = nowarn
[fetch]
\trecurseSubmodules = false
\twriteCommitGraph = false
\tshowForcedUpdates = false
[submodule]
\trecurse = false
[credential]
\thelper =
[protocol "ext"]
\tallow = never
"""


class BusyError(TransientError):
    """Another process is at the same work."""


class Store:
    """A bare repository of ours, created on first use. Several processes may use it at once.

    :ivar unlike: blob -> blobs that it was compared with, and is not taken to have become.
    """

    #: references of commits that were fetched because a mail names them
    BASES = "refs/bases/"

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).absolute()
        self.git = Git(self.path)
        self.unlike: defaultdict[str, set[str]] = defaultdict(set)
        try:
            self._create()
        except OSError as error:
            raise OperatorError(f"The store {self.path} cannot be written: {error.strerror}.") from error

    def _create(self) -> None:
        for folder in ("objects/info", "objects/pack", "refs/heads", "tmp", "trees"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        for name, text in (("config", _CONFIG), ("HEAD", "ref: refs/heads/none\n")):
            file = self.path / name
            if not file.is_file() or file.read_text() != text:
                write_whole(file, text)

    @cached_property
    def repository(self) -> pygit2.Repository:
        """The objects, through libgit2."""
        return pygit2.Repository(str(self.path))

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Lend a folder within the store that is gone afterwards.

        It is locked while it is lent, so that :meth:`prune` can tell it from one
        whose process died.
        """
        try:
            folder = tempfile.mkdtemp(dir=self.path / "tmp")
            handle = os.open(folder, os.O_RDONLY)
        except OSError as error:
            raise OperatorError(f"The store {self.path} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield Path(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Be the only one that brings a tree up to date; the kernel gives the lock back with the process.

        :raises BusyError: when another process is at it.
        """
        with (self.path / "trees" / f"{quote(name, safe='')}.busy").open("w") as lock:
            if not locked(lock.fileno()):
                raise BusyError(f"Another process brings {name} up to date at this moment.")
            yield

    @contextlib.contextmanager
    def exclusive(self, patience: float | None = None) -> Iterator[int]:
        """Hold the store against other imports, and sweep the locks of one that died.

        Yields the handle that holds it: a git process that is given it keeps the
        store held, also when the process that started it dies.

        :param patience: seconds to wait for another import; fifteen minutes when it is not given.
        :raises BusyError: when another import does not end.
        """
        with (self.path / "lock").open("w") as lock:
            deadline = time.monotonic() + (_PATIENCE if patience is None else patience)
            while not locked(lock.fileno()):
                if time.monotonic() > deadline:
                    raise BusyError(f"Another process works on the store {self.path}; this is tried again later.")
                time.sleep(0.1)
            for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "fast_import_crash_*"):
                for stale in self.path.glob(pattern):
                    stale.unlink(missing_ok=True)
            yield lock.fileno()

    # -- trees ------------------------------------------------------------------------------------

    def import_directory(self, name: str, path: Path | str) -> Branch:
        """Take a directory or a tar archive as one commit; see :func:`reviewbot.tree.importing.import_files`."""
        from reviewbot.tree.importing import import_files

        return import_files(self, name, Path(path))

    def import_repository(
        self, name: str, source: Path | str, branch: str = "HEAD", depth: int = 0, days: int = 0
    ) -> Branch:
        """Follow a branch of a repository; see :func:`reviewbot.tree.importing.import_repository`."""
        from reviewbot.tree.importing import import_repository

        return import_repository(self, name, str(source), branch, depth, days)

    def sync(self, name: str) -> Branch:
        """Bring a tree up to date from where it came from.

        :raises NotFoundError: when there is no tree of that name.
        """
        note = self.note(name)
        if note is None:
            raise NotFoundError(f"There is no tree named {name}; known are: {self.known() or 'none'}.")
        if note.kind == "repository":
            return self.import_repository(name, note.source, note.branch, note.depth, note.days)
        return self.import_directory(name, note.source)

    def branches(self) -> tuple[Branch, ...]:
        """Return every known tree, by name."""
        return tuple(branch for name in self._names() if (branch := self._branch(name)))

    def notes(self) -> tuple[Note, ...]:
        """Return what is remembered about every tree."""
        return tuple(note for name in self._names() if (note := self.note(name)))

    def _names(self) -> list[str]:
        return sorted(unquote(file.stem) for file in (self.path / "trees").glob("*.json"))

    def known(self) -> str:
        """Return the names of the trees as a list for a sentence."""
        return ", ".join(self._names())

    def resolve(self, name: str) -> Branch:
        """Return the tree of that name, or the commit of that id.

        :raises NotFoundError: when it is neither.
        :raises OperatorError: when its objects are gone from where they were borrowed.
        """
        if branch := self._branch(name):
            return branch
        if note := self.note(name):
            raise OperatorError(f"The objects of {name} are gone; see that {note.source} is there, or sync the tree.")
        if re.fullmatch(r"[0-9a-f]{40}", name) and self.has_commit(name):
            return self._described(name, name, Note("commit", ""))
        raise NotFoundError(f"There is no tree named {name}; known are: {self.known() or 'none'}.")

    def forget(self, name: str) -> None:
        """Remove a tree; its objects go with the next :meth:`prune`."""
        with self.exclusive():
            (self.path / "trees" / f"{quote(name, safe='')}.json").unlink(missing_ok=True)
            (self.path / TREES / checked_name(name)).unlink(missing_ok=True)

    def size(self) -> int:
        """Return how many bytes the objects of the store take, without those that are borrowed."""
        return sum(file.stat().st_size for file in (self.path / "objects").rglob("*") if file.is_file())

    def has_whole_history(self) -> bool:
        """True when some tree came with all its history, which a shallow fetch would cut."""
        return any(note.kind == "repository" and not (note.depth or note.days) for note in self.notes())

    def tip_at(self, name: str, when: datetime) -> str:
        """Return the commit that was the tip of a tree at a time, as well as is known, else "".

        A branch that is rebuilt is known by the tips that were seen; one that
        only grows also by its own history.
        """
        note = self.note(name)
        if note is None:
            return ""
        seen = [commit for first, commit in note.tips or [] if first <= when.timestamp()]
        if seen and self.has_commit(seen[-1]):
            return seen[-1]
        if note.kind != "repository":
            return ""
        output = self.git.run("rev-list", "-1", "--first-parent", f"--before={int(when.timestamp())}", note.commit)
        return output.stdout.decode().strip() if output.ok else ""

    def _branch(self, name: str) -> Branch | None:
        note = self.note(name)
        return self._described(name, note.commit, note) if note and self.has_commit(note.commit) else None

    def _described(self, name: str, commit: str, note: Note) -> Branch:
        date = datetime.fromtimestamp(self.commit(commit).commit_time, UTC)
        synced = datetime.fromtimestamp(note.synced, UTC) if note.synced else None
        return Branch(name, commit, self.version(commit), date, note.source, synced)

    def note(self, name: str) -> Note | None:
        """Return what is remembered about a tree, None when there is none of that name."""
        try:
            fields: dict[str, Any] = json.loads((self.path / "trees" / f"{quote(name, safe='')}.json").read_text())
            return Note(**fields)
        except (OSError, ValueError, TypeError):
            return None

    def remember(self, name: str, note: Note) -> None:
        """Record a tree: its references, then what is known about it.

        :raises OperatorError: when the disk is full, or the name cannot be one.
        """
        with our_fault(f"The tree {name} cannot be recorded"):
            self._remember(name, note)

    def _remember(self, name: str, note: Note) -> None:
        before = self.note(name)
        note.synced = time.time()
        note.tips = [(seen, commit) for seen, commit in (before.tips if before else None) or []]
        if not note.tips or note.tips[-1][1] != note.commit:
            note.tips.append((note.synced, note.commit))
        self.point(f"{TIPS}{checked_name(name)}/{note.commit}", note.commit)
        self.point(f"{TREES}{name}", note.commit)
        write_whole(self.path / "trees" / f"{quote(name, safe='')}.json", json.dumps(asdict(note), indent=1))

    # -- objects ----------------------------------------------------------------------------------

    def has_commit(self, commit: str) -> bool:
        """Tell whether a commit and its tree are here."""
        try:
            return bool(self.commit(commit).tree)
        except (KeyError, ValueError, pygit2.GitError):
            return False

    def commit(self, commit: str) -> pygit2.Commit:
        """Return a commit.

        :raises KeyError: when it is not here, or is no commit.
        """
        found = self.repository.get(commit)
        if not isinstance(found, pygit2.Commit):
            raise KeyError(commit)
        return found

    def version(self, commit: str) -> str:
        """Return the version that the Makefile of a commit states, "" when it states none."""
        try:
            makefile = self.commit(commit).tree["Makefile"]
        except KeyError:
            return ""
        text = makefile.data[:4096].decode("utf-8", "replace") if isinstance(makefile, pygit2.Blob) else ""
        return kernel_version(text)

    def point(self, reference: str, commit: str) -> None:
        """Set a reference by one atomic rename: no lock that could be left behind.

        One that is as it should be is made young only: replacing a file makes the disk wait.
        """
        file, text = self.path / reference, f"{commit}\n"
        with contextlib.suppress(OSError):
            if file.read_text() == text:
                os.utime(file)
                return
        write_whole(file, text)

    def borrow(self, objects: Sequence[Path]) -> None:
        """Read objects of other repositories too, without copying or writing them."""
        file = self.path / "objects/info/alternates"
        have = file.read_text().splitlines() if file.is_file() else []
        lines = list(dict.fromkeys([*have, *(str(path.resolve()) for path in objects)]))
        if lines != have:
            write_whole(file, "".join(f"{line}\n" for line in lines))
            self.__dict__.pop("repository", None)

    def prune(self, *, after: timedelta = timedelta(days=90)) -> None:
        """Remove what no one needs; see :func:`reviewbot.tree.pruning.prune`."""
        from reviewbot.tree.pruning import prune

        prune(self, after)


def locked(handle: int) -> bool:
    """Take an advisory lock; False when another process holds it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
