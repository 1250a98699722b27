"""The first run: a few answers make a service, and the same answers make the same service again."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewbot.environment import read_file
from reviewbot.errors import OperatorError
from tests.installation import ROOT, Installation
from tests.lore.epochs import append, mail
from threads.management import wizard
from threads.management.commands.init import Command

KERNEL = ROOT / "tests" / "corpus" / "minikernel"
ROWS = (
    "SELECT username, is_superuser FROM auth_user",
    "SELECT name, epochs FROM threads_mailinglist WHERE epochs != ''",
    'SELECT name, source, "commit" FROM threads_tree',
)


@pytest.fixture
def fresh(tmp_path: Path) -> Installation:
    """Have a machine on which nothing was set but where the settings are."""
    append(tmp_path / "0.git", [("m", mail(1))])
    made = Installation(tmp_path / "var", "", REVIEWBOT_ENVIRONMENT=str(tmp_path / "environment"), BUILD_ENABLED="no")
    made.environment["REVIEWBOT_VAR"] = ""
    return made


def set_up(fresh: Installation, *options: str) -> tuple[int, str]:
    beside = fresh.var.parent
    return fresh.manage(
        "init", "--noinput", "--set", f"REVIEWBOT_VAR={fresh.var}", "--set", "SITE_URL=https://review.example.org",
        "--list", f"linux-mm={beside / '0.git'}", "--tree", f"minikernel={KERNEL}", *options,
    )  # fmt: skip


def test_it_makes_a_service_and_doing_it_again_changes_nothing_and_says_what_cannot_be_done(
    fresh: Installation,
) -> None:
    status, said = set_up(fresh)
    assert status == 0, said
    assert "The account operator may do everything; manage.py changepassword operator gives it a password." in said
    kept = fresh.var.parent / "environment"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert (fresh.var / "secret-key").stat().st_mode & 0o777 == 0o600
    assert read_file(kept)["ALLOWED_HOSTS"] == "review.example.org,localhost,127.0.0.1"
    made, text = [fresh.rows(question) for question in ROWS], kept.read_text()
    assert [len(rows) for rows in made] == [1, 1, 1]
    kept.write_text(f"# mine\n{text}LOG_FORMAT=json\n")
    status, said = set_up(fresh, "--tree", "none=/nowhere")
    assert status == 1
    assert "The account operator is there already" in said
    assert "There is no directory, archive or repository /nowhere" in said
    assert "Later: manage.py tree add none /nowhere" in said
    assert [fresh.rows(question) for question in ROWS] == made
    assert kept.read_text() == f"# mine\n{text}LOG_FORMAT=json\n"


def test_without_a_database_there_is_nothing_to_go_on_with(fresh: Installation) -> None:
    status, said = set_up(fresh, "--set", "DATABASE_URL=postgres://127.0.0.1:1/none")
    assert status == 3
    assert "The database cannot be used" in said


def test_what_is_answered_counts_and_nothing_means_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = iter([str(tmp_path), "", "", "redis://queue/0", "Review <review@example.org>"])
    monkeypatch.setattr("builtins.input", lambda words: next(answers))
    for name in ("ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "MAIL_FROM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SITE_URL", "http://review.example.org:8080")
    values = Command()._settings(tmp_path / "none", {"noinput": False, "set": []})
    assert values == {
        "REVIEWBOT_VAR": str(tmp_path),
        "SITE_URL": "http://review.example.org:8080",
        "DATABASE_URL": "",
        "REDIS_URL": "redis://queue/0",
        "MAIL_FROM": "Review <review@example.org>",
        "ALLOWED_HOSTS": "review.example.org,localhost,127.0.0.1",
    }


@pytest.mark.parametrize("value", ["a\nSENDING=yes", 'a"b', "a\\b", " a"])
def test_no_answer_becomes_another_setting(tmp_path: Path, value: str) -> None:
    with pytest.raises(OperatorError, match="MAIL_FROM cannot be kept"):
        wizard.keep(tmp_path / "environment", {"MAIL_FROM": value})
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(OperatorError, match="is no address of a dashboard"):
        wizard.derived({"SITE_URL": "review.example.org"})
