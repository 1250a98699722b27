"""What the walk through one function may ask about the rest of the tree."""

from __future__ import annotations

from typing import Protocol

from reviewbot.checks.c.tree import Expr
from reviewbot.checks.pgtable.facts import Facts, Hook
from reviewbot.checks.pgtable.state import Outcome

#: functions of the core kernel that are handed to another one: (index of the argument, name)
Handed = tuple[tuple[int, str], ...]


class Knowledge(Protocol):
    """The tree as one function sees it; ``path`` is always the file that asks."""

    facts: Facts

    def knows(self, name: str, path: str) -> bool:
        """Say whether a name is a function that can be seen from a file."""

    def real_name(self, name: str, path: str) -> str:
        """Return what a macro without arguments calls a function of the core kernel, else the name itself."""

    def arity(self, name: str, path: str) -> int:
        """Return how many arguments a function takes, 0 when that is not known."""

    def constructor(self, name: str, path: str) -> bool:
        """Say whether a name is a constructor whose result must be tested."""

    def hook(self, name: str, path: str) -> Hook | None:
        """Return the constructor or destructor of that name."""

    def through_table(self, member: str, path: str) -> str:
        """Return the one function that a member of function tables holds here, or ""."""

    def wraps_queue(self, name: str, path: str) -> bool:
        """Say whether a function around the mmu_gather is the architecture's own, and is followed instead."""

    def pgtable_form(self, path: str) -> str:
        """Return what pgtable_t is in a file's architecture: ``page``, ``virt``, or "" when that depends."""

    def borrows(self, name: str, path: str) -> bool:
        """Say whether a function is known to keep no reference to what it is given."""

    def question(self, name: str, path: str) -> tuple[tuple[str, ...], Expr] | None:
        """Return the parameters of a function and the test that it does on them; None when it does more."""

    def summary(self, name: str, path: str, handed: Handed = ()) -> tuple[Outcome, ...] | None:
        """Return how a function may end that is handed these functions, None when that is not known."""

    def level_of_dtor(self, name: str) -> str:
        """Return the level of a destructor, "" when it serves all."""

    def installed_level(self, name: str, index: int, path: str) -> str:
        """Return the level that a populate function installs, read from its declaration, "" when not known."""
