"""Fetching from repositories on other machines: branches that are followed, and commits that mails name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reviewbot.errors import NotFoundError, OperatorError, ReviewError, TransientError
from reviewbot.tree.git import GitTimeoutError, Output, trouble

if TYPE_CHECKING:
    from reviewbot.tree.store import Store

#: seconds for fetching a branch, and for one commit that a mail names
FETCH_PATIENCE = 3300.0
COMMIT_PATIENCE = 45.0
#: seconds to wait for another import before a commit is fetched
_TURN_PATIENCE = 10.0
#: repositories that are asked for a commit: all of them together stay within the lease of a step
_MAX_ASKED = 4
#: what an operator may name; plain http would let anybody on the way replace the branch
SCHEMES = ("https", "git")

_NOTHING_SO_YOUNG = re.compile(r"no commits selected for shallow|error processing shallow info")


def check_address(source: str, hosts: Collection[str]) -> str:
    """Return the address of a repository, if it is one that may be fetched from.

    :param hosts: that may be asked; ``.example.org`` is every host below it.
    :raises OperatorError: when it is none, names another host or carries a password.
    """
    try:
        url = urlsplit(source)
        host = (url.hostname or "").rstrip(".")
    except ValueError:
        raise OperatorError(f"{source!r} is no address of a repository.") from None
    if url.scheme not in SCHEMES or not source.isprintable() or " " in source:
        raise OperatorError(f"{source} is not fetched: give an address that starts with https:// or git://.")
    if url.username or url.password:
        raise OperatorError("An address with a user or a password is not kept; name a repository that anybody reads.")
    known = any(host == name or (name.startswith(".") and host.endswith(name)) for name in hosts)
    if not known:
        raise OperatorError(f"{host or 'no host'} is none of the hosts that trees come from; TREE_HOSTS can name it.")
    return source


def fetch_branch(store: Store, reference: str, source: str, branch: str, *, depth: int = 0, days: int = 0) -> str:
    """Bring a reference of the store to the tip of a branch of another repository, and return the commit.

    Every blob of the fetched commits comes along: applying a patch, merging it
    and looking for the files it was made from need them, so a partial clone
    would fetch them one by one.

    :param depth: number of commits to fetch, 0 for the whole history.
    :param days: age at which history may end; the fetch of a branch that is
        here goes on from what is here. It does not count in a store that has
        a whole history, for the end would cut that one, too.
    :raises NotFoundError: when there is no such branch.
    :raises TransientError: when the repository does not answer.
    """
    if source.startswith("-") or branch.startswith("-"):
        raise OperatorError(f"{source} {branch} is no address of a branch.")
    here = (store.path / reference).is_file()
    output = _fetch(store, source, f"{branch}:{reference}", _limits(store, depth, days, here=here), FETCH_PATIENCE)
    if not output.ok and days and _NOTHING_SO_YOUNG.search(output.stderr):
        output = _fetch(store, source, f"{branch}:{reference}", ["--depth=1"], FETCH_PATIENCE)
    if not output.ok:
        if "couldn't find remote ref" in output.stderr:
            raise NotFoundError(f"{source} has no branch {branch}.")
        raise TransientError(trouble("fetch", output.status, output.stderr))
    return store.git.must("rev-parse", "--verify", f"{reference}^{{commit}}").decode().strip()


def fetch_commit(store: Store, commit: str, trees: Collection[str]) -> Iterator[str]:
    """Ask the repositories of some trees for a commit, until one has it; yield what each answered as a sentence.

    Servers that speak git's protocol v2 hand out any commit they have, also
    one that no branch holds any more, as those of a branch that is rebuilt.

    :param commit: forty hexadecimal digits; an abbreviation cannot be asked for.
    :param trees: names, in the order to ask; each repository is asked once.
    """
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        yield f"The commit {commit} is not here, and its name is shortened: no server can be asked for it."
        return
    asked: set[str] = set()
    for name in trees:
        note = store.note(name)
        if note is None or note.kind != "repository" or "://" not in note.source or note.source in asked:
            continue
        if len(asked) == _MAX_ASKED:
            return
        asked.add(note.source)
        limits = _limits(store, note.depth, note.days, here=False)
        try:
            output = _fetch(
                store, note.source, f"{commit}:{store.BASES}{commit}", limits, COMMIT_PATIENCE, turn=_TURN_PATIENCE
            )
        except ReviewError as error:
            yield f"The repository of {name} could not be asked for the commit {commit[:12]}: {error}"
            continue
        if output.ok and store.has_commit(commit):
            yield f"The commit {commit[:12]} was not here; it was fetched from the repository of {name}."
            return
        yield f"The repository of {name} does not have the commit {commit[:12]}."


def _limits(store: Store, depth: int, days: int, *, here: bool) -> list[str]:
    """Return the options that say how far back to fetch."""
    if depth:
        return [f"--depth={depth}"]
    if days and not store.has_whole_history():
        oldest = datetime.now(UTC) - timedelta(days=days)
        return [] if here else [f"--shallow-since={oldest:%Y-%m-%d}"]
    return ["--unshallow"] if (store.path / "shallow").is_file() else []


def _fetch(
    store: Store, source: str, refspec: str, limits: list[str], patience: float, turn: float | None = None
) -> Output:
    with store.exclusive(turn) as lock:
        try:
            return store.git.run(
                "-c", "protocol.version=2", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--force",
                *limits, "--", source, f"+{refspec}", patience=patience, keep=(lock,),
            )  # fmt: skip
        except GitTimeoutError as error:
            raise TransientError(f"{source} took too long: {error}") from error
