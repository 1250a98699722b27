"""Invented repositories and series, damaged as mail damages them: every outcome against that of ``git am -3``."""

from __future__ import annotations

import base64
import os
import quopri
import random
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pygit2

from reviewbot.mail.parse import parse_message
from reviewbot.mail.subject import bare
from reviewbot.series.model import Patch
from reviewbot.tree.apply import apply_series
from reviewbot.tree.model import Attempt, Base, Method
from reviewbot.tree.staging import Entry, graft
from reviewbot.tree.store import Store

_WHO = pygit2.Signature("Ada Example", "ada@example.org", 1_700_000_000, 60)
_ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_COMMITTER_NAME": "Ada Example", "GIT_COMMITTER_EMAIL": "ada@example.org", "LC_ALL": "C", "TZ": "UTC",
}  # fmt: skip
_NAMES = (
    "mm/memory.c",
    "mm/gup.c",
    "mm/Makefile",
    "kernel/fork.c",
    "include/linux/mm.h",
    "arch/arm64/mm/mmu.c",
    "tools/run",
    "Documentation/ä ö.rst",
    'odd/quote".c',
    "odd/back\\slash",
    "odd/two  spaces",
    "logo.bin",
    "dos.txt",
)
_AUTHORS = (
    "Ada Example <ada@example.org>",
    '"Ada \\"A.\\" Example" <ada@example.org>',
    "Bö Ünïcode <bo@example.org>",
    "bo@example.org (Bo Example)",
    "bo@example.org",
    '"Example, Bo" <bo@example.org>',
    "Jean-Luc O'Neil. <jl@example.org>",
    "=?ISO-8859-1?Q?B=F6?= =?ISO-8859-1?Q?_Ex?= <bo@example.org>",
    "bo at example <bo@example.org>",
)
_DATES = (
    "Tue, 14 Nov 2023 23:13:20 +0100",
    "14 Nov 2023 23:13:20 -0730",
    "Tue, 14 Nov 2023 22:13:20 GMT",
    "Tue, 14 Nov 2023 22:13:20 +0530 (IST)",
    "Tue, 4 Nov 2003 2:03:20 -0000",
    "Tue, 14 Nov 23 22:13:20 +0000",
    "Tue, 14 Nov 2023 22:13 -0500",
    "Tue, 14 Nov 2023 22:13:20 EST",
)
_SUBJECTS = (
    "[PATCH] mm: change it",
    "[PATCH v3 02/11] mm: change it",
    "[RFC][PATCH 1/2] [arm64] mm: it",
    "Re: [PATCH] mm: it",
    "[PATCH mm-unstable v2 1/3] mm/[x]: it",
    "mm: no brackets",
    "[PATCH] =?UTF-8?Q?mm:_r=C3=A4ume?= auf",
    "[PATCH]",
    "[PATCH] mm:   many   spaces",
    "[PATCH] mm: a long subject that a mailer\n folded behind its word",
    "RE: re: [PATCH] [RESEND] x",
    "[PATCH 1/1]mm: glued",
    '[PATCH] Revert "mm: it"',
)
_BODIES = (
    "Because.\n",
    "",
    "\n\n  Indented.\n\n\n\nFar below, with blanks at the end.   \n\n",
    "Words.\n\n-- >8 --\nThe real words.\n",
    "From: Eve Example <eve@example.org>\n\nIn-body author.\n",
    "From: Eve <eve@example.org>\nDate: Wed, 1 Nov 2023 10:00:00 +0000\nSubject: [PATCH] another subject\n\nWhy.\n",
    ">From here on it is quoted.\n",
    "Talk.\n\n8< --- cut here --- >8\nFrom: Eve <eve@example.org>\nSubject: cut\n\nText.\n",
    "diff of opinions\n--- is no diff\n+++ neither\n",
    "A: B\nC: D\n",
    "    diff --git a/x b/x\n    --- a/x\n    +++ b/x\n",
    "Index: is a word\n",
    "\tFrom: no author\n",
    "Table:\n\n---- ----\n a    b\n",
    "[ada: a remark]\nSigned-off-by: X <x@example.org>\n",
    "Grüße aus dem Süden\n",
    "Subject: [PATCH] mm: its own\n\nText.\n",
)

Files = dict[str, tuple[int, bytes]]


class Commit(NamedTuple):
    """What a patch became: tree, author, date with offset in minutes, message."""

    tree: str
    author: str
    when: tuple[int, int]
    message: str


@dataclass(frozen=True)
class Outcome:
    """A verdict, and the commits that were made before it."""

    applies: bool
    commits: tuple[Commit, ...]
    said: str = ""


