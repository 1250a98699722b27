"""What speaks for a tree: the files that the diffs expect, the words of the subject, the lists, MAINTAINERS."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pygit2

from reviewbot.series.model import Series
from reviewbot.tree import maintainers
from reviewbot.tree.letter import Letter
from reviewbot.tree.model import Reject
from reviewbot.tree.notes import Branch
from reviewbot.tree.store import Store

_VERSION = re.compile(r"v?(\d+\.\d+)(?:\.(?:\d+|y))?")
_WEAK = frozenset({"rfc", "rft", "resend", "next", "fix", "fixes", "bugfix", "mm", "net", "tip", "for", "autosel"})
#: words that name a tree, though none that everybody would agree on
_LIKE_A_TREE = re.compile(
    r"[\w.-]+-(?:next|unstable|stable|hotfixes|new|fixes|devel)(?:/[\w/.-]+)?|for-\w+(?:/[\w/.-]+)?"
)
#: touched files whose maintainers are looked up
_MAX_FILES = 300


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tree that a series may have been made for.

    :ivar branch: as the store knows it.
    :ivar words: names by which a subject means it, beside its own: ``mm-unstable``, ``for-next/core`` …
    :ivar lists: addresses or List-Ids of the lists whose patches it takes.
    :ivar follows: the branch of its repository that it follows, "" when it is none or not known.
    :ivar stale: a sentence when it is not up to date, else "".
    """

    branch: Branch
    words: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    follows: str = ""
    stale: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known before a tree is looked into.

    :ivar named: tree -> word of the subject that means it.
    :ivar listed: tree -> list whose patches it takes.
    :ivar maintained: tree -> share of the touched files whose patches it takes, and the section that says so.
    :ivar remarks: what the series names and no known tree is, one sentence each.
    """

    named: Mapping[str, str] = field(default_factory=dict)
    listed: Mapping[str, str] = field(default_factory=dict)
    maintained: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def gather(store: Store, series: Series, candidates: Sequence[Candidate], paths: Sequence[str]) -> Evidence:
    """Return what subject, recipients and MAINTAINERS say.

    :param paths: of the files that the series touches.
    """
    listed = {one.branch.name: word for one in candidates if (word := _listed(series, one))}
    named = {one.branch.name: word for one in candidates if (word := _named(series, one, one.branch.name in listed))}
    remarks = []
    for word in series.prefixes:
        if _LIKE_A_TREE.fullmatch(word.lower()) and word not in named.values():
            into = _takes_all(candidates) if word.lower().endswith("-next") else ""
            remarks.append(
                f"The subject names {word}, which is no known tree"
                + (f"; {into}, which takes it in, stands for it." if into else ".")
            )
            if into:
                named.setdefault(into, word)
    maintained, unknown = _maintained(store, candidates, paths)
    return Evidence(named, listed, maintained, (*remarks, *unknown))


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


def _named(series: Series, candidate: Candidate, listed: bool) -> str:
    """Return the word of the subject that means a tree, "" when none does.

    ``for-next`` is a branch of many: it means the one that takes the patches of the list.
    """
    names = {word.lower() for word in (candidate.branch.name, *candidate.words)}
    ends = {name.rpartition("/")[2] for name in names} - _WEAK
    starts = {name.partition("/")[0] for name in names if name.startswith("for-")} if listed else set()
    for word in series.prefixes:
        lower = word.lower().strip("*")
        if lower in names or lower in ends or lower in starts:
            return str(word)
        version = _VERSION.fullmatch(lower)
        if version and f"{candidate.branch.version}.".startswith(f"{version[1]}."):
            return str(word)
    return ""


def _takes_all(candidates: Iterable[Candidate]) -> str:
    """Return the tree that the subjects of all lists call ``next``, "" when there is none."""
    return next((one.branch.name for one in candidates if "next" in one.words), "")


def _listed(series: Series, candidate: Candidate) -> str:
    """Return the list of the series whose patches a tree takes, "" when there is none."""
    takes = {name.lower().replace("@", ".") for name in candidate.lists}
    for message in (*((series.cover,) if series.cover else ()), *(patch.message for patch in series.patches)):
        for name in (*message.lists, *(address.email for address in (*message.to, *message.cc))):
            if name.lower().replace("@", ".") in takes:
                return str(name)
    return ""


def _maintained(
    store: Store, candidates: Sequence[Candidate], paths: Sequence[str]
) -> tuple[dict[str, tuple[float, str]], list[str]]:
    """Return what MAINTAINERS says of each tree, and of repositories that are not among them."""
    sections = next((found for one in candidates if (found := _sections(store, one.branch.commit))), ())
    counts: Counter[str] = Counter()
    says: dict[str, str] = {}
    strangers: Counter[tuple[str, str, str]] = Counter()
    files = list(paths)[:_MAX_FILES]
    for path in files:
        responsible = maintainers.responsible(sections, path)
        takers = [
            (one.branch.name, section.name)
            for one in candidates
            for section in responsible
            if any(_follows(one, *tree) for tree in section.trees)
        ]
        for name, section_name in dict(takers).items():
            counts[name] += 1
            says.setdefault(name, section_name)
        if responsible and not takers:
            section = responsible[0]
            strangers[section.name, *section.trees[0]] += 1
    unknown = [
        f"MAINTAINERS names {' '.join((address, branch)).strip()} ({name}) for {count} of the {len(files)} files; "
        "that is none of the known trees."
        for (name, address, branch), count in strangers.most_common(3)
    ]
    return {name: (count / len(files), says[name]) for name, count in counts.items()}, unknown


def _follows(candidate: Candidate, address: str, branch: str) -> bool:
    same = maintainers.same_repository(address, candidate.branch.source)
    return same and (not branch or not candidate.follows or branch == candidate.follows)


def _sections(store: Store, commit: str) -> tuple[maintainers.Section, ...]:
    try:
        blob = store.commit(commit).tree["MAINTAINERS"]
    except (KeyError, ValueError, pygit2.GitError):
        return ()
    return maintainers.read(blob.data) if isinstance(blob, pygit2.Blob) else ()
