"""Choosing the commit that a series was made for, as a maintainer would, and saying why.

The order of the cascade is that of the evidence: what the author states, then
what the diffs prove, then what the subject and the list suggest, then the
order in which the trees are configured.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pygit2

from reviewbot.errors import OperatorError
from reviewbot.series.model import Patch, Series
from reviewbot.tree.apply import apply_letters, open_letters
from reviewbot.tree.letter import Letter
from reviewbot.tree.model import Application, Attempt, Base, Method, Reject
from reviewbot.tree.notes import Branch
from reviewbot.tree.store import Store

#: bases that one series is tried on
MAX_ATTEMPTS = 12

_VERSION = re.compile(r"v?(\d+\.\d+)(?:\.(?:\d+|y))?")
_WEAK = frozenset({"rfc", "rft", "resend", "next", "fix", "fixes", "bugfix", "mm", "net", "tip", "for", "autosel"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tree that a series may have been made for.

    :ivar branch: as the store knows it.
    :ivar words: names by which a subject means it, beside its own: ``mm-unstable``, ``for-next/core`` …
    :ivar lists: addresses or List-Ids of the lists whose patches it takes.
    """

    branch: Branch
    words: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Option:
    """A commit to try: its place in the order, and why it stands there."""

    rank: tuple[float, ...]
    base: Base
    sentence: str


def choose(
    store: Store,
    series: Series,
    candidates: Sequence[Candidate],
    *,
    prerequisites: Sequence[Patch] = (),
    fuzz: bool = False,
) -> Application:
    """Try a series on the bases it may have been made for, likeliest first, until it applies.

    :param candidates: in the configured order.
    :param prerequisites: patches of other series that this one is stated to
        stand on, as far as they are known; they are applied first.
    :param fuzz: see :func:`reviewbot.tree.apply.apply_series`.
    :raises OperatorError: when there is nothing to try on.
    """
    with store.scratch() as scratch:
        letters = open_letters(store, series.patches, scratch)
        before = open_letters(store, prerequisites, scratch)
        trace = [*_incomplete(series), *_stated(store, series, prerequisites)]
        attempts: list[Attempt] = []
        options = _options(store, series, candidates, letters)[:MAX_ATTEMPTS]
        if not options:
            raise OperatorError("There is no tree to apply the series to: add one first.")
        for option in options:
            trace.append(option.sentence)
            base = _with_prerequisites(store, option.base, before, scratch, trace)
            attempt = apply_letters(store, base, letters, scratch, trailers=series.cover_trailers, fuzz=fuzz)
            attempts.append(attempt)
            trace.append(outcome(attempt, len(series.patches)))
            if attempt.applies and attempt.method is not Method.ALREADY:
                break
    return Application(tuple(attempts), tuple(trace))


def outcome(attempt: Attempt, patches: int) -> str:
    """Say in a sentence what became of an attempt.

    :param patches: number of patches that were tried.
    """
    where = attempt.base.describe or attempt.base.tree
    if attempt.reject:
        place = f"patch {attempt.reject.patch}"
        went = f"{len(attempt.patches)} of {patches} patches went in" if attempt.patches else "nothing went in"
        return f"{where}: does not apply at {place}; {went}. {attempt.reject.reason}"
    if attempt.method is Method.ALREADY:
        return f"{where}: has every patch of the series already."
    there = [str(patch.number) for patch in attempt.patches if patch.method is Method.ALREADY]
    already = f" Patch {', '.join(there)} was there already." if there else ""
    how = {Method.CLEAN: "applies", Method.FUZZ: "applies with fuzz", Method.THREE_WAY: "applies by a 3-way merge"}
    return f"{where}: {how[attempt.method or Method.CLEAN]}.{already}"


def _incomplete(series: Series) -> Iterable[str]:
    if series.missing:
        numbers = ", ".join(map(str, series.missing[:10])) + (" …" if len(series.missing) > 10 else "")
        yield f"The series is not complete: patch {numbers} of {series.expected} is missing; the others are tried."


def _stated(store: Store, series: Series, prerequisites: Sequence[Patch]) -> Iterable[str]:
    """Say what the author states about the base, and whether it can be had."""
    if series.base_commit and not store.has_commit(series.base_commit):
        yield f"The cover names base-commit {series.base_commit[:12]}, which no known tree has; it is guessed instead."
    elif not series.base_commit:
        yield "No base-commit is named; the base is guessed."
    if series.prerequisites or series.based_on:
        stated = len(series.prerequisites) or len(series.based_on)
        what = "prerequisite patch" if series.prerequisites else "series"
        known = f"{len(prerequisites)} patches of it are known" if prerequisites else "nothing of it is known here"
        yield f"The series stands on {stated} {what}{'es' if series.prerequisites and stated > 1 else ''}; {known}."


def _with_prerequisites(
    store: Store, base: Base, before: Sequence[Letter | Reject], scratch: Path, trace: list[str]
) -> Base:
    if not before:
        return base
    attempt = apply_letters(store, base, before, scratch)
    if attempt.reject:
        trace.append(f"{base.describe or base.tree}: its prerequisites do not apply. {attempt.reject.reason}")
        return base
    return replace(base, commit=attempt.patches[-1].commit, how=f"{base.how}, with {len(before)} prerequisite patches")


