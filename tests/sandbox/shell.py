"""A shell in the sandbox, as the tests of its walls and limits use it."""

from __future__ import annotations

from collections.abc import Callable

from reviewbot.sandbox import Result

Shell = Callable[..., Result]
#: seconds that a machine may be busy with something else before a test fails for it
PATIENCE = 120


def perl(code: str) -> str:
    """Return the shell command that runs a program in Perl."""
    return f"exec perl -e '{code}'"
