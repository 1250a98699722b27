"""The three ways a tree is read: a directory, a commit without a checkout, and either with files replaced."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from pathlib import Path, PurePosixPath

import pygit2

from reviewbot.errors import NotFoundError, OperatorError
from reviewbot.tree.files import Files

#: A source file above this size holds tables or firmware, not code; it is not searched.
MAX_SEARCHED = 4_000_000
#: What follows in a header are generated constants, of registers most of all: half the bytes of a kernel tree.
MAX_SEARCHED_HEADER = 262_144
#: A file above this size is not read at all.
MAX_READ = 64_000_000
_SOURCE = (".c", ".h")
#: the length of a part that words share, and how many must share it to be searched for by it
_PART, _SHARED = 6, 2


def safe_path(path: str) -> bool:
    """Say whether a path stays below the top of its tree."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\0" not in path


def _searched(path: str) -> int:
    """How many bytes of a file are searched."""
    return MAX_SEARCHED_HEADER if path.endswith(".h") else MAX_SEARCHED


class _Words:
    """Words to search for. Several that share a part are searched for only where that part is found."""

    def __init__(self, words: Iterable[str]) -> None:
        self._groups: list[tuple[bytes, list[bytes]]] = []
        left = [word.encode() for word in words]
        while left:
            each = ({word[at : at + _PART] for at in range(len(word) - _PART + 1)} for word in left)
            parts = Counter(part for of_word in each for part in of_word)
            part, times = max(parts.items(), key=itemgetter(1), default=(b"", 0))
            if times < _SHARED:
                self._groups += [(word, []) for word in left]
                return
            self._groups.append((part, [word for word in left if part in word]))
            left = [word for word in left if part not in word]

    def in_text(self, text: bytes | bytearray, end: int) -> bool:
        """Say whether one of the words is among the first bytes of a text."""
        for part, words in self._groups:
            if text.find(part, 0, end) >= 0 and (not words or any(text.find(word, 0, end) >= 0 for word in words)):
                return True
        return False


def blob_name(data: bytes) -> str:
    """Name a content as git does: the SHA-1 of a header with its size, a zero byte, and the content."""
    head = b"blob %d\0" % len(data)
    return hashlib.sha1(head + data, usedforsecurity=False).hexdigest()