def _lines(rng: random.Random, name: str, count: int) -> list[bytes]:
    common = (b"\n", b"{\n", b"}\n", b"\treturn 0;\n", b"\tif (err)\n", b"#endif\n")
    return [
        rng.choice(common) if rng.random() < 0.4 else f"int {name[-6:-2]!a}_{number}({rng.randrange(9)});\n".encode()
        for number in range(count)
    ]


def _invented(rng: random.Random) -> Files:
    files: Files = {"Makefile": (0o100644, b"VERSION = 6\n")}
    for name in rng.sample(_NAMES, rng.randint(3, 8)):
        content = b"".join(_lines(rng, name, rng.choice((0, 1, 3, 12, 40, 120))))
        if name == "dos.txt":
            content = content.replace(b"\n", b"\r\n")
        if name == "logo.bin":
            content = bytes(rng.randrange(256) for _ in range(rng.choice((3, 300, 3000)))) + b"\0"
        if rng.random() < 0.15:
            content = content.rstrip(b"\n")
        files[name] = (0o100755 if name == "tools/run" else 0o100644, content)
    return files


def _edited(rng: random.Random, content: bytes) -> bytes:
    if b"\0" in content:
        at = rng.randrange(len(content))
        return (
            content[:at] + bytes(rng.randrange(256) for _ in range(rng.randrange(9))) + content[at + rng.randrange(9) :]
        )
    lines = content.splitlines(keepends=True)
    end = b"\r\n" if content.endswith(b"\r\n") else b"\n"
    for _ in range(rng.randint(1, 3)):
        at = rng.choice((0, len(lines), rng.randint(0, len(lines)), rng.randint(0, len(lines))))
        new = [
            rng.choice((b"int fresh_%d;" % rng.randrange(99), b"}", b"", b"\tx = 1; ", b" \t", "ü".encode(), b"-- "))
            + end
            for _ in range(rng.randrange(4))
        ]
        if at == len(lines) and lines and not lines[-1].endswith(b"\n"):
            lines[-1] += end
        lines[at : at + rng.randrange(3)] = new
    changed = b"".join(lines)
    return changed.rstrip(b"\r\n") if rng.random() < 0.1 else changed


def _step(rng: random.Random, files: Files) -> Files:
    """Return the files after one commit."""
    files = dict(files)
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(sorted(files))
        mode, content = files[name]
        what = rng.random()
        if what < 0.55:
            files[name] = (mode, _edited(rng, content) if mode != 0o120000 else content)
        elif what < 0.65:
            files[f"mm/moved_{rng.randrange(9)}.c"] = (mode, _edited(rng, content) if rng.random() < 0.5 else content)
            del files[name]
        elif what < 0.73:
            files[f"mm/copied_{rng.randrange(9)}.c"] = (mode, _edited(rng, content) if rng.random() < 0.5 else content)
        elif what < 0.80:
            files[name] = (mode ^ 0o111 if mode != 0o120000 else mode, content)
        elif what < 0.86 and len(files) > 2:
            del files[name]
        elif what < 0.96:
            fresh = rng.choice(("mm/new.c", "new/deep/er.h", "odd/ünew", "mm/empty"))
            files[fresh] = (0o100644, b"" if fresh == "mm/empty" else b"".join(_lines(rng, fresh, rng.randint(1, 20))))
        else:
            files["mm/link"] = (0o120000, rng.choice((b"memory.c", b"../Makefile")))
    folders = {name.rpartition("/")[0] for name in files}
    return {name: entry for name, entry in files.items() if name not in folders}


def _commit(repository: pygit2.Repository, files: Files, *parents: str) -> str:
    entries = {name: Entry(mode, str(repository.create_blob(content))) for name, (mode, content) in files.items()}
    tree = graft(repository, None, entries) or repository.TreeBuilder().write()
    return str(repository.create_commit(None, _WHO, _WHO, "mm: change it\n\nBecause.\n", tree, list(parents)))


def _git(where: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", *arguments], cwd=where, env=_ENVIRONMENT, input=stdin, capture_output=True, check=False
    )


def _diffs(rng: random.Random, where: Path, commits: list[str]) -> list[bytes]:
    options = [
        option
        for option in ("-M", "-C", "--find-copies-harder", "--full-index", "--no-renames", "-B", "-D")
        if rng.random() < 0.35
    ]
    options += ["--binary"] * (rng.random() < 0.85) + [f"-U{rng.choice((0, 1, 2, 5, 25))}"] * (rng.random() < 0.2)
    options += ["--patience"] * (rng.random() < 0.1) + ["--stat"] * (rng.random() < 0.8) + ["-p"]
    return [
        _git(where, "diff-tree", "--no-commit-id", *options, before, after).stdout
        for before, after in pairwise(commits)
    ]


