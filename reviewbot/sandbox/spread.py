"""Our own work on several processors: forked copies of this process, each doing parts of it."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Part = TypeVar("Part")
Answer = TypeVar("Answer")

#: what the copies find in their memory: the work, and its parts
_inherited: tuple[Callable[[Any], Any], Sequence[Any]] | None = None


def spread(work: Callable[[Part], Answer], parts: Sequence[Part]) -> list[Answer]:
    """Do the work on each part, and return the answers in the order of the parts.

    With one processor, one part, or in a process that may have no children, it is done here.

    :param parts: the largest first, so that no processor is left waiting for the last one.
    """
    global _inherited
    processes = min(len(os.sched_getaffinity(0)), len(parts))
    if processes < 2 or multiprocessing.current_process().daemon:
        return [work(part) for part in parts]
    _inherited = work, parts
    try:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as copies:
            answers: list[Any] = list(copies.map(_part, range(len(parts))))
            return answers
    finally:
        _inherited = None


def _part(number: int) -> object:
    work, parts = _inherited or (int, ())
    return work(parts[number])