class DirectoryFiles:
    """The files below a directory. Symbolic links are not followed, so that no path leads out of it.

    :raises NotFoundError: when there is no such directory.
    """

    def __init__(self, top: str | Path) -> None:
        self.top = Path(top)
        if not self.top.is_dir():
            raise NotFoundError(f"There is no directory {self.top}; name a kernel tree or REPOSITORY@REVISION.")
        self._names: dict[tuple[str, int, int], str] = {}

    def read(self, path: str) -> bytes | None:
        """Return the content of a regular file, or None."""
        if not safe_path(path):
            return None
        place = self.top / path
        try:
            if self._leads_away(path) or not place.is_file() or place.stat().st_size > MAX_READ:
                return None
            return place.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise OperatorError(f"{place} cannot be read: {error.strerror}.") from error

    def _leads_away(self, path: str) -> bool:
        """Say whether a part of a path is a symbolic link."""
        parts = PurePosixPath(path).parts
        return any(self.top.joinpath(*parts[:end]).is_symlink() for end in range(1, len(parts) + 1))

    def blob(self, path: str) -> str | None:
        """Return git's name for the content; remembered while size and time stay the same."""
        if not safe_path(path):
            return None
        try:
            status = (self.top / path).stat()
        except OSError:
            return None
        key = (path, status.st_size, status.st_mtime_ns)
        if key not in self._names:
            data = self.read(path)
            if data is None:
                return None
            self._names[key] = blob_name(data)
        return self._names[key]

    def paths(self, under: str = "") -> Iterator[str]:
        """Yield the paths of all regular files below a folder, sorted."""
        start = self.top / under if under else self.top
        if under and not safe_path(under):
            return
        if start.is_file() and not start.is_symlink():
            yield under.rstrip("/")
            return
        yield from sorted(self._walk(start))

    def _walk(self, start: Path) -> Iterator[str]:
        top = len(str(self.top).rstrip("/")) + 1
        waiting = [str(start).rstrip("/")]
        while waiting:
            try:
                entries = list(os.scandir(waiting.pop()))
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                continue
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != ".git":
                        waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    yield entry.path[top:]

    def containing(self, words: Iterable[str], under: Iterable[str] = ()) -> list[str]:
        """Return the sorted paths of C files that hold one of the words."""
        wanted = _Words(words)
        room = bytearray(MAX_SEARCHED)
        found: set[str] = set()
        for folder in list(under) or [""]:
            start = self.top / folder if folder else self.top
            if folder and not safe_path(folder):
                continue
            names = [folder.rstrip("/")] if start.is_file() else self._walk(start)
            for path in names:
                if path.endswith(_SOURCE) and path not in found and self._file_holds(path, wanted, room):
                    found.add(path)
        return sorted(found)

    def _file_holds(self, path: str, wanted: _Words, room: bytearray) -> bool:
        """Say whether a file holds one of the words; it is read into ``room``, the same memory for every file."""
        try:
            handle = os.open(f"{self.top}/{path}", os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            length = os.readv(handle, [memoryview(room)[: _searched(path)]])
        finally:
            os.close(handle)
        return wanted.in_text(room, length)


class GitFiles:
    """The files of one commit or tree of a repository, bare or not, read from its objects.

    :raises NotFoundError: when there is no such repository or revision.
    """

    def __init__(self, repository: str | Path, revision: str = "HEAD") -> None:
        try:
            self._repository = pygit2.Repository(str(repository))
        except pygit2.GitError as error:
            raise NotFoundError(f"{repository} is not a git repository.") from error
        try:
            found = self._repository.revparse_single(revision)
            self._tree: pygit2.Tree = found.peel(pygit2.Tree)
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise NotFoundError(f"{repository} has no revision {revision}.") from error

    @property
    def tree_id(self) -> str:
        """The name of the tree that is read."""
        return str(self._tree.id)

    def changed(self, later: GitFiles) -> list[str]:
        """Return the sorted paths that another state of the same repository has otherwise, or one of both alone."""
        deltas = self._tree.diff_to_tree(later._tree, swap=False).deltas
        return sorted({path for delta in deltas for path in (delta.old_file.path, delta.new_file.path)})

    def _entry(self, path: str) -> pygit2.Object | None:
        if not safe_path(path):
            return None
        try:
            return self._tree[path]
        except (KeyError, ValueError, pygit2.GitError):
            return None

    def read(self, path: str) -> bytes | None:
        """Return the content of a regular file, or None."""
        entry = self._entry(path)
        if not isinstance(entry, pygit2.Blob) or entry.filemode == pygit2.enums.FileMode.LINK:
            return None
        return bytes(entry.data) if entry.size <= MAX_READ else None

    def blob(self, path: str) -> str | None:
        """Return git's name for the content."""
        entry = self._entry(path)
        if not isinstance(entry, pygit2.Blob) or entry.filemode == pygit2.enums.FileMode.LINK:
            return None
        return str(entry.id)

    def _walk(self, under: str) -> Iterator[tuple[str, pygit2.Blob]]:
        start = self._entry(under) if under else self._tree
        if isinstance(start, pygit2.Blob):
            yield under, start
            return
        waiting: list[tuple[str, pygit2.Object | None]] = [(under.rstrip("/"), start)]
        while waiting:
            folder, tree = waiting.pop()
            if not isinstance(tree, pygit2.Tree):
                continue
            for entry in tree:
                path = f"{folder}/{entry.name}" if folder else str(entry.name)
                if isinstance(entry, pygit2.Tree):
                    waiting.append((path, entry))
                elif isinstance(entry, pygit2.Blob) and entry.filemode != pygit2.enums.FileMode.LINK:
                    yield path, entry

    def paths(self, under: str = "") -> Iterator[str]:
        """Yield the paths of all regular files below a folder, sorted."""
        yield from sorted(path for path, _ in self._walk(under))

    def containing(self, words: Iterable[str], under: Iterable[str] = ()) -> list[str]:
        """Return the sorted paths of C files that hold one of the words."""
        wanted = _Words(words)
        found: set[str] = set()
        for folder in list(under) or [""]:
            for path, blob in self._walk(folder):
                if (
                    path.endswith(_SOURCE)
                    and path not in found
                    and blob.size <= MAX_SEARCHED
                    and wanted.in_text(blob.data, _searched(path))
                ):
                    found.add(path)
        return sorted(found)


class OverlayFiles:
    """A tree with some files replaced or added (bytes) or removed (None)."""

    def __init__(self, base: Files, replaced: Mapping[str, bytes | None]) -> None:
        self._base = base
        self._replaced = dict(replaced)

    def read(self, path: str) -> bytes | None:
        """Return the replaced content, else that of the base."""
        return self._replaced[path] if path in self._replaced else self._base.read(path)

    def blob(self, path: str) -> str | None:
        """Return git's name for the content."""
        if path not in self._replaced:
            return self._base.blob(path)
        data = self._replaced[path]
        return None if data is None else blob_name(data)

    def paths(self, under: str = "") -> Iterator[str]:
        """Yield the paths of all files below a folder, sorted."""
        names = {path for path in self._base.paths(under) if path not in self._replaced}
        names |= set(self._changed(under))
        yield from sorted(names)

    def _changed(self, under: str) -> Iterator[str]:
        folder = under.rstrip("/")
        for path, data in self._replaced.items():
            if data is not None and (not folder or path == folder or path.startswith(folder + "/")):
                yield path

    def containing(self, words: Iterable[str], under: Iterable[str] = ()) -> list[str]:
        """Return the sorted paths of C files that hold one of the words."""
        words, folders = list(words), list(under)
        wanted = _Words(words)
        found = {path for path in self._base.containing(words, folders) if path not in self._replaced}
        for folder in folders or [""]:
            for path in self._changed(folder):
                if path.endswith(_SOURCE) and wanted.in_text(self._replaced[path] or b"", _searched(path)):
                    found.add(path)
        return sorted(found)


def read_overlay(folder: str | Path) -> dict[str, bytes | None]:
    """Read all files below an overlay directory.

    :raises NotFoundError: when there is no such directory.
    """
    files = DirectoryFiles(folder)
    return {path: files.read(path) for path in files.paths()}


def open_tree(spec: str, overlay: str | Path | None = None) -> Files:
    """Open a tree named on a command line: a directory, or ``REPOSITORY@REVISION``.

    :param spec: a directory, a bare repository's ``NAME.git@REV``, or ``CHECKOUT@REV``.
    :param overlay: a directory whose files replace those of the tree.
    :raises NotFoundError: when the directory, the repository or the revision is not there.
    """
    repository, at, revision = spec.rpartition("@")
    files: Files
    if Path(spec).is_dir() and not (Path(spec) / "HEAD").is_file():
        files = DirectoryFiles(spec)
    elif at and revision and Path(repository).is_dir():
        files = GitFiles(repository, revision)
    elif Path(spec).is_dir():
        files = GitFiles(spec)
    else:
        raise NotFoundError(f"There is no tree {spec}; name a directory or REPOSITORY@REVISION.")
    return OverlayFiles(files, read_overlay(overlay)) if overlay is not None else files
