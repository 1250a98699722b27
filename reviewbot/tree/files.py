"""Reading the files of a kernel tree, wherever they are kept, without a checkout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol


class Files(Protocol):
    """The files of one state of a tree. Paths are relative to its top, with ``/``.

    The checks read through this and never through the file system, so that a
    directory, a commit in a bare repository, and a commit with some files
    replaced are the same to them.
    """

    def read(self, path: str) -> bytes | None:
        """Return the content of a regular file, or None when there is none of that name."""

    def blob(self, path: str) -> str | None:
        """Return a name for the content (git's blob id), or None; equal names mean equal bytes."""

    def paths(self, under: str = "") -> Iterator[str]:
        """Yield the paths of all regular files below a folder, sorted."""

    def containing(self, words: Iterable[str], under: Iterable[str] = ()) -> list[str]:
        """Return the sorted paths of ``.c`` and ``.h`` files that hold one of the literal words.

        :param words: literal strings, matched as bytes.
        :param under: folders or files to look in; everything when empty.
        """
