"""Plain source directories for builds: each holds one commit's tree exactly, and moves by changed files only.

A build tool compares time stamps, so they have to be honest: a file that a move
changes gets a new one, all others keep theirs. Nothing of the repository's is
run or obeyed: no checkout, no filter, no hook, no attribute.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pygit2

from reviewbot.errors import AuthorError, NotFoundError, OperatorError, TransientError

# What a file of a base gets: older than anything that was ever built from it.
_SETTLED = 1_000_000_000
_SLOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_NOTHING = "nothing"


class _Entry(NamedTuple):
    """One name in a tree: what it stands for, and its mode (a folder, a program, a symbolic link)."""

    blob: pygit2.Oid
    mode: int


class Pool:
    """Source directories below ``root``, one for each slot, fed from a (bare) repository.

    A slot is for one user at a time: :meth:`checkout` takes it and :meth:`release`, the
    end of a ``with`` block, or the end of the process gives it back.

    :param root: folder for the slots; made when missing.
    :param repository: the repository that has the commits.
    """

    def __init__(self, root: Path, repository: Path) -> None:
        self.root = root
        self.repository = repository
        self._locks: dict[str, int] = {}

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for slot in list(self._locks):
            self.release(slot)

    def checkout(self, commit: str, slot: str, *, fresh: bool = True) -> Path:
        """Move a slot to a commit and return its directory, which has no ``.git``.

        :param commit: a full commit or tree id.
        :param slot: name of the slot, see :meth:`take`.
        :param fresh: give changed files the present time. False is for the base of a
            comparison, whose build outputs are kept by tree and are newer than
            its files by definition: changed files then get an old fixed time.
        :raises NotFoundError: when the repository does not have the commit.
        :raises AuthorError: when the tree has a name that no file may have.
        :raises TransientError: when somebody else has the slot.
        :raises OperatorError: when the directory cannot be written.
        """
        self.take(slot)
        target = self._tree(commit)
        folder = self.root / slot
        try:
            _Slot(folder, self._repository()).move(target, None if fresh else _SETTLED)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise OperatorError(
                    f"The disk is full: the worktree {folder} could not be written; the operator must make room."
                ) from error
            raise OperatorError(
                f"The worktree {folder} could not be written ({error.strerror}); the operator must see to it."
            ) from error
        return folder / "source"

    def release(self, slot: str) -> None:
        """Give a slot back; its directory stays for the next user."""
        lock = self._locks.pop(slot, None)
        if lock is not None:
            os.close(lock)

    def remove(self, slot: str) -> None:
        """Delete the directory of a slot that nobody else uses, and give the slot back."""
        self.take(slot)
        shutil.rmtree(self.root / slot, ignore_errors=True)
        self.release(slot)

    def slots(self) -> list[str]:
        """Return the names of the slots that have a directory."""
        if not self.root.is_dir():
            return []
        return sorted(path.name for path in self.root.iterdir() if path.is_dir())

    def take(self, slot: str) -> None:
        """Claim a slot until :meth:`release`; claiming it twice is harmless.

        :param slot: letters, digits, ``.``, ``_`` and ``-``.
        :raises TransientError: when somebody else has it.
        """
        if not _SLOT.match(slot):
            raise OperatorError(f"{slot!r} is no name for a worktree slot; the operator must choose another.")
        if slot in self._locks:
            return
        self.root.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.root / f".{slot}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise TransientError(f"The worktree slot {slot} is in use; it is tried again later.") from error
        self._locks[slot] = lock

    def _repository(self) -> pygit2.Repository:
        try:
            return pygit2.Repository(str(self.repository), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
        except pygit2.GitError as error:
            raise OperatorError(
                f"There is no git repository at {self.repository}; the operator must add the tree again."
            ) from error

    def _tree(self, commit: str) -> pygit2.Tree:
        try:
            found = self._repository()[commit]
            return found.peel(pygit2.Tree)
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise NotFoundError(f"The commit {commit[:60]} is not in the repository {self.repository}.") from error


class _Slot:
    """The directory of one slot and the note of what it holds.

    The note lists the trees that any of the files may be from. It has one when a move has
    ended, and more when it has not: files are replaced as a whole, so each is
    then from one of these trees, and what all of them share needs no repair.
    """

    def __init__(self, folder: Path, repository: pygit2.Repository) -> None:
        self.folder = folder
        self.source = folder / "source"
        self.note = folder / "holds.json"
        self.repository = repository

    def move(self, target: pygit2.Tree, stamp: int | None) -> None:
        """Make the directory hold the tree; files that change get the stamp, or the present time."""
        held = self._held()
        if held == [str(target.id)]:
            return
        changes: dict[bytes, _Entry | None] = {}
        for name in held:
            changes.update(_changes(self.repository, self._find(name), target))
        self._hold([*held, str(target.id)])
        top = os.open(self.source, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with _Writer(top, self.folder / "incoming", self.repository, stamp) as writer:
            for path in sorted((path for path, entry in changes.items() if entry is None), reverse=True):
                writer.remove(path)
            for path, entry in changes.items():
                if entry is not None:
                    writer.write(path, entry)
        self._hold([str(target.id)])

    def _held(self) -> list[str]:
        """Read the note; a directory without a readable note is thrown away."""
        try:
            names = json.loads(self.note.read_text("ascii"))
            if isinstance(names, list) and names and self.source.is_dir():
                for name in names:
                    self._find(name)
                return [*dict.fromkeys(names)]
        except (OSError, ValueError, TypeError, KeyError, pygit2.GitError):
            pass
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.source.mkdir(parents=True)
        for folder in (self.folder, self.source):
            folder.chmod(0o755)
        return [_NOTHING]

    def _find(self, name: str) -> pygit2.Tree | None:
        return None if name == _NOTHING else self.repository[name].peel(pygit2.Tree)

    def _hold(self, names: list[str]) -> None:
        draft = self.note.with_suffix(".new")
        draft.write_text(json.dumps(names), "ascii")
        draft.replace(self.note)


class _Writer:
    """Writes and removes files below one directory and follows no symbolic link on the way."""

    def __init__(self, top: int, incoming: Path, repository: pygit2.Repository, stamp: int | None) -> None:
        self.top = top
        self.incoming = incoming
        self.objects = repository.odb
        self.stamp = stamp
        incoming.unlink(missing_ok=True)  # what a writer that died has left
        self.parent: tuple[bytes, int] = (b"", os.dup(top))

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.parent[1])
        os.close(self.top)

    def write(self, path: bytes, entry: _Entry) -> None:
        """Write a file beside the directory, then put it in its place as a whole."""
        folder, _, name = path.rpartition(b"/")
        data = self.objects.read(entry.blob)[1]
        if stat.S_ISLNK(entry.mode):
            self.incoming.symlink_to(os.fsdecode(data))
        else:
            file = os.open(self.incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            with os.fdopen(file, "wb") as stream:
                stream.write(data)
                # whatever the umask: the sandbox's user has to read it
                os.fchmod(file, 0o755 if entry.mode & 0o100 else 0o644)
        if self.stamp is not None:
            os.utime(self.incoming, (self.stamp, self.stamp), follow_symlinks=False)
        os.rename(self.incoming, name, dst_dir_fd=self._open(folder))

    def remove(self, path: bytes) -> None:
        """Remove a file that may be gone already, and the folders that it leaves empty."""
        folder, _, name = path.rpartition(b"/")
        # A move that did not end may have put a folder or a link where this path had its file or its folder.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            os.unlink(name, dir_fd=self._open(folder, create=False))
        while folder:
            above, _, name = folder.rpartition(b"/")
            try:
                os.rmdir(name, dir_fd=self._open(above, create=False))
            except OSError:
                return
            folder = above

    def _open(self, folder: bytes, *, create: bool = True) -> int:
        if folder == self.parent[0]:
            return self.parent[1]
        current = os.dup(self.top)
        try:
            for name in folder.split(b"/") if folder else ():
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(name, 0o755, dir_fd=current)
                        os.chmod(name, 0o755, dir_fd=current)  # noqa: S103 - the sandbox's user has to enter
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                below = os.open(name, flags, dir_fd=current)
                os.close(current)
                current = below
        except BaseException:
            os.close(current)
            raise
        os.close(self.parent[1])
        self.parent = (folder, current)
        return current


def _changes(
    repository: pygit2.Repository, old: pygit2.Tree | None, new: pygit2.Tree | None, folder: bytes = b""
) -> Iterator[tuple[bytes, _Entry | None]]:
    """Yield every path whose file differs, with what it is in ``new``; sub-trees that are equal are not read."""
    before, after = _entries(old), _entries(new)
    for name in (*(name for name in before if name not in after), *after):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        path = folder + _safe(name)
        trees = [
            repository[entry.blob].peel(pygit2.Tree) if entry and stat.S_ISDIR(entry.mode) else None
            for entry in (was, now)
        ]
        if was and not stat.S_ISDIR(was.mode) and (now is None or trees[1] is not None):
            yield path, None
        if trees[0] is not None or trees[1] is not None:
            yield from _changes(repository, trees[0], trees[1], path + b"/")
        if now and trees[1] is None:
            yield path, now


def _entries(tree: pygit2.Tree | None) -> dict[bytes, _Entry]:
    entries: dict[bytes, _Entry] = {}
    for item in tree or ():
        # A submodule has no content here; git would make an empty folder.
        if item.filemode != pygit2.enums.FileMode.COMMIT:
            entries[item.raw_name or b""] = _Entry(item.id, int(item.filemode))
    return entries


def _safe(name: bytes) -> bytes:
    if name in (b"", b".", b"..") or b"/" in name or name.lower() == b".git":
        shown = name.decode("utf-8", "backslashreplace")
        raise AuthorError(f"The tree has a file that is named {shown!r}, which no source tree may have.")
    return name
