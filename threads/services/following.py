"""Reading what is new on the followed lists."""

from __future__ import annotations


def follow_all() -> None:
    """Read every followed list as far as its archive goes."""
