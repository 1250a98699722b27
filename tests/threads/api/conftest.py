"""What the tests of the API share."""

from __future__ import annotations

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _nobody_asked_yet() -> None:
    """Forget how often was asked, so that no test meets the limits of others."""
    cache.clear()
