"""A tree on disk as a commit: of the few files that a series touches, or of all, whose contents stay where they are."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pygit2

from reviewbot.errors import OperatorError
from reviewbot.tree.importing import walk
from reviewbot.tree.staging import Entry, graft
from reviewbot.tree.store import Store

_NOBODY = pygit2.Signature("reviewbot", "reviewbot@localhost", 0, 0)
#: bytes of one file
_MAX_FILE = 64 << 20
#: files of one name that are taken, to see where a file went
_NAMESAKES = 20
_FOLDER = 0o40000
_CHUNK = 1 << 20


def commit_touched(store: Store, top: Path, paths: Iterable[str]) -> str:
    """Write a commit that holds what a directory has at some paths, and return its id.

    Where a path is not there, files of the same name are taken from elsewhere,
    so that it can be said where it went. Links are taken as links.

    :raises OperatorError: when a file cannot be read.
    """
    entries: dict[str, Entry] = {}
    missing: set[str] = set()
    try:
        for path in ("Makefile", *paths):
            if not _take(store, top, path, entries):
                missing.add(path.rpartition("/")[2])
        if missing:
            for path in _namesakes(top, missing):
                _take(store, top, path, entries)
    except OSError as error:
        raise OperatorError(f"The tree {top} cannot be read: {error}.") from error
    repository = store.repository
    tree = graft(repository, None, entries) or repository.TreeBuilder().write()
    return str(repository.create_commit(None, _NOBODY, _NOBODY, f"What is touched of {top.name}", tree, []))


def commit_whole(store: Store, top: Path) -> str:
    """Write a commit with the tree that git would have of a directory, and return its id.

    The contents are read for their names and not kept; those that are needed
    have to be in the store, see :func:`commit_touched`. ``.git`` is left out,
    and so are empty folders, as git has none.

    :raises OperatorError: when a file cannot be read.
    """
    folders: dict[str, list[tuple[str, int, bytes]]] = defaultdict(list)
    try:
        for path, status in walk(top):
            folder, _, name = path.rpartition("/")
            folders[folder].append((name, _mode(status), _blob_name(top / path, status)))
    except OSError as error:
        raise OperatorError(f"The tree {top} cannot be read: {error}.") from error
    for folder in list(folders):
        while folder:
            folder = folder.rpartition("/")[0]
            folders[folder] += []
    tree = b""
    for folder in sorted(folders, key=lambda path: (-path.count("/"), not path)):
        tree = _write_tree(store, folders[folder])
        above, _, name = folder.rpartition("/")
        if folder:
            folders[above].append((name, _FOLDER, tree))
    oid = pygit2.Oid(raw=tree or _write_tree(store, []))
    return str(store.repository.create_commit(None, _NOBODY, _NOBODY, f"What is in {top.name}", oid, []))


def _mode(status: os.stat_result) -> int:
    if stat.S_ISLNK(status.st_mode):
        return 0o120000
    return 0o100755 if status.st_mode & stat.S_IXUSR else 0o100644


def _blob_name(file: Path, status: os.stat_result) -> bytes:
    """Return the id that git gives the content of a file or link."""
    content = os.fsencode(file.readlink()) if stat.S_ISLNK(status.st_mode) else b""
    digest = hashlib.sha1(b"blob %d\0%b" % (len(content) or status.st_size, content), usedforsecurity=False)
    if stat.S_ISREG(status.st_mode):
        with file.open("rb", buffering=0) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.digest()


def _write_tree(store: Store, entries: list[tuple[str, int, bytes]]) -> bytes:
    """Write a tree as it is, for libgit2 would ask for the contents, and return its id."""
    named = [(os.fsencode(name), mode, oid) for name, mode, oid in entries]
    named.sort(key=lambda entry: entry[0] + b"/" * (entry[1] == _FOLDER))
    data = b"".join(b"%o %b\0%b" % (mode, name, oid) for name, mode, oid in named)
    return store.repository.write(pygit2.enums.ObjectType.TREE, data).raw


def _take(store: Store, top: Path, path: str, entries: dict[str, Entry]) -> bool:
    """Add the file at a path, or the file or link that stands in its way; False when there is neither."""
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        here = "/".join(parts[:depth])
        try:
            status = (top / here).lstat()
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return False
        if stat.S_ISLNK(status.st_mode):
            target = os.fsencode((top / here).readlink())
            entries[here] = Entry(0o120000, str(store.repository.create_blob(target)))
            return True
        if stat.S_ISREG(status.st_mode):
            if status.st_size > _MAX_FILE:
                raise OperatorError(f"{top / here} has {status.st_size >> 20} MiB, which is no source file.")
            entries[here] = Entry(_mode(status), str(store.repository.create_blob((top / here).read_bytes())))
            return True
    for folder, _, files in os.walk(top / path):
        if files:
            return _take(store, top, str(Path(folder, min(files)).relative_to(top)), entries)
    return False


def _namesakes(top: Path, names: set[str]) -> list[str]:
    found: list[str] = []
    taken: Counter[str] = Counter()
    for folder, folders, files in os.walk(top):
        if ".git" in folders:
            folders.remove(".git")
        for name in names.intersection(files):
            taken[name] += 1
            if taken[name] <= _NAMESAKES:
                found.append(str(Path(folder, name).relative_to(top)))
    return found
