"""A discussion whose reply is not drafted yet, and a mail server that may get it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests import factories
from tests.threads.services.outgoing import FREELY, rule
from tests.threads.services.postbox import Postbox, postbox


@pytest.fixture
def talk() -> factories.Discussion:
    made = factories.discussion()
    made.draft.delete()
    return made


@pytest.fixture
def box(settings: Settings, tmp_path: Path) -> Iterator[Postbox]:
    with postbox() as box:
        settings.SENDING, settings.SMTP_URL = True, box.url
        settings.MAIL_POLICY = tmp_path / "policy.toml"
        settings.MAIL_FROM = "Review <review@example.org>"
        rule(FREELY)
        yield box
