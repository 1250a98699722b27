"""Some hundred requests that are made up from the schemas; the benchmark makes up thousands."""

from __future__ import annotations

import pytest

from benchmarks.api import fuzz
from tests import factories

pytestmark = pytest.mark.django_db


def test_no_request_is_answered_with_a_failure_or_beside_the_schema(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("threads.services.queue._send", lambda step, arguments: None)
    talk = factories.discussion()
    fine = fuzz.run(4, talk.v2.root_msgid, always_the_same=True)
    assert fine, capsys.readouterr().out
