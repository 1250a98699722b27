"""A discussion whose reply is not drafted yet, and a mail server that may get it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests import factories
from tests.threads.services.outgoing import allow, undrafted
from tests.threads.services.postbox import Postbox, postbox


@pytest.fixture
def talk() -> factories.Discussion:
    return undrafted()


@pytest.fixture
def box(settings: Settings, tmp_path: Path) -> Iterator[Postbox]:
    with postbox() as box:
        settings.SENDING, settings.SMTP_URL = True, box.url
        allow(settings, tmp_path)
        yield box
