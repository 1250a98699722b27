"""Applying a series on objects alone: no checkout, one commit per patch, or the exact reason why not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pygit2

from reviewbot.errors import AuthorError, NotFoundError
from reviewbot.series.model import Patch, Trailer
from reviewbot.tree import threeway
from reviewbot.tree.explain import broken, explain
from reviewbot.tree.git import GitTimeoutError, our_fault
from reviewbot.tree.letter import Letter, open_letter
from reviewbot.tree.model import AppliedPatch, Attempt, Base, Method, Reject, Step
from reviewbot.tree.present import leading
from reviewbot.tree.row import apply_row, independent, moved
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
    steps = _steps(staging, rows, scratch, fuzz=fuzz)
    for letter in rows:
        step = next(steps)
        if isinstance(step, Reject):
            reject = step
            break
        if step.method is not Method.ALREADY:
            commit = _commit(store, letter, (*letter.patch.trailers, *trailers), step.tree, commit)
        done.append(AppliedPatch(letter.number, commit, step.tree, step.method, step.moved))
    if commit != base.commit:
        store.point(_reference(letters, commit), commit)
    return Attempt(base, tuple(done), reject)


def _steps(staging: Staging, letters: Sequence[Letter], scratch: Path, *, fuzz: bool) -> Iterator[Step | Reject]:
    """Yield what becomes of the staged tree by each patch, until one does not go in."""
    at = alone = 0
    while at < len(letters):
        count = independent(letters[at:]) if at >= alone else 0
        row: Sequence[Step] = apply_row(staging, letters[at : at + count], scratch) if count > 1 else ()
        if not row:
            alone = at + count
            result = _apply_next(staging, letters[at:], scratch, fuzz=fuzz)
            row = () if isinstance(result, Reject) else result
            if isinstance(result, Reject):
                yield result
                return
        yield from row
        at += len(row)


def _apply_next(staging: Staging, letters: Sequence[Letter], scratch: Path, *, fuzz: bool) -> list[Step] | Reject:
    """Apply the first of some patches to the staged tree, which stays as it is when that does not go in.

    :returns: what becomes of it by that patch, and by those after it that are
        thereby done: only when the tree has a whole row of them already.
    """
    try:
        return _apply(staging, letters, scratch, fuzz=fuzz)
    except GitTimeoutError:
        reason = "The patch takes git more than a minute to apply; it is not tried further."
    except AuthorError as error:
        reason = str(error)
    staging.restore()
    return broken(letters[0].number, letters[0].message_id, reason)


def _apply(staging: Staging, letters: Sequence[Letter], scratch: Path, *, fuzz: bool) -> list[Step] | Reject:
    letter = letters[0]
    for diff in filter(None, (letter.diff, letter.spare)):
        if (output := staging.apply(diff, "-v")).ok:
            return _accept(staging, Method.CLEAN, output.stderr)
    # Once more, without the lines of the patch, which could pass for git's own in what -v says of a failure.
    complaint = staging.apply(letter.diff).stderr
    if any(word in complaint for word in _MALFORMED):
        return explain(staging, letter, complaint)
    merged = threeway.merge(staging, letter, scratch)
    if merged is not None:
        verify(staging, merged, merged=True)
        staging.accept(merged)
        staging.restore()
        return [Step(Method.THREE_WAY if merged else Method.ALREADY, staging.tree)]
    if there := leading(staging, letters):
        return [Step(Method.ALREADY, staging.tree)] * there
    if fuzz and (output := staging.apply(letter.diff, "-C1", "-v")).ok:
        return _accept(staging, Method.FUZZ, output.stderr)
    return explain(staging, letter, complaint)


def _accept(staging: Staging, method: Method, report: str) -> list[Step]:
    changes = staging.changes()
    verify(staging, changes)
    return [Step(method, staging.accept(changes), max(moved(report).values(), default=0))]


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