def _damaged(rng: random.Random, diff: bytes) -> bytes:
    """Return a diff as some mailer, editor or hand left it."""
    lines = diff.split(b"\n")
    at = rng.randrange(len(lines))
    damages: tuple[Callable[[], bytes], ...] = (
        lambda: b"\n".join(line.rstrip() for line in lines),
        lambda: b"\n".join(lines[:at] + lines[at + 1 :]),
        lambda: b"\n".join(lines[:at]) + b"\n",
        lambda: re.sub(rb"(?m)^@@ -(\d+)", lambda m: b"@@ -%d" % (int(m[1]) + rng.randint(1, 40)), diff),
        lambda: re.sub(rb"(?m)^index .*\n", b"", diff),
        lambda: re.sub(rb"(?m)^diff --git .*\n", b"", diff),
        lambda: diff.replace(b"\t", b"    "),
        lambda: (
            b"diff --cc mm/gup.c\nindex 1,2..3\n--- a/mm/gup.c\n+++ b/mm/gup.c\n@@@ -1,1 -1,1 +1,1 @@@\n++x\n" + diff
        ),
        lambda: diff + b"\ntext behind it\n",
        lambda: diff.replace(b" a/", b" old/").replace(b" b/", b" new/"),
        lambda: diff.replace(b"\n@@", b"\n\n@@", 1),
        lambda: re.sub(rb"(?m)^(index [0-9a-f]{4})[0-9a-f]*(\.\.[0-9a-f]{4})[0-9a-f]*", rb"\1\2", diff),
    )
    return rng.choice(damages)()


def _mail(rng: random.Random, diff: bytes, number: int) -> bytes:
    """Return a patch mail with whatever real ones have."""
    odd = rng.random() < 0.6
    body = rng.choice(_BODIES) if odd else "Because.\n"
    charset = rng.choice(("UTF-8", "ISO-8859-1", "")) if odd else "UTF-8"
    text = f"{body}\nSigned-off-by: Ada Example <ada@example.org>\n---\n".encode(
        "latin-1" if charset == "ISO-8859-1" else "utf-8"
    )
    if odd and rng.random() < 0.1:
        text = text.replace(b"---\n", b"")
    kind = f"MIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\n" if charset else ""
    head = (
        f"From: {rng.choice(_AUTHORS) if odd else _AUTHORS[0]}\nTo: linux-mm@example.org\n"
        f"Date: {rng.choice(_DATES) if odd else _DATES[0]}\nMessage-ID: <differ-{number}@example.org>\n"
        f"Subject: {rng.choice(_SUBJECTS) if odd else _SUBJECTS[0]}\n{kind}"
    ).encode()
    ends = b"\n" if rng.random() < 0.8 else b"\n-- \n2.39.5\n\n"
    whole = text + diff + ends
    if kind and odd and rng.random() < 0.3:
        if rng.random() < 0.5:
            return head + b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(whole)
        return head + b"Content-Transfer-Encoding: quoted-printable\n\n" + quopri.encodestring(whole)
    mail = head + (b"Content-Transfer-Encoding: 8bit\n" if kind else b"") + b"\n" + whole
    return mail.replace(b"\n", b"\r\n") if rng.random() < 0.08 else mail


class Case(NamedTuple):
    """A repository, the commit to apply on, and the mails."""

    where: Path
    base: str
    mails: tuple[bytes, ...]
    returns: bool = False  # some file has carriage returns


def invent(seed: int, folder: Path) -> Case:
    """Make up a repository and the mails of a series; the same seed makes the same."""
    rng = random.Random(seed)
    where = folder / "author"
    repository = pygit2.init_repository(str(where))
    states = [_invented(rng)]
    for _ in range(rng.randint(1, 4)):
        states.append(_step(rng, states[-1]))
    commits = [_commit(repository, files) for files in states]
    diffs = _diffs(rng, where, commits)
    if rng.random() < 0.25:
        at = rng.randrange(len(diffs))
        diffs[at] = _damaged(rng, diffs[at])
    mails = tuple(_mail(rng, diff, number) for number, diff in enumerate(diffs, 1))
    kind = rng.random()
    returns = any(b"\r" in content for state in states for _, content in state.values())
    files = states[0] if kind < 0.4 else rng.choice(states) if kind < 0.5 else _step(rng, states[0])
    if rng.random() < 0.5:
        return Case(where, _commit(repository, files), mails, returns)
    where = folder / "maintainer"  # who never saw the blobs of the author
    return Case(where, _commit(pygit2.init_repository(str(where)), files), mails, returns)


