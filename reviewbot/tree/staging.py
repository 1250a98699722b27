"""A private index of only the touched paths, and the trees that are written from it.

Applying a patch costs what its files cost, not what the tree costs: git sees
an index with the files that the series touches and nothing else, and the new
tree is the old one with those entries replaced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pygit2

from reviewbot.tree.git import Output
from reviewbot.tree.store import Store


class Entry(NamedTuple):
    """One entry of an index or tree: mode as git writes it, and blob id."""

    mode: int
    oid: str


#: path -> entry afterwards, None where the file is gone
Changes = Mapping[str, Entry | None]


class Staging:
    """The touched files of a tree, as an index file that git-apply(1) works on.

    :ivar tree: id of the whole tree as it is now.
    :ivar entries: path -> entry, of the touched paths that are there now.
    """

    def __init__(self, store: Store, scratch: Path, tree: str, paths: Iterable[str]) -> None:
        self.store = store
        self.index = scratch / "index"
        self.tree = tree
        root = store.repository[tree].peel(pygit2.Tree)
        self.entries: dict[str, Entry] = {}
        self._trees: dict[str, pygit2.Tree | None] = {"": root}
        for path in paths:
            self._load(path)
        write_index(self.index, self.entries)

    def _load(self, path: str) -> None:
        """Take over the entry of a path, or whatever stands in its way.

        That is a file or link where the path needs a folder, or a folder where
        it needs a file: git has to see those, to refuse them.
        """
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            here = "/".join(parts[:depth])
            folder = self._trees[here.rpartition("/")[0]]
            if folder is None or parts[depth - 1] not in folder:
                self._trees[here] = None
                return
            entry = folder[parts[depth - 1]]
            if isinstance(entry, pygit2.Tree):
                self._trees[here] = entry
                if depth == len(parts):
                    self._first_below(here, entry)
            else:
                self.entries[here] = Entry(int(entry.filemode), str(entry.id))
                return

    def _first_below(self, path: str, tree: pygit2.Tree) -> None:
        for entry in tree:
            below = f"{path}/{entry.name}"
            if isinstance(entry, pygit2.Tree):
                self._first_below(below, entry)
            else:
                self.entries[below] = Entry(int(entry.filemode), str(entry.id))
            return

    def apply(self, diff: bytes, *options: str, patches: Sequence[Path] = ()) -> Output:
        """Run git-apply(1) on the index; it changes all of it or nothing.

        :param patches: files that are applied one after the other, in place of a diff.
        """
        return self.store.git.run(
            "apply", "--cached", *options, *(map(str, patches) if patches else "-"), stdin=diff,
            extra={"GIT_INDEX_FILE": str(self.index)}, cwd=self.index.parent, bound=True,
        )  # fmt: skip

    def changes(self) -> dict[str, Entry | None]:
        """Return what the index file holds that :attr:`entries` does not, and the other way round."""
        now = read_index(self.index)
        gone: dict[str, Entry | None] = {path: None for path in self.entries if path not in now}
        return gone | {path: entry for path, entry in now.items() if self.entries.get(path) != entry}

    def accept(self, changes: Changes) -> str:
        """Make the changes part of the tree, and return its id."""
        repository = self.store.repository
        tree = graft(repository, repository[self.tree].peel(pygit2.Tree), changes)
        self.tree = str(tree or repository.TreeBuilder().write())
        for path, entry in changes.items():
            if entry is None:
                self.entries.pop(path, None)
            else:
                self.entries[path] = entry
        return self.tree

    def in_tree(self, path: str) -> bool:
        """Tell whether a path is in the tree as it is now, touched or not."""
        return path in self.store.repository[self.tree].peel(pygit2.Tree)

    def restore(self) -> None:
        """Bring the index file back to :attr:`entries`."""
        write_index(self.index, self.entries)

    def read(self, path: str) -> bytes | None:
        """Return the content of a touched file as it is now, None when it is not there."""
        entry = self.entries.get(path)
        blob = self.store.repository.get(entry.oid) if entry else None
        return blob.data if isinstance(blob, pygit2.Blob) else None


def write_index(file: Path, entries: Mapping[str, Entry]) -> None:
    """Write an index file with exactly these entries."""
    file.unlink(missing_ok=True)
    index = pygit2.Index(str(file))
    for path, entry in entries.items():
        index.add(pygit2.IndexEntry(path, pygit2.Oid(hex=entry.oid), pygit2.enums.FileMode(entry.mode)))
    index.write()


def read_index(file: Path) -> dict[str, Entry]:
    """Return the entries of an index file."""
    return {entry.path: Entry(int(entry.mode), str(entry.id)) for entry in pygit2.Index(str(file))}


def graft(repository: pygit2.Repository, tree: pygit2.Tree | None, changes: Changes) -> pygit2.Oid | None:
    """Write a tree with some entries replaced and return its id, None when nothing is left in it."""
    builder = repository.TreeBuilder(tree) if tree is not None else repository.TreeBuilder()
    below: dict[str, dict[str, Entry | None]] = defaultdict(dict)
    files = set()
    for path, entry in changes.items():
        name, _, rest = path.partition("/")
        if rest:
            below[name][rest] = entry
        elif entry is not None:
            builder.insert(name, pygit2.Oid(hex=entry.oid), pygit2.enums.FileMode(entry.mode))
            files.add(name)
        elif builder.get(name) is not None:
            builder.remove(name)
    for name in below.keys() - files:
        old = tree[name] if tree is not None and name in tree else None
        new = graft(repository, old if isinstance(old, pygit2.Tree) else None, below[name])
        if new is not None:
            builder.insert(name, new, pygit2.enums.FileMode.TREE)
        elif builder.get(name) is not None:
            builder.remove(name)
    return builder.write() if len(builder) else None
