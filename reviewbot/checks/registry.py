"""The checks that there are."""

from __future__ import annotations

from reviewbot.checks.characters import CharactersCheck
from reviewbot.checks.checkpatch import CheckpatchCheck
from reviewbot.checks.coccinelle import CoccinelleCheck
from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.protocol import Check
from reviewbot.errors import NotFoundError


def available() -> list[Check]:
    """Return every check that is on by default, in the order in which they are shown."""
    return [PgtableCheck(), CharactersCheck()]


def noisy() -> list[Check]:
    """Return the checks that are run only where they are asked for: they speak of style, or need a tool."""
    return [CheckpatchCheck(), CoccinelleCheck()]


def find(name: str) -> Check:
    """Return the check of a name.

    :raises NotFoundError: when there is none.
    """
    every = [*available(), *noisy()]
    for check in every:
        if check.name == name:
            return check
    known = ", ".join(check.name for check in every)
    raise NotFoundError(f"There is no check {name}; there are {known}.")
