"""Our own work is spread over the processors, and comes back in order."""

import os

import pytest

from reviewbot.errors import NotFoundError
from reviewbot.sandbox import spread as spreading
from reviewbot.sandbox.spread import spread


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreading.os, "sched_getaffinity", lambda who: {0, 1})


def test_answers_come_in_the_order_of_the_parts() -> None:
    base = 10
    assert spread(lambda part: base + part, [3, 1, 2]) == [13, 11, 12]


def test_parts_are_done_by_other_processes_and_a_single_one_here() -> None:
    assert os.getpid() not in spread(lambda part: os.getpid(), [1, 2])
    assert spread(lambda part: os.getpid(), [1]) == [os.getpid()]


def test_an_error_of_a_part_is_an_error_of_all() -> None:
    def fail(part: int) -> int:
        raise NotFoundError(f"There is no part {part}.")

    with pytest.raises(NotFoundError, match=r"There is no part 1\."):
        spread(fail, [1, 2])
