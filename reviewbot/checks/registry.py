"""The checks that there are."""

from __future__ import annotations

from reviewbot.checks.characters import CharactersCheck
from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.protocol import Check
from reviewbot.errors import NotFoundError


def available() -> list[Check]:
    """Return every check that is on by default, in the order in which they are shown."""
    return [PgtableCheck(), CharactersCheck()]


def find(name: str) -> Check:
    """Return the check of a name.

    :raises NotFoundError: when there is none.
    """
    for check in available():
        if check.name == name:
            return check
    known = ", ".join(check.name for check in available())
    raise NotFoundError(f"There is no check {name}; there are {known}.")
