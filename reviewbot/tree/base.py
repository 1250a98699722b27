"""Choosing the commit that a series was made for, as a maintainer would, and saying why.

The order of the cascade is that of the evidence: what the author states, then
what the diffs prove, then what the subject and the list suggest, then the
order in which the trees are configured. Where no tip has the files that the
diffs were made from, the history of the branches is searched for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pygit2

from reviewbot.errors import OperatorError
from reviewbot.series.model import Patch, Series, incomplete
from reviewbot.tree.advice import advice
from reviewbot.tree.apply import apply_letters, open_letters
from reviewbot.tree.evidence import Candidate, Evidence, gather, preimages
from reviewbot.tree.git import GitTimeoutError
from reviewbot.tree.history import matching, newest_with
from reviewbot.tree.letter import Letter
from reviewbot.tree.model import GUESSED, Application, Attempt, Base, Method, Reject
from reviewbot.tree.notes import called
from reviewbot.tree.store import Store

__all__ = ["Candidate", "choose", "outcome"]

#: bases that one series is tried on
MAX_ATTEMPTS = 12

#: branches whose history is searched for the files that a series expects
MAX_SEARCHES = 4


@dataclass(frozen=True, slots=True)
class _Option:
    """A commit to try: its place in the order, and why it stands there."""

    rank: tuple[float, ...]
    base: Base
    sentence: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A commit of a tree, and how many of the expected files it has.

    :ivar order: of the tree in the configuration.
    :ivar late: 0 for the tip when the series was sent, 1 for that of today, 2 for another commit.
    :ivar searched: found by searching the history.
    """

    candidate: Candidate
    commit: str
    have: int
    total: int
    order: int
    late: int
    searched: bool = False


def choose(
    store: Store,
    series: Series,
    candidates: Sequence[Candidate],
    *,
    prerequisites: Sequence[Patch] = (),
    fuzz: bool = False,
    told: Sequence[str] = (),
) -> Application:
    """Try a series on the bases it may have been made for, likeliest first, until it applies.

    :param candidates: in the configured order.
    :param prerequisites: patches of other series that this one is stated to
        stand on, as far as they are known; they are applied first.
    :param fuzz: see :func:`reviewbot.tree.apply.apply_series`.
    :param told: sentences on what was done about the base before, for the trace.
    :raises OperatorError: when there is nothing to try on.
    """
    with store.scratch() as scratch:
        letters = open_letters(store, series.patches, scratch)
        before = open_letters(store, prerequisites, scratch)
        paths = sorted({path for letter in letters if isinstance(letter, Letter) for path in letter.paths})
        evidence = gather(store, series, candidates, paths)
        trace = [*_incomplete(series), *told, *_stated(store, series, prerequisites), *evidence.remarks]
        attempts: list[Attempt] = []
        options = _options(store, series, candidates, letters, evidence, trace)[:MAX_ATTEMPTS]
        if not options:
            raise OperatorError("There is no tree to apply the series to: add one first.")
        for option in options:
            trace.append(option.sentence)
            base = _with_prerequisites(store, option.base, before, scratch, trace)
            attempt = apply_letters(store, base, letters, scratch, trailers=series.cover_trailers, fuzz=fuzz)
            attempts.append(attempt)
            trace.append(outcome(attempt, len(series.patches)))
            if attempt.applies and attempt.method is not Method.ALREADY:
                attempts += _merged_since(store, attempts, candidates, letters, scratch, trace)
                break
        if not any(attempt.applies for attempt in attempts):
            trace += advice(store, series, attempts, letters, scratch)
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
    return f"{where}: {how[attempt.method or Method.CLEAN]}.{already}{_moved(attempt)}"


def _moved(attempt: Attempt) -> str:
    """Say of what went in that some of it stands elsewhere than the mails say, as a further sentence."""
    numbers = [str(patch.number) for patch in attempt.patches if patch.moved]
    if not numbers:
        return ""
    lines = max(patch.moved for patch in attempt.patches)
    far = f"up to {lines} lines" if lines > 1 else "one line"
    one = len(numbers) == 1
    return (
        f" Patch {', '.join(numbers)} {'goes' if one else 'go'} in word for word, {far} from where "
        f"{'its hunks say' if one else 'their hunks say'}."
    )


def _merged_since(
    store: Store,
    attempts: Sequence[Attempt],
    candidates: Sequence[Candidate],
    letters: Sequence[Letter | Reject],
    scratch: Path,
    trace: list[str],
) -> Iterator[Attempt]:
    """Say when today's tree has patches that went in on an earlier commit; yield the try when it has them all."""
    name = attempts[-1].base.tree
    tree = next((one for one in candidates if one.branch.name == name), candidates[0]).branch
    if tree.commit in {attempt.base.commit for attempt in attempts}:
        return
    attempt = apply_letters(store, Base(tree.name, tree.commit, "tip of today", tree.describe), letters, scratch)
    there = [str(patch.number) for patch in attempt.patches if patch.method is Method.ALREADY]
    if attempt.applies and attempt.method is Method.ALREADY:
        trace.append(outcome(attempt, len(letters)))
        yield attempt
    elif there:
        trace.append(f"{tree.describe}: has patch {', '.join(there)} already.")


def _incomplete(series: Series) -> Iterable[str]:
    if series.missing:
        yield f"{incomplete(series)} What is there is tried."


