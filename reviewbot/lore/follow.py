"""Following a list through the git epochs of its public-inbox.

An epoch is a git repository with one commit a mail: the mail is the file ``m``,
and a commit with the file ``d`` takes the mail in it back. The newest epoch
grows until the next one is begun; see public-inbox-v2-format(5).

The reader's place is a :class:`Cursor` that the caller keeps, together with what
it made of the mail, in one transaction. Nothing else is remembered, so that
reading can be killed at any moment and goes on where the cursor stands.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from reviewbot.errors import NotFoundError, TransientError
from reviewbot.lore.http import Client, gunzip
from reviewbot.lore.mirror import Mirror, is_repository, remote_head

_EPOCH = re.compile(r"(\d{1,6})(?:\.git)?")
_MANIFEST_EPOCH = re.compile(r"(?:/[^/]+)*/git/(\d{1,6})\.git")
#: mails that git is asked for at once; their names fit the buffer of a pipe
_BATCH = 200
_MAX_MANIFEST = 256 * 1024 * 1024


class Cursor(NamedTuple):
    """The last commit that was read."""

    epoch: int
    commit: str

    def __str__(self) -> str:
        return f"{self.epoch}:{self.commit}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what :meth:`__str__` writes.

        :raises ValueError: when it is no cursor.
        """
        if not re.fullmatch(r"\d{1,6}:[0-9a-f]{40,64}", text):
            raise ValueError(f"{text!r} is no cursor")
        epoch, _, commit = text.partition(":")
        return cls(int(epoch), commit)


class Arrival(NamedTuple):
    """A mail, and the place behind it.

    ``taken_back`` is true when the archive removed this mail, spam for the most part.
    """

    cursor: Cursor
    raw: bytes
    taken_back: bool = False


@dataclass(frozen=True, slots=True)
class Epoch:
    """One repository of an archive: its number, and where git finds it (a path, a bundle or a URL)."""

    number: int
    source: str


def follow(
    source: str, folder: Path, cursor: Cursor | None = None, *, client: Client | None = None
) -> Iterator[Arrival]:
    """Bring the local copy up to date and yield what came after the cursor, oldest first.

    :param source: a URL of an inbox (``https://lore.kernel.org/linux-mm``), a public-inbox directory, a clone or
        bundle of one epoch.
    :param folder: where the copies are kept, one bare repository an epoch; made when it is not there.
    :param cursor: where the last reading ended; ``None`` begins with the first mail.
    :param client: how the list of epochs is fetched; needed for a URL.
    :raises NotFoundError: when there is no such archive.
    :raises TransientError: when it does not answer, or another process reads into the same folder.
    """
    first = cursor.epoch if cursor else 0
    epochs = [epoch for epoch in discover(source, client) if epoch.number >= first]
    for epoch in epochs:
        mirror = Mirror(folder / f"{epoch.number}.git")
        mirror.update(epoch.source)
        after = cursor.commit if cursor and cursor.epoch == epoch.number else ""
        for arrival in _read(mirror, after):
            yield arrival._replace(cursor=Cursor(epoch.number, arrival.cursor.commit))


def discover(source: str, client: Client | None = None) -> list[Epoch]:
    """Return the epochs of an archive, oldest first.

    :raises NotFoundError: when there are none.
    """
    epochs = _remote_epochs(source.rstrip("/"), client) if _is_url(source) else local_epochs(Path(source))
    if not epochs:
        raise NotFoundError(f"{source} is no public-inbox archive: it has no epochs.")
    return sorted(epochs, key=lambda epoch: epoch.number)


def newest(source: str, *, client: Client | None = None) -> Cursor:
    """Return the place behind the newest mail, for a list that is to be followed from now on.

    :raises NotFoundError: when there is no such archive.
    :raises TransientError: when it does not answer.
    """
    last = discover(source, client)[-1]
    return Cursor(last.number, remote_head(last.source))


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def local_epochs(path: Path) -> list[Epoch]:
    """Return the epochs of a clone, a bundle or a public-inbox folder; none when it is something else."""
    if path.is_file() or is_repository(path):
        return [Epoch(0, str(path.resolve()))]
    for folder in (path / "git", path):
        found = [
            Epoch(int(match[1]), str(child.resolve()))
            for child in (folder.iterdir() if folder.is_dir() else ())
            if (match := _EPOCH.fullmatch(child.name)) and is_repository(child)
        ]
        if found:
            return found
    return []


def _remote_epochs(url: str, client: Client | None) -> list[Epoch]:
    """Read the manifest of an inbox; one that has none is asked for epoch after epoch."""
    if client is not None:
        try:
            page = client.get(f"{url}/manifest.js.gz")
            manifest = json.loads(gunzip(page.body, _MAX_MANIFEST))
        except NotFoundError:
            manifest = {}
        except ValueError:
            raise TransientError(f"The list of epochs of {url} is damaged; it will be tried again.") from None
        inbox = url.rpartition("/")[2]
        numbers = {
            int(match[1])
            for name in manifest
            if (match := _MANIFEST_EPOCH.fullmatch(name)) and f"/{inbox}/git/" in name
        }
        if numbers:
            return [Epoch(number, f"{url}/{number}") for number in numbers]
    epochs: list[Epoch] = []
    while remote_head(f"{url}/{len(epochs)}"):
        epochs.append(Epoch(len(epochs), f"{url}/{len(epochs)}"))
    return epochs


def _read(mirror: Mirror, after: str) -> Iterator[Arrival]:
    """Yield the mails behind a commit.

    An archive that removes a mail for good writes its history anew (purge); what
    was read before that is recognised by its blob and not yielded again.
    """
    head = mirror.head
    if not head:
        return
    known: set[tuple[str, str]] = set()
    if after and not mirror.is_ancestor(after, head):
        base = mirror.merge_base(after, head)
        known = mirror.files_added(base, after)
        after = base
    with _blobs(mirror.path) as blobs:
        commits = mirror.commits(after, head)
        for start in range(0, len(commits), _BATCH):
            batch = commits[start : start + _BATCH]
            mails = blobs.get(f"{commit}:m" for commit in batch)
            for commit, mail in zip(batch, mails, strict=True):
                name = "m" if mail else "d"
                blob = mail or blobs.get([f"{commit}:d"])[0]
                if blob and (name, blob.name) not in known:
                    yield Arrival(Cursor(0, commit), blob.data, taken_back=name == "d")


class _Blob(NamedTuple):
    name: str
    data: bytes


class _Blobs:
    """Objects of a repository, by name."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def get(self, names: Iterable[str]) -> list[_Blob | None]:
        """Return objects, None for a name that there is not; as many as fit a pipe may be asked for at once.

        :raises TransientError: when git ended.
        """
        ask, answer = self._process.stdin, self._process.stdout
        if ask is None or answer is None:
            raise TransientError("git was started without pipes.")
        asked = [name.encode() + b"\n" for name in names]
        try:
            ask.write(b"".join(asked))
            ask.flush()
        except BrokenPipeError:
            raise TransientError("git ended while the archive was read; it will be tried again.") from None
        return [self._next(answer) for _ in asked]

    def _next(self, answer: IO[bytes]) -> _Blob | None:
        head = answer.readline().split()
        if not head:
            raise TransientError("git ended while the archive was read; it will be tried again.")
        if head[-1] == b"missing":
            return None
        data = answer.read(int(head[2]))
        answer.read(1)
        return _Blob(head[0].decode(), data)


@contextmanager
def _blobs(repository: Path) -> Iterator[_Blobs]:
    with subprocess.Popen(
        ["git", f"--git-dir={repository}", "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield _Blobs(process)
        finally:
            process.kill()
