"""Tokens: made once, shown once, good for what they were made for; and how often may be asked."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from reviewbot.errors import OperatorError
from threads import models
from threads.services import tokens

pytestmark = pytest.mark.django_db


def manage(*arguments: str) -> str:
    out = StringIO()
    call_command("token", *arguments, stdout=out)
    return out.getvalue()


def test_a_token_is_printed_once_and_kept_as_digest() -> None:
    key = manage("create", "media-ci", "--scope", "checks,submit").strip()
    row = models.Token.objects.get()
    assert key not in str(vars(row))
    assert tokens.find(key) == row
    assert row.scopes == "checks submit"
    assert not row.user.has_usable_password()
    listed = manage("list")
    assert "media-ci" in listed
    assert key not in listed


def test_a_revoked_token_makes_room_for_another_of_its_name() -> None:
    old = tokens.create("ci", ["checks"])
    with pytest.raises(OperatorError, match="revoke it first"):
        tokens.create("ci", ["checks"])
    manage("revoke", "ci")
    assert tokens.find(old) is None
    assert "revoked" in manage("list")
    new = tokens.create("ci", ["submit"])
    assert tokens.find(new) is not None
    assert tokens.find(old) is None


@pytest.mark.parametrize(("name", "scopes"), [("Two Words", ["checks"]), ("", ["checks"]), ("a", ["all"]), ("a", [])])
def test_nonsense_is_refused(name: str, scopes: list[str]) -> None:
    with pytest.raises(OperatorError):
        tokens.create(name, scopes)


def test_an_account_that_was_closed_opens_nothing() -> None:
    key = tokens.create("ci", ["checks"])
    models.Token.objects.get().user.__class__.objects.update(is_active=False)
    assert tokens.find(key) is None


@pytest.mark.parametrize("header", ["Token", "Token ", "Token x y", "Basic !!!", "Basic eDp5", "Bearer \xff"])
def test_what_is_no_token_is_refused_in_a_sentence(client: Client, header: str) -> None:
    answer = client.get("/api/v1/lists/", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert "not known" in answer.json()["detail"]


def test_who_asks_too_often_is_told_when_to_come_again(client: Client, settings: Any) -> None:
    settings.API_READS, settings.API_WRITES = 2, 1
    answers = [client.get("/api/v1/lists/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert client.get("/api/1.2/projects/").status_code == 429
    assert client.post("/api/v1/series/", {}).status_code == 400, "writing is counted apart"
    assert client.post("/api/v1/series/", {}).status_code == 429