def by_git(case: Case) -> Outcome:
    """Apply the mails with ``git am -3``."""
    where = case.where
    _git(where, "checkout", "-q", "--detach", case.base)
    box = b"".join(
        b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + re.sub(rb"(?m)^(>*From )", rb">\1", mail.rstrip(b"\n")) + b"\n\n"
        for mail in case.mails
    )
    done = _git(where, "am", "-3", "--scissors", "--patch-format=mboxrd", stdin=box)
    repository = pygit2.Repository(str(where))
    commits = []
    for commit in repository.walk(
        repository.head.target, pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.REVERSE
    ):
        author = commit.author
        commits.append(
            Commit(
                str(commit.tree_id),
                f"{author.name} <{author.email}>",
                (author.time, author.offset),
                commit.raw_message.decode("utf-8", "replace"),
            )
        )
    return Outcome(done.returncode == 0, tuple(commits[1:]), (done.stdout + done.stderr).decode("utf-8", "replace"))


def by_us(case: Case, store: Store) -> tuple[Outcome, Attempt]:
    """Apply the mails on objects."""
    branch = store.import_repository("case", case.where, case.base)
    messages = [parse_message(mail) for mail in case.mails]
    patches = [Patch(number, message, bare(message.subject), "") for number, message in enumerate(messages, 1)]
    attempt = apply_series(store, Base("case", branch.commit, "differ"), patches)
    commits = []
    for patch in attempt.patches:
        if patch.method is Method.ALREADY:
            continue
        commit = store.commit(patch.commit)
        message = re.sub(r"(?:\A|\n?\n)Message-ID: <differ-\d+@example\.org>\n\Z", "\n", commit.message).lstrip("\n")
        author = commit.author
        commits.append(
            Commit(str(commit.tree_id), f"{author.name} <{author.email}>", (author.time, author.offset), message)
        )
    return Outcome(attempt.applies, tuple(commits), attempt.reject.reason if attempt.reject else ""), attempt


def compare(seed: int) -> tuple[str, str]:
    """Return the class of one case, and what differs: "same…" classes are as they should be."""
    with tempfile.TemporaryDirectory(prefix="differ-") as name:
        folder = Path(name)
        case = invent(seed, folder)
        theirs = by_git(case)
        ours, attempt = by_us(case, Store(folder / "store"))
    ways = {patch.method for patch in attempt.patches}
    if (ours.applies, ours.commits) == (theirs.applies, theirs.commits):
        return ("same: applies" if ours.applies else "same: fails"), ""
    trees = [commit.tree for commit in ours.commits], [commit.tree for commit in theirs.commits]
    if trees[0] == trees[1] and ours.applies == theirs.applies:
        one, other = next((a, b) for a, b in zip(ours.commits, theirs.commits, strict=True) if a != b)
        field = next(field for field in Commit._fields if getattr(one, field) != getattr(other, field))
        return f"another {field}", f"ours {getattr(one, field)!r}, git am {getattr(other, field)!r}"
    if not theirs.applies and Method.ALREADY in ways:
        return "more: already there", ""
    if len(trees[0]) > len(trees[1]) and "invalid date format" in theirs.said:
        return "more: a date that git does not read", ""
    if len(trees[0]) > len(trees[1]) and case.returns:
        return "more: line ends", ""
    if theirs.applies and "CONFLICT (rename/add)" in theirs.said:
        return "less: a rename onto another file", ""
    if theirs.applies:
        return "LESS than git am" if not ours.applies else "ANOTHER TREE", f"ours {ours.said!r}, git am {theirs.said!r}"
    return (
        "more than git am" if len(trees[0]) > len(trees[1]) else "FEWER PATCHES"
    ), f"{ours.said!r}, git am {theirs.said!r}"


def run(first: int, count: int) -> int:
    """Compare many cases, print the classes and one line for each that differs; 0 when none is worse."""
    classes: Counter[str] = Counter()
    for seed in range(first, first + count):
        kind, difference = compare(seed)
        classes[kind] += 1
        if difference:
            print(f"{seed}: {kind}: {difference[:900]}", flush=True)
    for kind, number in sorted(classes.items()):
        print(f"{number:6}  {kind}")
    return int(any(kind[:4].isupper() or kind.startswith("another") for kind in classes))
