"""The commits of real series against those of ``b4 am`` and ``git am -3``: author, date, message, tree."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pygit2

from benchmarks.apply.corpus import cases, checkout, read_mails, trees, without_missing
from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message
from reviewbot.series.assemble import assemble
from reviewbot.series.grouping import group_threads
from reviewbot.series.model import Series
from reviewbot.tree.apply import apply_series
from reviewbot.tree.model import Base, Method
from reviewbot.tree.store import Store

_SEPARATOR = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
_CONFIG = "[b4]\n\tattestation-policy = off\n[user]\n\tname = A\n\temail = a@example.org\n"


class Commit(NamedTuple):
    """What is compared."""

    author: str
    when: tuple[int, int]
    message: str
    tree: str


def run(corpus: Path, work: Path, places: Mapping[str, str]) -> int:
    """Compare every series that applies to a tree; print what differs."""
    have = {name: (store, without_missing(store, branch)) for name, (store, branch) in trees(work, places).items()}
    threads = _threads(corpus, work)
    count: Counter[str] = Counter()
    for truth, _ in cases(corpus, work):
        thread = threads[truth["patches"][0]["msgid"]]
        series = _series(thread, truth["patches"][-1]["msgid"])
        for name, (store, branch) in have.items():
            if not truth["apply"][name]["applies"] or series is None:
                continue
            attempt = apply_series(
                store, Base(name, branch.commit, "named"), series.patches, trailers=series.cover_trailers
            )
            ways = {patch.method for patch in attempt.patches}
            ours = [_commit(store.repository, patch.commit) for patch in attempt.patches]
            theirs = _theirs(store, branch.commit, thread, series)
            if not attempt.applies or Method.ALREADY in ways or len(ours) != len(theirs):
                count["other patches"] += 1
                print(f"{series.root_msgid} on {name}: {len(ours)} commits, by b4 and git am {len(theirs)}")
                continue
            for one, other in zip(ours, theirs, strict=True):
                count[_compare(series, one, other)] += 1
            break
    for kind, number in sorted(count.items()):
        print(f"{number:5}  {kind}")
    return 0


def _threads(corpus: Path, work: Path) -> dict[str, Sequence[Message]]:
    messages = [parse_message(raw) for raw in read_mails(corpus, work).values()]
    messages.sort(key=lambda message: message.date)
    return {message.message_id: thread for thread in group_threads(messages) for message in thread}


def _series(thread: Sequence[Message], message_id: str) -> Series | None:
    found = (one for one in assemble(thread) if message_id in {patch.message.message_id for patch in one.patches})
    return next(found, None)


def _commit(repository: pygit2.Repository, name: str) -> Commit:
    commit = repository.get(name)
    assert isinstance(commit, pygit2.Commit)
    author = commit.author
    return Commit(f"{author.name} <{author.email}>", (author.time, author.offset), commit.message, str(commit.tree_id))


def _theirs(store: Store, base: str, thread: Sequence[Message], series: Series) -> list[Commit]:
    """Return the commits that a maintainer gets who runs b4 am and git am on the thread."""
    touched = {path for patch in series.patches for path in patch.files}
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / ".gitconfig").write_text(_CONFIG)
        (Path(home) / "thread.mbox").write_bytes(
            b"".join(_SEPARATOR + message.raw.rstrip(b"\n") + b"\n\n" for message in thread)
        )
        environment = {"PATH": os.environ["PATH"], "HOME": home, "XDG_DATA_HOME": home, "XDG_CACHE_HOME": home}
        command = [sys.executable, "-m", "b4.command", "am", "-m", "thread.mbox", "-o", home, "-n", "out", "--no-cover"]
        told = subprocess.run(
            [*command, "-i", "-v", str(series.version), series.patches[0].message.message_id],
            cwd=home, env=environment, capture_output=True, check=False,
        )  # fmt: skip
        box = Path(home) / "out.mbx"
        if not box.is_file():
            print(f"b4 am: {told.stderr.decode(errors='replace').splitlines()[-1:]}")
            return []
        with checkout(store, base, touched) as git:
            failed = git("am", "-q", "-3", "--patch-format=mboxrd", stdin=box.read_bytes()).returncode
            names = git("rev-list", "--reverse", f"{base}..HEAD").stdout.decode().split()
            where = pygit2.Repository(git("rev-parse", "--absolute-git-dir").stdout.decode().strip())
            return [] if failed else [_commit(where, name) for name in names]


def _compare(series: Series, ours: Commit, theirs: Commit) -> str:
    """Return the fields in which two commits differ, and print their messages' difference."""
    fields = [field for field in Commit._fields if getattr(ours, field) != getattr(theirs, field)]
    if "author" in fields or "when" in fields:
        print(f"{series.root_msgid}: {ours[:2]}, by b4 and git am {theirs[:2]}")
    if "message" in fields:
        print(f"{series.root_msgid}: {ours.message.splitlines()[0]}")
        both = (theirs.message.splitlines(), ours.message.splitlines())
        print(
            "\n".join(line for line in difflib.unified_diff(*both, n=1, lineterm="") if line[:3] not in ("---", "+++"))
        )
    return f"another {', '.join(fields)}" if fields else "the same commit but for the committer"
