"""Real series against what is known of them: outcomes, trees, chosen bases."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pygit2

from reviewbot.mail.parse import parse_message
from reviewbot.mail.subject import bare
from reviewbot.series.assemble import assemble
from reviewbot.series.model import Patch, Series
from reviewbot.tree.apply import apply_series
from reviewbot.tree.base import Candidate, choose
from reviewbot.tree.git import environment
from reviewbot.tree.model import Attempt, Base, Method
from reviewbot.tree.notes import Branch
from reviewbot.tree.staging import graft
from reviewbot.tree.store import Store

#: git in some checkout
Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
_ID = re.compile(rb"^message-id:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)


class Case(NamedTuple):
    """A series of the corpus: what is known of it, and its patches."""

    truth: dict[str, Any]
    patches: tuple[Patch, ...]


def cases(corpus: Path, work: Path) -> Iterator[Case]:
    """Yield the series of which it is known where they apply."""
    mails = read_mails(corpus, work)
    for line in (corpus / "ground-truth.jsonl").read_text().splitlines():
        truth = json.loads(line)
        if truth.get("apply"):
            raws = [(patch["n"], mails[patch["msgid"]]) for patch in truth["patches"]]
            messages = [(number, parse_message(raw)) for number, raw in raws]
            yield Case(truth, tuple(Patch(number, message, bare(message.subject), "") for number, message in messages))


def read_mails(corpus: Path, work: Path) -> dict[str, bytes]:
    """Return Message-ID -> mail, from the bundled archive."""
    archive = work / "mails.git"
    if not archive.is_dir():
        work.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "-q", "--bare", corpus / "linux-arch-sample.bundle", archive], check=True)
    git = ["git", f"--git-dir={archive}"]
    commits = subprocess.run([*git, "rev-list", "--all"], check=True, capture_output=True).stdout.decode().split()
    names = "".join(f"{commit}:m\n" for commit in commits).encode()
    stream = subprocess.run([*git, "cat-file", "--batch"], input=names, check=True, capture_output=True).stdout
    mails: dict[str, bytes] = {}
    at = 0
    while at < len(stream):
        end = stream.index(b"\n", at)
        head = stream[at:end].split()
        at = end + 1
        if head[-1] == b"missing":
            continue
        raw = stream[at : at + int(head[2])]
        at += len(raw) + 1
        if match := _ID.search(raw):
            mails.setdefault(match[1].decode("utf-8", "replace"), raw)
    return mails


def trees(work: Path, places: Mapping[str, str]) -> dict[str, tuple[Store, Branch]]:
    """Take each tree into a store of its own, so that no blob of one helps with another."""
    return {name: _tree(work / f"only-{name}", name, place) for name, place in places.items()}


def _tree(path: Path, name: str, place: str) -> tuple[Store, Branch]:
    store = Store(path)
    repository, at, revision = place.rpartition("@")
    if at and not Path(place).exists():
        return store, store.import_repository(name, repository, revision)
    return store, store.import_directory(name, place)


def outcomes(corpus: Path, work: Path, places: Mapping[str, str]) -> int:
    """Compare each outcome with what is known; print a table of the differences."""
    have = trees(work, places)
    agree = differ = 0
    times = []
    print("| series | tree | known | found | why |\n|---|---|---|---|---|")
    for truth, patches in cases(corpus, work):
        for name, (store, branch) in have.items():
            known = truth["apply"][name]
            start = time.perf_counter()
            attempt = apply_series(store, Base(name, branch.commit, "named"), patches)
            times.append(time.perf_counter() - start)
            if (attempt.applies, len(attempt.patches)) == (known["applies"], known["applied"]):
                agree += 1
                continue
            differ += 1
            ways = Counter(patch.method.value for patch in attempt.patches)
            found = f"{_said(attempt.applies)} after {len(attempt.patches)}"
            known_as = f"{_said(known['applies'])} after {known['applied']}, {known['method']}"
            went = ", ".join(f"{count} {way}" for way, count in ways.items())
            print(f"| {truth['root_msgid']} | {name} | {known_as} | {found} | {went} |")
    times.sort()
    print(f"\n{agree} agree, {differ} differ; median {times[len(times) // 2]:.3f} s, slowest {times[-1]:.2f} s")
    return 0


def _said(applies: bool) -> str:
    return "applies" if applies else "fails"


def identity(corpus: Path, work: Path, places: Mapping[str, str]) -> int:
    """Compare the trees with those of ``git am -3``, run on an index without files in the checkout."""
    have = {name: (store, without_missing(store, branch)) for name, (store, branch) in trees(work, places).items()}
    same, other = 0, []
    for truth, patches in cases(corpus, work):
        for name, (store, branch) in have.items():
            attempt = apply_series(store, Base(name, branch.commit, "named"), patches)
            if not attempt.applies or attempt.method is Method.ALREADY:
                continue
            oracle = am(store, branch, patches)
            if attempt.patches[-1].tree == oracle:
                same += 1
            else:
                other.append(f"{truth['root_msgid']} on {name}: {oracle or 'git am fails'}; {_ways(attempt)}")
    print(f"{same} trees are those of git am -3, {len(other)} are not")
    for line in other:
        print(f"  {line}")
    return 0


def without_missing(store: Store, branch: Branch) -> Branch:
    """Return a tree without the files whose content its repository lacks: git am refuses such a tree."""
    listing = store.git.must("ls-tree", "-r", "-z", branch.commit).decode("utf-8", "surrogateescape").split("\0")[:-1]
    files = {line.partition("\t")[2]: line.split()[2] for line in listing}
    names = "".join(f"{oid}\n" for oid in files.values()).encode()
    checked = store.git.must("cat-file", "--batch-check", stdin=names).decode().splitlines()
    missing = {line.split()[0] for line in checked if line.endswith(" missing")}
    if not missing:
        return branch
    tree = graft(
        store.repository,
        store.commit(branch.commit).tree,
        {path: None for path, oid in files.items() if oid in missing},
    )
    who = pygit2.Signature("reviewbot", "reviewbot@localhost", 0, 0)
    commit = store.repository.create_commit(None, who, who, "What is there", tree, [])
    return replace(branch, commit=str(commit))


def _ways(attempt: Attempt) -> str:
    return ", ".join(patch.method.value for patch in attempt.patches)


def am(store: Store, branch: Branch, patches: tuple[Patch, ...]) -> str:
    """Return the tree that ``git am -3`` makes of the mails, "" when it fails."""
    mbox = b"".join(
        b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + _escaped(patch.message.raw) + b"\n\n" for patch in patches
    )
    with checkout(store, branch.commit, {path for patch in patches for path in _paths(patch)}) as git:
        if git("am", "-q", "-3", "--patch-format=mboxrd", stdin=mbox).returncode:
            return ""
        return git("rev-parse", "HEAD^{tree}").stdout.decode().strip()


@contextmanager
def checkout(store: Store, commit: str, touched: Iterable[str]) -> Iterator[Run]:
    """Lend git in a sparse checkout of a commit.

    It has the touched files and no other, which git am does not notice, for it
    looks at the index.
    """
    with tempfile.TemporaryDirectory(dir=store.path / "tmp") as folder:
        where = Path(folder)
        ours = {**environment(where / ".git"), "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"}
        ours.pop("GIT_DIR")

        def git(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
            return subprocess.run(
                ["git", *arguments], cwd=where, input=stdin, env=ours, capture_output=True, check=False
            )

        git("init", "-q")
        (where / ".git/objects/info/alternates").write_text(f"{store.path}/objects\n")
        (where / ".git/info").mkdir(exist_ok=True)
        (where / ".git/info/sparse-checkout").write_text("".join(f"/{path}\n" for path in sorted(touched)))
        git("config", "core.sparseCheckout", "true")
        git("checkout", "-q", "--detach", commit)
        yield git


def _paths(patch: Patch) -> list[str]:
    raw = patch.message.body
    return re.findall(r"^(?:diff --git a/\S+ b/|--- a/|\+\+\+ b/|rename (?:from|to) )(\S+)", raw, re.MULTILINE)


def _escaped(raw: bytes) -> bytes:
    return re.sub(rb"(?m)^(>*From )", rb">\1", raw.rstrip(b"\n"))


def bases(corpus: Path, work: Path, places: Mapping[str, str]) -> int:
    """Choose a base for each series among all trees; print how often it is one where the series applies."""
    store = Store(work / "all")
    candidates = []
    for name, place in places.items():
        repository, at, revision = place.rpartition("@")
        known = at and not os.path.exists(place)  # noqa: PTH110
        branch = store.import_repository(name, repository, revision) if known else store.import_directory(name, place)
        candidates.append(Candidate(branch))
    mails = {mid: parse_message(raw) for mid, raw in read_mails(corpus, work).items()}
    rules: Counter[tuple[str, str]] = Counter()
    for truth, _ in cases(corpus, work):
        found = [one for one in assemble([mails[patch["msgid"]] for patch in truth["patches"]]) if one.patches]
        if not found:
            continue
        chosen = choose(store, _largest(found), candidates)
        somewhere = any(known["applies"] for known in truth["apply"].values())
        first = "first try" if chosen.attempts[0].applies else "later try" if chosen.applies else "nowhere"
        rules[
            re.sub(r"\d+ of \d+", "some", chosen.chosen.base.how),
            first if somewhere else f"known to apply nowhere: {first}",
        ] += 1
    for (rule, result), count in sorted(rules.items()):
        print(f"{count:4}  {rule:40} {result}")
    known_ones = sum(count for (_, result), count in rules.items() if result in ("first try", "later try", "nowhere"))
    hits = {result: sum(count for (_, said), count in rules.items() if said == result) for _, result in rules}
    soon, late = hits.get("first try", 0), hits.get("later try", 0)
    print(f"\nOf {known_ones} series known to apply to one of the trees, {soon} apply to the first that is tried,")
    print(f"{late} to a later one: the chosen base is one where they apply for {(soon + late) / known_ones:.0%}.")
    return 0 if soon + late == known_ones else 1


def _largest(found: list[Series]) -> Series:
    return max(found, key=lambda series: len(series.patches))
