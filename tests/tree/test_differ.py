"""Invented series, damaged as mail damages them: trees, authors, dates and messages are those of ``git am``."""

from __future__ import annotations

import pytest

from benchmarks.apply.differ import compare


@pytest.mark.parametrize("seed", range(16))
def test_nothing_differs_that_should_not(seed: int) -> None:
    kind, difference = compare(seed)
    assert kind.startswith(("same", "more: ")), difference
