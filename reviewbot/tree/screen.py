"""What no patch may do, whatever git thinks of it: said to the author in one sentence."""

from __future__ import annotations

import posixpath
import re
import unicodedata

import pygit2

from reviewbot.errors import AuthorError
from reviewbot.tree.letter import Letter
from reviewbot.tree.staging import Changes, Staging

#: files that one patch may touch; a tree-wide renaming of a header touches some thousand
MAX_FILES = 15_000
#: folders above one file; the kernel has about ten
MAX_DEPTH = 100
#: bytes that the binary files of one patch may unpack to
MAX_BINARY = 64 << 20

_UNPACKED = re.compile(rb"^(?:literal|delta) (\d{1,18})\r?$", re.MULTILINE)
_MODE = re.compile(
    rb"^(?:old mode|new mode|new file mode|deleted file mode|index [0-9a-f]+\.\.[0-9a-f]+) ([0-7]+)\r?$", re.MULTILINE
)
_REGULAR = re.compile(r"0*100[0-7]{3}")
_LINK, _GITLINK = 0o120000, 0o160000
_KINDS = {0o160000: "a submodule", 0o060000: "a block device", 0o020000: "a character device", 0o010000: "a pipe"}


def screen(letter: Letter) -> None:
    """Look at a patch before git does.

    :raises AuthorError: for a path that leaves the tree or hides in it, a mode
        that no kernel file has, or more than anyone would review.
    """
    files = letter.files
    touched = max(len(files.files), letter.diff.count(b"\ndiff --git "))
    if touched > MAX_FILES:
        raise AuthorError(f"The patch touches {touched} files; more than {MAX_FILES} are not taken: split it.")
    if cut := next((oddity for oddity in files.oddities if oddity.startswith("cut after")), ""):
        raise AuthorError(f"The patch is too long to be read whole ({cut}): split it.")
    for path in letter.paths:
        if complaint := bad_path(path):
            raise AuthorError(f"The patch names the path {shown(path)}, which {complaint}.")
    for match in _MODE.finditer(letter.diff):
        if complaint := _bad_mode(match[1].decode()):
            raise AuthorError(f"The patch gives a file the mode {match[1].decode()}: {complaint}.")
    if b"GIT binary patch" in letter.diff:
        unpacked = sum(int(match[1]) for match in _UNPACKED.finditer(letter.diff))
        if unpacked > MAX_BINARY:
            raise AuthorError(
                f"The patch unpacks to {unpacked >> 20} MiB of binary files; at most {MAX_BINARY >> 20} are taken."
            )


def verify(staging: Staging, changes: Changes, *, merged: bool = False) -> None:
    """Look at what git made of a patch, before it becomes part of a tree.

    :param merged: by a 3-way merge, which may follow a file to its new name.
    :raises AuthorError: for a link that leads out of the tree, a submodule,
        or a file that git touched and the patch did not name.
    """
    for path, entry in changes.items():
        if entry is None:
            continue
        if complaint := bad_path(path):
            raise AuthorError(f"The patch makes the path {shown(path)}, which {complaint}.")
        if entry.mode == _GITLINK:
            raise AuthorError(f"The patch makes {path} a submodule; a kernel tree has none.")
        if entry.mode == _LINK:
            blob = staging.store.repository[entry.oid]
            target = blob.data.decode("utf-8", "surrogateescape") if isinstance(blob, pygit2.Blob) else ""
            if leads_out(path, target):
                raise AuthorError(f"The patch makes {path} a link to {shown(target)}, which is outside of the tree.")
        if not merged and path not in staging.entries and staging.in_tree(path):
            raise AuthorError(f"The patch changes {path} without naming it in a way that can be told beforehand.")


def bad_path(path: str) -> str:
    """Say what is wrong with a path, as the end of a sentence; "" for an honest one."""
    parts = path.split("/")
    if path.startswith("/"):
        return "is absolute"
    if ".." in parts:
        return "leads out of the tree"
    if any(_is_git(part) for part in parts):
        return "belongs to git itself"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in path):
        return "holds control characters or bytes that are no text"
    if any(unicodedata.category(character) == "Cf" for character in path):
        return "holds invisible characters"
    if any(part in ("", ".") for part in parts):
        return "is no path of a file"
    if len(parts) > MAX_DEPTH:
        return "is deeper than any kernel file"
    if len(path.encode()) > 4000 or any(len(part.encode()) > 255 for part in parts):
        return "is longer than a file system takes"
    return ""


def leads_out(path: str, target: str) -> bool:
    """Tell whether a symbolic link at a path leads out of the tree."""
    if not target or target.startswith("/") or "\0" in target:
        return True
    end = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return end == ".." or end.startswith("../")


def shown(path: str) -> str:
    """Return a hostile string as it can be shown: escaped, and not too long."""
    return ascii(path if len(path) <= 120 else path[:117] + "...")


def _is_git(part: str) -> bool:
    """Tell whether some file system takes the name for ``.git`` (see core.protectNTFS in git-config(1))."""
    bare = "".join(c for c in part if unicodedata.category(c) != "Cf").lower().rstrip(". ")
    return bare == ".git" or bare.partition(":")[0] == ".git" or bool(re.fullmatch(r"git~\d", bare))


def _bad_mode(octal: str) -> str:
    mode = int(octal, 8)
    if mode == _LINK or _REGULAR.fullmatch(octal):
        return ""
    if kind := _KINDS.get(mode & 0o170000):
        return f"that is {kind}, which no kernel tree holds"
    if mode & 0o7000:
        return "git keeps no setuid, setgid or sticky files"
    return "git keeps only 100644, 100755 and 120000"
