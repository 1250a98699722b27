"""Settings come from the environment, typed, and a wrong one is named."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from reviewbot import environment
from reviewbot.environment import SettingError, env_bool, env_choice, env_int, env_list, env_path, env_secret, env_text


@pytest.fixture(autouse=True)
def _own_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "TABLE", [])


def test_an_unset_or_empty_variable_gives_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY", "")
    assert env_int("EMPTY", 7, "a number") == 7
    assert env_text("UNSET", "x", "a text") == "x"


@pytest.mark.parametrize(("value", "meant"), [("1", True), ("Yes", True), ("off", False), ("0", False)])
def test_yes_and_no_have_many_words(monkeypatch: pytest.MonkeyPatch, value: str, meant: bool) -> None:
    monkeypatch.setenv("FLAG", value)
    assert env_bool("FLAG", not meant, "a flag") is meant


@pytest.mark.parametrize(("read", "value"), [(env_int, "many"), (env_int, "-1"), (env_bool, "perhaps")])
def test_a_value_that_cannot_be_used_is_named_with_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, read: object, value: str
) -> None:
    monkeypatch.setenv("BROKEN", value)
    with pytest.raises(SettingError, match=rf"BROKEN='{value}' cannot be used: it takes .* \(the meaning\)"):
        read("BROKEN", 0, "the meaning")  # type: ignore[operator]


def test_words_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORDS", " a, b ,,c ")
    assert env_list("WORDS", [], "some words") == ["a", "b", "c"]


def test_a_path_is_made_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLDER", "here")
    assert env_path("FOLDER", Path("/x"), "a folder") == Path.cwd() / "here"


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("TOKEN_FILE", str(tmp_path / "secret"))
    assert env_secret("TOKEN", "", "a token") == "hush"
    monkeypatch.setenv("TOKEN_FILE", str(tmp_path / "gone"))
    with pytest.raises(SettingError, match=r"TOKEN_FILE=.*cannot be read"):
        env_secret("TOKEN", "", "a token")


def test_a_secret_stands_in_one_place_and_is_in_the_table_wherever_it_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("TOKEN_FILE", str(tmp_path / "secret"))
    env_secret("TOKEN", "", "a token")
    assert [one.name for one in environment.TABLE] == ["TOKEN"]
    monkeypatch.setenv("TOKEN", "other")
    with pytest.raises(SettingError, match="TOKEN and TOKEN_FILE are both set"):
        env_secret("TOKEN", "", "a token")


def test_a_word_that_is_none_of_the_choices_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env_choice("FORM", "text", ("text", "json"), "a form") == "text"
    monkeypatch.setenv("FORM", "yaml")
    with pytest.raises(SettingError, match="it takes one of text, json"):
        env_choice("FORM", "text", ("text", "json"), "a form")


def test_the_default_of_a_secret_is_not_shown() -> None:
    env_secret("TOKEN", "hush", "a token")
    assert "hush" not in str(environment.TABLE)


def test_every_setting_is_listed_with_its_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    out = io.StringIO()
    call_command("settings", stdout=out)
    for name in ("DATABASE_URL", "REDIS_URL", "LORE_URL", "REVIEWBOT_VAR", "MAIL_FROM"):
        assert f"{name}\n" in out.getvalue()
