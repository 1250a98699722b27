"""How times are shown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from threads.templatetags.review import at_most, lasting


@pytest.mark.parametrize(
    ("seconds", "about", "bound"),
    [(25, "25 s", "25 s"), (341, "5 min", "6 min"), (7200, "2 h", "2 h"), (7201, "2 h", "3 h"), (0.4, "0 s", "1 s")],
)
def test_an_upper_bound_is_rounded_up(seconds: float, about: str, bound: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == about
    assert at_most(timedelta(seconds=seconds)) == bound