def _stated(store: Store, series: Series, prerequisites: Sequence[Patch]) -> Iterable[str]:
    """Say what the author states about the base, and whether it can be had."""
    if series.base_commit and not store.has_commit(series.base_commit):
        yield f"The cover names base-commit {series.base_commit[:12]}, {GUESSED}"
    elif not series.base_commit:
        yield "No base-commit is named; the base is guessed."
    if series.prerequisites or series.based_on:
        stated = len(series.prerequisites) or len(series.based_on)
        what = "prerequisite patch" if series.prerequisites else "series"
        count = len(prerequisites)
        known = (
            f"{count} patch{'es of it are' if count > 1 else ' of it is'} known"
            if count
            else "nothing of it is known here"
        )
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
    return replace(
        base,
        commit=attempt.patches[-1].commit,
        how=f"{base.how}, with {len(before)} prerequisite patch{'es' if len(before) > 1 else ''}",
    )


def _options(
    store: Store,
    series: Series,
    candidates: Sequence[Candidate],
    letters: Sequence[Letter | Reject],
    evidence: Evidence,
    trace: list[str],
) -> list[_Option]:
    """Return every commit to try, likeliest first, each commit once."""
    options: list[_Option] = []
    if series.base_commit and store.has_commit(series.base_commit):
        commit = str(store.commit(series.base_commit).id)
        name = _owner(store, commit, candidates)
        base = Base(name, commit, "base-commit of the cover", _describe(store, name, commit))
        options.append(_Option((-1.0,), base, f"The cover names base-commit {commit[:12]}; it is tried first."))
    blobs = preimages(letters)
    tips = []
    for order, candidate in enumerate(candidates):
        tip = candidate.branch.commit
        for late, commit in enumerate(dict.fromkeys((store.tip_at(candidate.branch.name, series.date) or tip, tip))):
            place = _Place(candidate, commit, matching(store, commit, blobs), len(blobs), order, late)
            tips.append((_option(store, place, evidence), place))
    tips.sort(key=lambda pair: pair[0].rank)
    options += [option for option, _ in tips]
    if blobs and all(place.have < len(blobs) for _, place in tips):
        options += _from_history(store, series, [place for _, place in tips], blobs, evidence, trace)
    first: dict[str, _Option] = {}
    for option in sorted(options, key=lambda option: option.rank):
        first.setdefault(option.base.commit, option)
    return list(first.values())


def _from_history(
    store: Store,
    series: Series,
    tips: Sequence[_Place],
    blobs: Mapping[str, str],
    evidence: Evidence,
    trace: list[str],
) -> Iterator[_Option]:
    """Yield earlier commits of the likeliest branches that have more of the files than the tips, until one has all."""
    branches = {tip.candidate.branch.name: tip for tip in tips if _has_history(store, tip.candidate.branch.name)}
    for place in list(branches.values())[:MAX_SEARCHES]:
        try:
            found = newest_with(store, place.candidate.branch.commit, blobs, series.date)
        except GitTimeoutError:
            trace.append(f"{place.candidate.branch.name}: its history is too long to search for the files in time.")
            return
        if found:
            yield _option(store, replace(place, commit=found.commit, have=found.have, late=2, searched=True), evidence)
            if found.have == len(blobs):
                return


def _has_history(store: Store, name: str) -> bool:
    note = store.note(name)
    return note is not None and note.kind == "repository"


def _option(store: Store, place: _Place, evidence: Evidence) -> _Option:
    branch = place.candidate.branch
    named, listed = evidence.named.get(branch.name, ""), evidence.listed.get(branch.name, "")
    maintained, section = evidence.maintained.get(branch.name, (0.0, ""))
    share = place.have / place.total if place.total else 0.0
    reasons = []
    if place.searched:
        reasons.append("is the newest of its commits that comes closest" if share < 1 else "is its newest such commit")
    if place.total:
        reasons.insert(0, f"has {place.have} of the {place.total} files as the patches expect them")
    if named:
        reasons.append(f"is named in the subject ({named})")
    if listed:
        reasons.append(f"takes the patches of {listed}")
    if section:
        reasons.append(f"is the tree of {section} in MAINTAINERS")
    tip = place.commit == branch.commit
    describe = branch.describe if tip else _describe(store, branch.name, place.commit)
    when = "" if tip or place.searched else " as it was when the series was sent"
    stale = f" {place.candidate.stale}" if place.candidate.stale else ""
    sentence = f"{describe}{when}: {'; '.join(reasons) or 'is next in the configured order'}.{stale}"
    rank = (
        float(share < 1.0), float(not named), -share, -float(bool(listed)) - maintained,
        float(place.order), float(place.late),
    )  # fmt: skip
    return _Option(rank, Base(branch.name, place.commit, _how(place, named, listed, section), describe), sentence)


def _how(place: _Place, named: str, listed: str, section: str) -> str:
    """Say in a phrase what speaks most for a commit."""
    if place.total and place.have == place.total:
        return f"{'newest commit that ' if place.searched else ''}has every file as the patches expect it"
    if named:
        return "named in the subject"
    if place.have:
        return f"{place.have} of {place.total} files match"
    if listed:
        return "tree of the list"
    return "tree of the maintainers" if section else "configured order"


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
    return called(name, store.version(commit), commit)
