"""What the tests of this room share."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from reviewbot.reports import rules

INVENTED = {
    "C01": SimpleNamespace(
        name="ctor-result-ignored",
        source="Documentation/mm/tables.rst; Oke Brandt <1@oke.example.org>",
        rationale="A constructor can fail.",
    ),
    "C06": SimpleNamespace(
        name="dtor-missing", source="Oke Brandt <2@oke.example.org>", rationale="The lock of the table leaks."
    ),
}


@pytest.fixture(autouse=True)
def _invented_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let golden files hold still when the words of a rule are mended."""
    monkeypatch.setattr(rules, "RULES", INVENTED)
