"""Recognising patches that a tree has already, one by one or as a row that only reverses together."""

from __future__ import annotations

from collections.abc import Sequence

from reviewbot.tree.letter import Letter
from reviewbot.tree.staging import Staging

#: patches of a row that are tried as its last one
_ENDS = 64


def leading(staging: Staging, letters: Sequence[Letter]) -> int:
    """Return how many of the leading patches the staged tree has already.

    A patch is there when it reverse-applies. One whose surroundings a later
    patch of the same series changed does so only after that one: then the
    longest row from the first patch on is looked for that reverses from its
    end. The index file is left as it was.
    """
    first = letters[0]
    if _reverses(staging, first):
        return 1
    if len(letters) == 1 or not _plausible(staging, first):
        return 0
    for end in range(min(len(letters), _ENDS), 1, -1):
        if _reverses(staging, letters[end - 1]) and _row(staging, letters[:end]):
            return end
    return 0


def _reverses(staging: Staging, letter: Letter) -> bool:
    return staging.apply(letter.diff, "--reverse", "--check").ok


def _row(staging: Staging, letters: Sequence[Letter]) -> bool:
    """Take patches back from the last to the first, in the index file only."""
    try:
        return all(staging.apply(letter.diff, "--reverse").ok for letter in reversed(letters))
    finally:
        staging.restore()


def _plausible(staging: Staging, letter: Letter) -> bool:
    """Tell whether most of the lines that a patch adds are in its files: cheap, and wrong on the safe side."""
    added = there = 0
    for file in letter.files.files:
        have = set((staging.read(file.new_path) or b"").decode("utf-8", "surrogateescape").split("\n"))
        lines = {line.text for hunk in file.hunks for line in hunk.lines if line.kind == "+"}
        added += len(lines)
        there += len(lines & have)
    return added == 0 or there * 2 >= added
