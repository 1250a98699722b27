"""The one door to a process that reads a stranger's bytes as code. Knows bubblewrap, limits, nothing else."""

from reviewbot.sandbox.limits import GIB, KIB, MIB, Limits, Outcome, Result
from reviewbot.sandbox.outputs import read
from reviewbot.sandbox.run import remove, require, run

__all__ = ["GIB", "KIB", "MIB", "Limits", "Outcome", "Result", "read", "remove", "require", "run"]
