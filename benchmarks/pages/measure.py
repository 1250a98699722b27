"""The time of pages in the server, their bytes and their queries."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connection
from django.test import Client

from benchmarks.pages.rows import PATHS, WORDS
from threads import links

#: wanted of each: milliseconds at the 95th percentile, bytes, queries
MILLISECONDS, BYTES, QUERIES = 50, 60_000, 12


class Cost(NamedTuple):
    """What a page took: milliseconds at the 95th percentile, most bytes, most queries.

    :ivar middle: milliseconds at the 50th percentile.
    :ivar own: milliseconds of processor time of this process at the 95th; the rest was waiting, for the database or
        for a processor that others used.
    """

    middle: float
    high: float
    own: float
    size: int
    queries: int

    @property
    def wanted(self) -> bool:
        """True when it is as quick, small and modest as it is to be."""
        return self.high <= MILLISECONDS and self.size <= BYTES and self.queries <= QUERIES


Paths = Callable[[random.Random], str]


def pages(series: int) -> dict[str, Paths]:
    """Return how the addresses of each kind of page are chosen, among so many series."""

    def root(chance: random.Random) -> str:
        return f"{chance.randrange(series)}.1.measured@example.org"

    def word(chance: random.Random) -> str:
        return WORDS[chance.randrange(2000)]

    def path(chance: random.Random) -> str:
        return PATHS[int(len(PATHS) * chance.random() ** 2)]

    def person(chance: random.Random) -> str:
        number = int(8000 * chance.random() ** 3)
        return f"{WORDS[number]}{number}@example.org"

    listed = "/project/linux-mm/list/"
    return {
        "inbox": lambda chance: "/",
        "list": lambda chance: listed,
        "list, of all": lambda chance: "/project/all/list/",
        "list, an old page": lambda chance: (
            f"{listed}?at=o{(1262304000 + 4800 * chance.randrange(series)) * 1000000}.1"
        ),
        "list, newest versions": lambda chance: f"{listed}?latest=1",
        "list, by verdict": lambda chance: f"{listed}?verdict=does+not+apply&latest=1",
        "list, by author": lambda chance: f"{listed}?author={person(chance)}",
        "list, by a word": lambda chance: f"{listed}?q={word(chance)}",
        "list, by a frequent word": lambda chance: f"{listed}?q={WORDS[chance.randrange(3)]}",
        "list, by a file": lambda chance: f"{listed}?q=file:{path(chance)}",
        "list, by a rule": lambda chance: f"{listed}?q=rule:C01",
        "series": lambda chance: links.to_series("all", root(chance)),
        "patch": lambda chance: links.to_patch("all", root(chance).replace(".1.", ".2.")),
        "mail": lambda chance: links.to_message("all", root(chance).replace(".1.", ".7.")),
        "thread": lambda chance: links.to_thread("all", root(chance)),
        "file": lambda chance: links.to_file(path(chance)),
        "author": lambda chance: links.to_author(person(chance)),
        "search": lambda chance: f"/search/?q={word(chance)}+{word(chance)}",
        "search, a frequent word": lambda chance: f"/search/?q={WORDS[chance.randrange(3)]}",
        "rule": lambda chance: "/rules/C01/",
        "status": lambda chance: "/status/",
        "API, by Message-ID": lambda chance: links.to_status(root(chance).replace(".1.", f".{chance.randint(1, 9)}.")),
    }


def measure(choose: Paths, times: int) -> Cost:
    """Ask for pages of one kind, each with an empty browser, and say what they took."""
    client, chance = Client(headers={"host": "localhost"}), random.Random(7)
    took, own, sizes, queries = [], [], [], []
    count = 0

    def counted(execute: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
        nonlocal count
        count += 1
        return execute(*arguments)

    with connection.execute_wrapper(counted):
        for turn in range(times + 3):
            path = choose(chance)
            count, start, began = 0, time.perf_counter(), time.process_time()
            answer = client.get(path)
            passed, spent = time.perf_counter() - start, time.process_time() - began
            if answer.status_code != 200:
                raise RuntimeError(f"{path} answers {answer.status_code}")
            if turn >= 3:  # the first ones load templates
                took.append(1000 * passed)
                own.append(1000 * spent)
                sizes.append(len(answer.content))
                queries.append(count)
    took.sort()
    own.sort()
    at = int(0.95 * len(took))
    return Cost(took[len(took) // 2], took[at], own[at], max(sizes), max(queries))
