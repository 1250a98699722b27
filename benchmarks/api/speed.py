"""Time in the server and queries of the requests that clients make most, at the 95th percentile.

What is judged is the processor time of the thread that answers: the clock also
measures what else runs on the machine, and is printed beside it. Patchwork's is
measured alike, in its own process, right after ours.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.api import data
from benchmarks.api.beside import Patchwork
from threads import links

#: milliseconds at the 95th percentile, and queries, that are allowed
DETAIL, LISTS, QUERIES = 5.0, 15.0, 8
#: how many times as fast as Patchwork, by the median
TIMES = {DETAIL: 3, LISTS: 10}
#: milliseconds that the database may take for an answer that has not changed
UNCHANGED = 1.0


@dataclass(frozen=True)
class Case:
    """One kind of request.

    :ivar path: of the number of a series.
    :ivar theirs: the same at Patchwork, None for nothing to compare with.
    """

    name: str
    path: Callable[[int], str]
    limit: float
    tag: bool = False
    theirs: Callable[[int], str] | None = None


def _same(name: str, path: Callable[[int], str], limit: float) -> Case:
    return Case(f"Patchwork: {name}", path, limit, theirs=path)


def cases() -> list[Case]:
    """Return what is measured."""
    newest = "/api/1.2/series/?per_page=30&order=-id"
    return [
        Case("series by Message-ID", lambda n: links.to_status(data.root(n)), DETAIL,
             theirs=lambda n: f"/api/1.2/series/{n}/"),
        Case("the same, not changed (304)", lambda n: links.to_status(data.root(n)), DETAIL, tag=True),
        Case("list of 30", lambda n: "/api/v1/series/?limit=30", LISTS, theirs=lambda n: newest),
        Case("list of 30 of a mailing list", lambda n: "/api/v1/series/?limit=30&list=linux-mm", LISTS,
             theirs=lambda n: f"{newest}&project=linux-mm"),
        _same("series", lambda n: f"/api/1.2/series/{n}/", DETAIL),
        _same("patch", lambda n: f"/api/1.2/patches/{n * 10 + 1}/", DETAIL),
        _same("patch by Message-ID",
              lambda n: f"/api/1.2/patches/?project=linux-mm&msgid={data.root(n).replace('.0@', '.1@')}", DETAIL),
        _same("checks of a patch", lambda n: f"/api/1.2/patches/{n * 10 + 1}/checks/", DETAIL),
        _same("list of 30 series", lambda n: newest, LISTS),
        _same("list of 30 patches", lambda n: "/api/1.2/patches/?per_page=30&order=-id", LISTS),
        _same("list of 30 patches of a list",
              lambda n: "/api/1.2/patches/?per_page=30&order=-id&project=linux-mm&archived=false", LISTS),
        _same("list of 30 covers", lambda n: "/api/1.2/covers/?per_page=30&order=-id", LISTS),
    ]  # fmt: skip


def measure(count: int, times: int, patchwork: tuple[Path, Path, Path] | None) -> bool:
    """Print one line for each case; tell whether all keep to their limits.

    :param patchwork: its checkout, its interpreter, and a folder for its database; None to measure ours alone.
    """
    client = Client()
    rng = random.Random(1)
    numbers = [rng.randrange(1, count + 1) for _ in range(times)]
    ours = [_measure(client, case, numbers) for case in cases()]
    beside = _theirs(Patchwork(*patchwork), numbers[: max(20, times // 5)]) if patchwork else {}
    print(
        f"{'':40}{'median ms':>10}{'p95':>7}{'by clock':>10}{'database':>9}{'queries':>8}{'Patchwork':>11}{'times':>7}"
    )
    fine = [_print(case, cost, beside.get(case.name)) for case, cost in zip(cases(), ours, strict=True)]
    return all(fine)


def _theirs(patchwork: Patchwork, numbers: list[int]) -> dict[str, float]:
    known = [(case.name, case.theirs) for case in cases() if case.theirs]
    spent = patchwork.ask([[path(number) for number in numbers] for _, path in known])
    return {name: statistics.median(one) for (name, _), one in zip(known, spent, strict=True)}


@dataclass(frozen=True)
class _Cost:
    spent: list[float]
    clock: list[float]
    database: list[float]
    queries: int


def _print(case: Case, cost: _Cost, theirs: float | None) -> bool:
    median, p95 = statistics.median(cost.spent), statistics.quantiles(cost.spent, n=20)[-1]
    database, times = statistics.median(cost.database), theirs / median if theirs else 0
    wrong = [f"over {case.limit:g} ms"] if p95 > case.limit else []
    wrong += [f"over {QUERIES} queries"] if cost.queries > QUERIES else []
    wrong += [f"over {UNCHANGED:g} ms of database time"] if case.tag and database > UNCHANGED else []
    wrong += [f"under {TIMES[case.limit]} times"] if theirs and times < TIMES[case.limit] else []
    print(
        f"{case.name:40}{median:10.2f}{p95:7.2f}{statistics.median(cost.clock):10.2f}{database:9.2f}{cost.queries:8}"
        + (f"{theirs:11.2f}{times:7.1f}" if theirs else "") + "".join(f"  {one}" for one in wrong)
    )  # fmt: skip
    return not wrong


def _measure(client: Client, case: Case, numbers: list[int]) -> _Cost:
    spent, clock, database, most = [], [], [], 0
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
        took: list[float] = []
        with CaptureQueriesContext(connection) as seen, connection.execute_wrapper(_timing(took)):
            client.get(path, **more)  # type: ignore[arg-type]
        most = max(most, len(seen))
        database.append(sum(took))
    return _Cost(spent[1:], clock[1:], database[1:], most)


def _timing(took: list[float]) -> Callable[..., Any]:
    """Return what notes the milliseconds of each query, by the processor."""

    def run(execute: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
        started = time.thread_time()
        try:
            return execute(*arguments)
        finally:
            took.append((time.thread_time() - started) * 1000)

    return run
