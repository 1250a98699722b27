"""Applying a series on objects alone: no checkout, one commit per patch, or the exact reason why not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pygit2

from reviewbot.errors import AuthorError, NotFoundError
from reviewbot.series.model import Patch, Trailer
from reviewbot.tree import threeway
from reviewbot.tree.explain import broken, explain
from reviewbot.tree.git import GitTimeoutError, our_fault
from reviewbot.tree.letter import Letter, open_letter
from reviewbot.tree.model import AppliedPatch, Attempt, Base, Method, Reject
from reviewbot.tree.present import leading
from reviewbot.tree.screen import screen, verify
from reviewbot.tree.staging import Staging
from reviewbot.tree.store import SERIES, Store

#: mails of a series that are opened at a time
_OPENERS = 4
#: complaints of git-apply(1) about the patch itself, which no other way of applying can mend
_MALFORMED = ("corrupt patch", "No valid patches in input", "invalid path", "beyond a symbolic link")


def apply_series(
    store: Store,
    base: Base,
    patches: Sequence[Patch],
    *,
    trailers: Sequence[Trailer] = (),
    fuzz: bool = False,
) -> Attempt:
    """Apply patches in their order on a base, as ``git am -3`` would.

    Each patch becomes one commit: author and date of the mail, the same as
    committer, its message with the collected trailers and the Message-ID. The
    same patches on the same base have the same commits, whoever applies them.
    A patch that the tree has already makes no commit; its parent stands for it.
    The first patch that does not go in ends the attempt.

    :param trailers: given to the whole series.
    :param fuzz: take a patch also where only one line of context matches,
        which ``git am`` does not.
    :raises NotFoundError: when the store does not have the base.
    :raises OperatorError: when git, the disk or the store is at fault.
    """
    with store.scratch() as scratch:
        return apply_letters(store, base, open_letters(store, patches, scratch), scratch, trailers=trailers, fuzz=fuzz)


def open_letters(store: Store, patches: Sequence[Patch], scratch: Path) -> list[Letter | Reject]:
    """Open the mails of a series up to the first that holds nothing to apply."""

    def opened(patch: Patch) -> Letter | Reject:
        try:
            letter = open_letter(store.git, patch, scratch)
            screen(letter)
        except (AuthorError, GitTimeoutError) as error:
            return broken(patch.number, patch.message.message_id, str(error))
        return letter

    with ThreadPoolExecutor(_OPENERS) as pool:
        letters = list(pool.map(opened, patches))
    first = next((at for at, letter in enumerate(letters) if isinstance(letter, Reject)), len(letters))
    return letters[: first + 1]


def apply_letters(
    store: Store,
    base: Base,
    letters: Sequence[Letter | Reject],
    scratch: Path,
    *,
    trailers: Sequence[Trailer] = (),
    fuzz: bool = False,
) -> Attempt:
    """Apply opened mails on a base; see :func:`apply_series`."""
    with our_fault(f"The series cannot be applied to {base.tree}"):
        return _apply_letters(store, base, letters, scratch, trailers, fuzz=fuzz)


def _apply_letters(
    store: Store,
    base: Base,
    letters: Sequence[Letter | Reject],
    scratch: Path,
    trailers: Sequence[Trailer],
    *,
    fuzz: bool,
) -> Attempt:
    try:
        parent = store.commit(base.commit)
    except (KeyError, ValueError):
        raise NotFoundError(f"The commit {base.commit} of {base.tree} is not in the store: sync the tree.") from None
    rows = [letter for letter in letters if isinstance(letter, Letter)]
    staging = Staging(store, scratch, str(parent.tree_id), [path for letter in rows for path in letter.paths])
    commit = base.commit
    done: list[AppliedPatch] = []
    reject = next((letter for letter in letters if isinstance(letter, Reject)), None)
    if not letters:
        reject = broken(1, "", "There is no patch to apply: none was found in the mails.")
    while len(done) < len(rows):
        result = apply_next(staging, rows[len(done) :], scratch, fuzz=fuzz)
        if isinstance(result, Reject):
            reject = result
            break
        method, count = result
        for letter in rows[len(done) : len(done) + count]:
            if method is not Method.ALREADY:
                commit = _commit(store, letter, (*letter.patch.trailers, *trailers), staging.tree, commit)
            done.append(AppliedPatch(letter.number, commit, staging.tree, method))
    if commit != base.commit:
        store.point(_reference(letters, commit), commit)
    return Attempt(base, tuple(done), reject)


def apply_next(
    staging: Staging, letters: Sequence[Letter], scratch: Path, *, fuzz: bool = False
) -> tuple[Method, int] | Reject:
    """Apply the first of some patches to the staged tree, which stays as it is when that does not go in.

    :returns: how, and how many patches are thereby done: more than one only
        when the tree has a whole row of them already.
    """
    try:
        return _apply(staging, letters, scratch, fuzz=fuzz)
    except GitTimeoutError:
        reason = "The patch takes git more than a minute to apply; it is not tried further."
    except AuthorError as error:
        reason = str(error)
    staging.restore()
    return broken(letters[0].number, letters[0].message_id, reason)


def _apply(staging: Staging, letters: Sequence[Letter], scratch: Path, *, fuzz: bool) -> tuple[Method, int] | Reject:
    letter = letters[0]
    first = staging.apply(letter.diff)
    if first.ok or (letter.spare and staging.apply(letter.spare).ok):
        return _accept(staging, Method.CLEAN)
    if any(word in first.stderr for word in _MALFORMED):
        return explain(staging, letter, first.stderr)
    merged = threeway.merge(staging, letter, scratch)
    if merged is not None:
        verify(staging, merged, merged=True)
        staging.accept(merged)
        staging.restore()
        return (Method.THREE_WAY if merged else Method.ALREADY), 1
    if there := leading(staging, letters):
        return Method.ALREADY, there
    if fuzz and staging.apply(letter.diff, "-C1").ok:
        return _accept(staging, Method.FUZZ)
    return explain(staging, letter, first.stderr)


def _accept(staging: Staging, method: Method) -> tuple[Method, int]:
    changes = staging.changes()
    verify(staging, changes)
    staging.accept(changes)
    return method, 1


def _commit(store: Store, letter: Letter, trailers: Sequence[Trailer], tree: str, parent: str) -> str:
    offset = letter.when.utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset else 0
    who = pygit2.Signature(letter.author, letter.email, max(0, int(letter.when.timestamp())), minutes, "utf-8")
    message = letter.message(trailers)
    return str(store.repository.create_commit(None, who, who, message, pygit2.Oid(hex=tree), [parent]))


def _reference(letters: Sequence[Letter | Reject], commit: str) -> str:
    """Name what keeps the commits of an applied series from being pruned."""
    ids = "\0".join(letter.message_id for letter in letters)
    return f"{SERIES}{hashlib.sha256(ids.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}/{commit}"
