"""Time in the server and queries of the requests that clients make most, at the 95th percentile.

What is judged is the processor time of the thread that answers: the clock also
measures what else runs on the machine, and is printed beside it.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.api import data
from threads import links

#: milliseconds at the 95th percentile, and queries, that are allowed
DETAIL, LISTS, QUERIES = 5.0, 15.0, 8


@dataclass(frozen=True)
class Case:
    """One kind of request."""

    name: str
    path: Callable[[int], str]
    limit: float
    tag: bool = False


def cases() -> list[Case]:
    """Return what is measured; a path is made from the number of a series."""
    return [
        Case("series by Message-ID", lambda n: links.to_status(data.root(n)), DETAIL),
        Case("the same, not changed (304)", lambda n: links.to_status(data.root(n)), DETAIL, tag=True),
        Case("list of 30", lambda n: "/api/v1/series/?limit=30", LISTS),
        Case("list of 30 of a mailing list", lambda n: "/api/v1/series/?limit=30&list=linux-mm", LISTS),
        Case("Patchwork: series", lambda n: f"/api/1.2/series/{n}/", DETAIL),
        Case("Patchwork: patch", lambda n: f"/api/1.2/patches/{n * 10 + 1}/", DETAIL),
        Case("Patchwork: patch by Message-ID",
             lambda n: f"/api/1.2/patches/?project=linux-mm&archived=false&msgid={data.root(n).replace('.0@', '.1@')}",
             DETAIL),
        Case("Patchwork: list of 30 series", lambda n: "/api/1.2/series/?per_page=30&order=-id", LISTS),
        Case("Patchwork: list of 30 patches", lambda n: "/api/1.2/patches/?per_page=30&order=-id", LISTS),
    ]  # fmt: skip


def measure(count: int, times: int) -> bool:
    """Print one line for each case; tell whether all keep to their limits."""
    client = Client()
    rng = random.Random(1)
    numbers = [rng.randrange(1, count + 1) for _ in range(times)]
    fine = True
    print(f"{'':34}{'median ms':>10}{'p95 ms':>8}{'by the clock':>14}{'queries':>8}")
    for case in cases():
        spent, clock, queries = _measure(client, case, numbers)
        p95 = statistics.quantiles(spent, n=20)[-1]
        bad = p95 > case.limit or queries > QUERIES
        fine &= not bad
        print(
            f"{case.name:34}{statistics.median(spent):10.2f}{p95:8.2f}{statistics.median(clock):14.2f}{queries:8}"
            + (f"  over {case.limit:g} ms" if bad else "")
        )
    return fine


def _measure(client: Client, case: Case, numbers: list[int]) -> tuple[list[float], list[float], int]:
    spent, clock, most = [], [], 0
    for number in [numbers[0], *numbers]:
        path, more = case.path(number), {}
        if case.tag:
            more = {"headers": {"If-None-Match": client.get(path)["ETag"]}}
        started, began = time.thread_time(), time.perf_counter()
        answer: Any = client.get(path, **more)  # type: ignore[arg-type]
        spent.append((time.thread_time() - started) * 1000)
        clock.append((time.perf_counter() - began) * 1000)
        if answer.status_code != (304 if case.tag else 200):
            raise SystemExit(f"{path} answered with {answer.status_code}")
        with CaptureQueriesContext(connection) as seen:
            client.get(path, **more)  # type: ignore[arg-type]
        most = max(most, len(seen))
    return spent[1:], clock[1:], most
