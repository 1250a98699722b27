"""Taking trees into the store: directories, tar archives, branches of repositories."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, cast

import pygit2

from reviewbot.errors import NotFoundError, OperatorError
from reviewbot.tree.git import trouble
from reviewbot.tree.notes import Branch, Note, checked_name, kernel_version, write_whole
from reviewbot.tree.remotes import fetch_branch
from reviewbot.tree.store import TREES

if TYPE_CHECKING:
    from reviewbot.tree.store import Store

#: seconds for reading an archive
IMPORT_PATIENCE = 3600.0
#: bytes that an archive may unpack to
MAX_ARCHIVE = 32 << 30
_IDENTITY = "reviewbot <reviewbot@localhost>"
_CHUNK = 1 << 20


class Member(NamedTuple):
    """One file on its way into the store.

    ``size`` bytes of ``content``; ``target`` is set instead for a hard link
    within an archive. ``mtime`` counts seconds since 1970.
    """

    path: str
    mode: str
    mtime: int
    size: int = 0
    content: IO[bytes] | bytes = b""
    target: str = ""


def import_files(store: Store, name: str, source: Path) -> Branch:
    """Take a directory or a tar archive as one commit without a parent.

    The commit depends on the content and its newest date alone. An archive
    is streamed, never unpacked; its one top folder is dropped. What was taken
    before, under whatever name, is recognised by sizes and dates, an archive
    also by its digest.

    :raises OperatorError: when the source cannot be read, or is no such thing.
    """
    checked_name(name)
    try:
        note = _fingerprint(source)
        known = [one for one in store.notes() if one.kind == note.kind and store.has_commit(one.commit)]
        same = next((one for one in known if one.stamp == note.stamp), None)
        if same is None and note.kind == "archive":
            note.digest = _digest(source)
            same = next((one for one in known if one.digest == note.digest), None)
        if same is not None:
            note.commit, note.digest = same.commit, same.digest
        else:
            members = _archive(source) if note.kind == "archive" else _directory(source)
            note.commit = _fast_import(store, name, members)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise OperatorError(f"The tree {name} cannot be read from {source}: {error}.") from error
    store.remember(name, note)
    return store.resolve(name)


def import_repository(store: Store, name: str, source: str, branch: str, depth: int = 0, days: int = 0) -> Branch:
    """Follow a branch of a repository.

    The objects of a repository on this machine are borrowed, not copied; it
    must stay where it is. Those of another one are fetched.

    :param source: a path or a URL.
    :param branch: name of a branch or tag; of a local repository, any revision.
    :param depth: number of commits to fetch, 0 for the whole history.
    :param days: age at which history may end, see :func:`reviewbot.tree.remotes.fetch_branch`.
    :raises NotFoundError: when it has no such branch.
    :raises TransientError: when it does not answer, or another process brings the same tree up to date.
    """
    checked_name(name)
    note = Note("repository", source, branch=branch, depth=depth, days=days)
    if "://" not in source and Path(source).exists():
        note.source = str(Path(source).resolve())
        note.commit = borrow_commit(store, Path(source), branch)
        store.remember(name, note)
    else:
        with store.alone(name):
            note.commit = fetch_branch(store, f"{TREES}{name}", source, branch, depth=depth, days=days)
            store.remember(name, note)
    return store.resolve(name)


def borrow_commit(store: Store, source: Path, revision: str) -> str:
    """Make the objects of a local repository readable from the store, and return the commit of a revision.

    The repository is opened by libgit2, which runs none of its hooks and filters.

    :raises NotFoundError: when it is no repository, or has no such commit.
    """
    try:
        repository = pygit2.Repository(str(source))
        commit = repository.revparse_single(revision).peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError) as error:
        raise NotFoundError(f"{source} has no commit {revision}: {str(error).strip(chr(39))}.") from error
    common = common_directory(Path(repository.path))
    with store.exclusive():
        _copy_shallow(store, common / "shallow")
        store.borrow([common / "objects"])
    return str(commit.id)


def _copy_shallow(store: Store, theirs: Path) -> None:
    """Take over where the history of a shallow repository ends."""
    if theirs.is_file():
        ours = store.path / "shallow"
        lines = {*theirs.read_text().split(), *(ours.read_text().split() if ours.is_file() else ())}
        write_whole(ours, "".join(f"{line}\n" for line in sorted(lines)))


def common_directory(git_dir: Path) -> Path:
    """Return the folder that holds the objects of a repository, of which this may be a linked worktree."""
    pointer = git_dir / "commondir"
    return (git_dir / pointer.read_text().strip()).resolve() if pointer.is_file() else git_dir


def _fingerprint(source: Path) -> Note:
    """Say by names, sizes and dates what a source holds, without reading it."""
    status = source.stat()
    where = str(source.resolve())
    if stat.S_ISREG(status.st_mode):
        return Note("archive", where, stamp=f"{status.st_size} {status.st_mtime_ns}")
    total = hashlib.sha256()
    for path, entry in walk(source):
        total.update(
            f"{path}\0{entry.st_mode:o} {entry.st_size} {entry.st_mtime_ns}\n".encode(errors="surrogateescape")
        )
    return Note("directory", where, stamp=total.hexdigest())


def _digest(source: Path) -> str:
    with source.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def walk(top: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the files and links below a folder, sorted, without following links; ``.git`` is left out."""
    folders = [""]
    while folders:
        inside = folders.pop()
        with os.scandir(top / inside) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        deeper = []
        for entry in ordered:
            path = f"{inside}{entry.name}"
            if entry.name == ".git":
                continue
            if entry.is_dir(follow_symlinks=False):
                deeper.append(f"{path}/")
            elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                yield path, entry.stat(follow_symlinks=False)
        folders.extend(reversed(deeper))


