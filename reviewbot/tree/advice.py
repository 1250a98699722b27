"""What the author of a series can do that applies to none of the trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reviewbot.series.model import Series
from reviewbot.tree.apply import apply_letters
from reviewbot.tree.evidence import preimages
from reviewbot.tree.history import matching, present
from reviewbot.tree.letter import Letter
from reviewbot.tree.model import Attempt, Reject
from reviewbot.tree.store import Store

#: files that are named as not being what the patches expect
_NAMED = 3


def advice(
    store: Store, series: Series, attempts: Sequence[Attempt], letters: Sequence[Letter | Reject], scratch: Path
) -> Iterator[str]:
    """Yield sentences on what would help: the nearest tree, what differs there, and how to name the base.

    :param attempts: of the series; none applies.
    :param letters: its mails, opened.
    """
    if not any(one.reject and one.reject.file for one in attempts):
        return  # the mails are at fault, not the trees
    if blobs := preimages(letters):
        nearest = max(attempts, key=lambda one: matching(store, one.base.commit, blobs))
        yield _nearest(store, nearest, blobs)
    furthest = max(attempts, key=lambda one: len(one.patches))
    if apply_letters(store, furthest.base, letters, scratch, fuzz=True).applies:
        name = furthest.base.describe or furthest.base.tree
        yield (
            f"{name}: applies with fuzz, on one line of context, as patch(1) and quilt would take it and git am "
            "does not; the lines around the changes are others there."
        )
    if not series.base_commit:
        yield "To the author: git format-patch --base=auto names the commit that the patches were made for."
    elif not store.has_commit(series.base_commit):
        yield "To the author: rebase onto one of these trees, or say where the base-commit can be fetched from."


def _nearest(store: Store, attempt: Attempt, blobs: Mapping[str, str]) -> str:
    commit, name = attempt.base.commit, attempt.base.describe or attempt.base.tree
    other = [path for path, digits in blobs.items() if not present(store, commit, path).startswith(digits)]
    if not other:
        return f"{name} has every file as the patches expect it."
    more = f" and {len(other) - _NAMED} more" if len(other) > _NAMED else ""
    verb = "is" if len(other) == 1 else "are"
    have = len(blobs) - len(other)
    return (
        f"Nearest is {name}, with {have} of the {len(blobs)} files as the patches expect them; "
        f"{', '.join(other[:_NAMED])}{more} {verb} not, or not there."
    )
