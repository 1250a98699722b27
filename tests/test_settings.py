"""The settings as they are shipped: documented as they are read, safe for a public host, and kept in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewbot.environment import SettingError, file_of_settings, read_file
from tests.installation import ROOT, Installation

PUBLIC = {"SITE_URL": "https://review.example.org", "ALLOWED_HOSTS": "review.example.org,127.0.0.1"}


def test_the_table_of_the_documentation_is_made_from_what_is_read(tmp_path: Path) -> None:
    made = Installation(tmp_path / "var", "", **PUBLIC)
    status, said = made.manage("settings", "--markdown")
    assert status == 0
    assert said == (ROOT / "docs" / "settings.md").read_text(), "manage.py settings --markdown > docs/settings.md"


def test_django_finds_nothing_to_say_against_a_public_installation(tmp_path: Path) -> None:
    status, said = Installation(tmp_path / "var", "", **PUBLIC).manage("check", "--deploy", "--fail-level", "WARNING")
    assert status == 0, said
    assert "WARNINGS" not in said


def test_a_public_installation_leads_to_tls_but_is_asked_from_within_as_it_is(tmp_path: Path) -> None:
    asked = (
        "from django.test import Client; c = Client(headers={'host': 'review.example.org'});"
        "print([c.get(p).status_code for p in ('/healthz', '/metrics', '/list/', '/outbox/')],"
        " c.get('/status/')['location'])"
    )
    made = Installation(tmp_path / "var", "", **PUBLIC)
    assert made.manage("migrate", "--verbosity", "0")[0] == 0
    _, said = made.manage("shell", "-v0", "-c", asked)
    assert said == "[200, 200, 301, 301] https://review.example.org/status/\n"


def test_settings_may_stand_in_a_file_and_the_environment_counts_more(tmp_path: Path) -> None:
    kept = tmp_path / "environment"
    kept.write_text('# ours\n\nLOG_LEVEL=nonsense\nMAIL_FROM="Review <review@example.org>"\n')
    made = Installation(tmp_path / "var", "", REVIEWBOT_ENVIRONMENT=str(kept))
    status, said = made.manage("settings")
    assert (status, "LOG_LEVEL='nonsense' cannot be used" in said) == (3, True)
    made.environment["LOG_LEVEL"] = "ERROR"
    assert made.manage("settings")[0] == 0
    asked = "from django.conf import settings; print(settings.MAIL_FROM)"
    assert made.manage("shell", "-v0", "-c", asked) == (0, "Review <review@example.org>\n")


def test_a_file_of_settings_holds_nothing_else(tmp_path: Path) -> None:
    kept = tmp_path / "environment"
    kept.write_text("A_B=1\nexport C=2\n")
    with pytest.raises(SettingError, match=r"Line 2 of .* is no setting"):
        read_file(kept)
    assert read_file(tmp_path / "none") == {}


def test_the_file_of_settings_lies_beside_manage_py_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REVIEWBOT_ENVIRONMENT", raising=False)
    assert file_of_settings() == ROOT / ".env"
    monkeypatch.setenv("REVIEWBOT_ENVIRONMENT", "/etc/x")
    assert file_of_settings() == Path("/etc/x")