def _directory(top: Path) -> Iterator[Member]:
    for path, status in walk(top):
        mtime = int(status.st_mtime)
        if stat.S_ISLNK(status.st_mode):
            target = os.fsencode((top / path).readlink())
            yield Member(path, "120000", mtime, len(target), target)
        else:
            mode = "100755" if status.st_mode & stat.S_IXUSR else "100644"
            with (top / path).open("rb") as stream:
                yield Member(path, mode, mtime, os.fstat(stream.fileno()).st_size, stream)


def _archive(source: Path) -> Iterator[Member]:
    with tarfile.open(source, "r|*") as archive:
        for info in archive:
            mtime = int(info.mtime)
            if info.issym():
                target = os.fsencode(info.linkname)
                yield Member(info.name, "120000", mtime, len(target), target)
            elif info.islnk():
                yield Member(info.name, "", mtime, target=info.linkname)
            elif info.isfile() and (content := archive.extractfile(info)):
                yield Member(info.name, "100755" if info.mode & 0o100 else "100644", mtime, info.size, content)


@dataclass(slots=True)
class _Listing:
    """What the stream has named so far: path -> mode and mark."""

    files: dict[str, tuple[str, int]]
    newest: int = 0
    size: int = 0
    makefile: str = ""


def _fast_import(store: Store, name: str, members: Iterable[Member]) -> str:
    """Stream files into one commit by git-fast-import(1) and return its id."""
    with store.exclusive() as lock:
        process = store.git.start(
            "fast-import", "--quiet", "--force", "--depth=0", "--max-pack-size=2g", stdout=subprocess.PIPE, keep=(lock,)
        )
        try:
            _commands(cast(IO[bytes], process.stdin), members, f"{TREES}{name}")
            stdout, stderr = process.communicate(timeout=IMPORT_PATIENCE)
        except BrokenPipeError:
            stdout, stderr = b"", process.communicate()[1]
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode:
        raise OperatorError(trouble("fast-import", process.returncode, stderr.decode("utf-8", "replace")))
    return stdout.decode().strip()


def _commands(stream: IO[bytes], members: Iterable[Member], reference: str) -> None:
    listing = _Listing({})
    for mark, member in enumerate(members, 2):
        path = _inside(member.path)
        listing.newest = max(listing.newest, member.mtime)
        if member.target:
            linked = listing.files.get(_inside(member.target))
            if linked:
                listing.files[path] = linked
            continue
        listing.size += member.size
        if listing.size > MAX_ARCHIVE:
            raise OperatorError(f"The archive unpacks to more than {MAX_ARCHIVE >> 30} GiB, which is no kernel tree.")
        stream.write(b"blob\nmark :%d\ndata %d\n" % (mark, member.size))
        head = _copy(member, stream)
        stream.write(b"\n")
        if path.count("/") <= 1 and path.rpartition("/")[2] == "Makefile" and not listing.makefile:
            listing.makefile = kernel_version(head.decode("utf-8", "replace"))
        listing.files[path] = member.mode, mark
    if not listing.files:
        raise OperatorError("There is no file in it.")
    top = _top(listing.files)
    message = (f"Linux {listing.makefile}" if listing.makefile else "Imported tree").encode()
    who = f"{_IDENTITY} {max(listing.newest, 0)} +0000".encode()
    stream.write(
        b"commit %b\nmark :1\nauthor %b\ncommitter %b\ndata %d\n%b\ndeleteall\n"
        % (reference.encode(), who, who, len(message), message)
    )
    for path, (mode, mark) in listing.files.items():
        stream.write(b"M %b :%d %b\n" % (mode.encode(), mark, _quoted(path[len(top) :])))
    stream.write(b"\nget-mark :1\n")


def _copy(member: Member, stream: IO[bytes]) -> bytes:
    """Write exactly the announced bytes and return the first of them."""
    if isinstance(member.content, bytes):
        stream.write(member.content)
        return member.content
    left, head = member.size, b""
    while left:
        chunk = member.content.read(min(left, _CHUNK))
        if not chunk:
            raise OperatorError(f"{member.path} became shorter while it was read; import the tree when it is at rest.")
        head = head or chunk[:4096]
        stream.write(chunk)
        left -= len(chunk)
    return head


def _inside(path: str) -> str:
    """Return a member's path below the top.

    :raises OperatorError: when it leads elsewhere, or into a ``.git``.
    """
    path = re.sub(r"^(?:\./+)+", "", path)
    parts = path.split("/")
    if path.startswith("/") or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise OperatorError(f"The archive names {path!r}, which no tree can hold; it is not taken.")
    return path


def _top(paths: Iterable[str]) -> str:
    """Return the one folder that everything lies in, with its slash, else ""."""
    tops = {path.partition("/")[0] if "/" in path else "" for path in paths}
    top = tops.pop() if len(tops) == 1 else ""
    return f"{top}/" if top else ""


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path)
    for character, escape in ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\n", b"\\n")):
        raw = raw.replace(character, escape)
    return b'"' + raw + b'"'