def _options(
    store: Store, series: Series, candidates: Sequence[Candidate], letters: Sequence[Letter | Reject]
) -> list[_Option]:
    """Return every commit to try, likeliest first, each commit once."""
    options: list[_Option] = []
    if series.base_commit and store.has_commit(series.base_commit):
        commit = str(store.commit(series.base_commit).id)
        name = _owner(store, commit, candidates)
        base = Base(name, commit, "base-commit of the cover", _describe(store, name, commit))
        options.append(_Option((-1.0,), base, f"The cover names base-commit {commit[:12]}; it is tried first."))
    blobs = preimages(letters)
    for order, candidate in enumerate(candidates):
        named, listed = _named(series, candidate), _listed(series, candidate)
        tip = candidate.branch.commit
        for late, commit in enumerate(dict.fromkeys((store.tip_at(candidate.branch.name, series.date) or tip, tip))):
            have = matching(store, commit, blobs)
            options.append(_option(store, candidate, commit, have, len(blobs), named, listed, order, late))
    first: dict[str, _Option] = {}
    for option in sorted(options, key=lambda option: option.rank):
        first.setdefault(option.base.commit, option)
    return list(first.values())


def _option(
    store: Store,
    candidate: Candidate,
    commit: str,
    have: int,
    total: int,
    named: str,
    listed: str,
    order: int,
    late: int,
) -> _Option:
    share = have / total if total else 0.0
    reasons = []
    if total:
        reasons.append(f"has {have} of the {total} files as the patches expect them")
    if named:
        reasons.append(f"is named in the subject ({named})")
    if listed:
        reasons.append(f"takes the patches of {listed}")
    if total and have == total:
        how = "has every file as the patches expect it"
    else:
        how = "named in the subject" if named else f"{have} of {total} files match" if have else ""
        how = how or ("tree of the list" if listed else "configured order")
    tip = commit == candidate.branch.commit
    describe = candidate.branch.describe if tip else _describe(store, candidate.branch.name, commit)
    when = "" if tip else " as it was when the series was sent"
    sentence = f"{describe}{when}: {'; '.join(reasons) or 'is next in the configured order'}."
    rank = (float(share < 1.0), float(not named), -share, float(not listed), float(order), float(late))
    return _Option(rank, Base(candidate.branch.name, commit, how, describe), sentence)


def preimages(letters: Iterable[Letter | Reject]) -> dict[str, str]:
    """Return path -> leading digits of the blob that the series expects there at first.

    Only the first mention counts: later patches see what earlier ones made.
    """
    first: dict[str, str] = {}
    made: set[str] = set()
    for letter in letters:
        if isinstance(letter, Reject):
            break
        for file in letter.files.files:
            if file.old_path and file.old_path not in made and file.old_blob.strip("0"):
                first.setdefault(file.old_path, file.old_blob)
            made.update(path for path in (file.old_path, file.new_path) if path)
    return first


def matching(store: Store, commit: str, blobs: dict[str, str]) -> int:
    """Count the files of a commit that have the content named."""
    tree = store.commit(commit).tree
    count = 0
    for path, digits in blobs.items():
        try:
            entry = tree[path]
        except (KeyError, ValueError, pygit2.GitError):
            continue
        count += str(entry.id).startswith(digits)
    return count


def _named(series: Series, candidate: Candidate) -> str:
    """Return the word of the subject that means a tree, "" when none does."""
    names = {word.lower() for word in (candidate.branch.name, *candidate.words)}
    ends = {name.rpartition("/")[2] for name in names} - _WEAK
    for word in series.prefixes:
        lower = word.lower().strip("*")
        if lower in names or lower in ends:
            return str(word)
        version = _VERSION.fullmatch(lower)
        if version and f"{candidate.branch.version}.".startswith(f"{version[1]}."):
            return str(word)
    return ""


def _listed(series: Series, candidate: Candidate) -> str:
    """Return the list of the series whose patches a tree takes, "" when there is none."""
    takes = {name.lower().replace("@", ".") for name in candidate.lists}
    for message in (*((series.cover,) if series.cover else ()), *(patch.message for patch in series.patches)):
        for name in (*message.lists, *(address.email for address in (*message.to, *message.cc))):
            if name.lower().replace("@", ".") in takes:
                return str(name)
    return ""


def _owner(store: Store, commit: str, candidates: Sequence[Candidate]) -> str:
    """Return the first tree that contains a commit, else the commit itself."""
    repository = store.repository
    for candidate in candidates:
        tip = candidate.branch.commit
        try:
            if tip == commit or repository.descendant_of(tip, commit):
                return candidate.branch.name
        except (KeyError, pygit2.GitError):
            continue  # shallow history ends before it
    return commit[:12]


def _describe(store: Store, name: str, commit: str) -> str:
    version = store.version(commit)
    return f"{name} at {commit[:12]}" + (f" ({version})" if version else "")
