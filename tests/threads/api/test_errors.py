"""Whatever goes wrong is told to programs as JSON: in the native API as problem+json, RFC 9457."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from reviewbot import serving
from reviewbot.errors import OperatorError
from tests import factories
from threads import links, models
from threads.api import base, series
from threads.services import tokens

pytestmark = pytest.mark.django_db


def told(answer: Any, status: int) -> str:
    """Check that an answer is a problem of that status; return its sentence."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert problem["title"]
    return str(problem["detail"])


def test_methods_and_media_types_that_are_not_taken(client: Client) -> None:
    for method in ("put", "patch", "delete"):
        assert method.upper() in told(getattr(client, method)("/api/v1/series/"), 405)
    assert "xml" in told(client.post("/api/v1/series/", b"<x/>", content_type="application/xml"), 415)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[" * 100_000, 400), (b"\xff", 400), (b'{"target": ' + b"9" * 5000 + b"}", 400), (b"[]", 400)],
)
def test_bodies_that_nobody_can_read(client: Client, body: bytes, status: int) -> None:
    assert told(client.post("/api/v1/series/", body, content_type="application/json"), status)


@pytest.mark.parametrize("path", ["/api/v1/series/", "/api/1.2/patches/1/checks/"])
def test_a_body_that_is_too_long_is_not_read(client: Client, path: str) -> None:
    answer = client.post(path, b" " * (base.MAX_BODY + 1), content_type="application/json")
    assert answer.status_code == 413
    assert "at most 1048576" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/api/v1/series/", "/api/v1/findings/", "/api/1.2/patches/"])
def test_a_query_with_thousands_of_fields(client: Client, path: str) -> None:
    answer = client.get(f"{path}?{'&'.join(f'a{n}=1' for n in range(2000))}")
    assert (answer.status_code, answer["Content-Type"].endswith("json")) == (400, True)
    assert client.get(path, {"q": "x" * 100_000, "project": "y" * 100_000}).status_code == 200


@pytest.mark.parametrize("at", ["o1", "x", "n" + "9" * 60 + ".1", "o-5.1", "o1.-1", "o1.1e9", "\0", "o²." + "9" * 30])
def test_a_cursor_that_was_tampered_with_is_the_first_page(client: Client, at: str) -> None:
    factories.discussion()
    whole = client.get("/api/v1/series/").json()["results"]
    assert client.get("/api/v1/series/", {"at": at}).json()["results"] == whole


@pytest.mark.parametrize("before", ["-1", "1.5", "x", "9" * 40])
def test_a_row_to_go_on_from_is_a_number(client: Client, before: str) -> None:
    assert "before takes a whole number" in told(client.get("/api/v1/runs/", {"before": before}), 400)


@pytest.mark.parametrize("path", ["/api/v1/lists/", "/api/1.2/projects/"])
def test_what_nobody_foresaw_is_our_fault_and_says_no_more(client: Client, monkeypatch: Any, path: str) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr("threads.selectors.service.mailing_lists", fail)
    monkeypatch.setattr("threads.api.patchwork.shapes.Shapes.project", fail)
    client.raise_request_exception = False
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"].endswith("json")) == (500, True)
    assert "our fault" in answer.json()["detail"]
    assert b"secret" not in answer.content


class TestTokensAndAccounts:
    """A token never lets its bearer do more than the account may that it belongs to."""

    @staticmethod
    def approve(client: Client, key: str) -> int:
        talk = factories.discussion()
        models.Delivery.objects.filter(pk=talk.draft.pk).update(stage=models.Delivery.Stage.WAITING)
        headers = {"Authorization": f"Token {key}"}
        return client.post(f"/api/v1/deliveries/{talk.draft.pk}/approve/", headers=headers).status_code

    def test_a_person_gets_no_token_for_what_they_may_not_do(self) -> None:
        get_user_model().objects.create_user("mira", password="x")
        with pytest.raises(OperatorError, match=r"mira may not approve.*threads\.moderate"):
            tokens.create("mira", ["moderate"])
        assert not models.Token.objects.exists()
        assert tokens.create("mira", ["submit"])

    def test_a_permission_that_is_taken_away_is_taken_from_the_token(self, client: Client) -> None:
        user = get_user_model().objects.create_user("mira", password="x")
        user.user_permissions.add(Permission.objects.get(codename="moderate"))
        key = tokens.create("mira", ["moderate"])
        user.user_permissions.clear()
        assert self.approve(client, key) == 403

    def test_an_account_of_a_token_may_do_what_the_token_is_for(self, client: Client) -> None:
        assert self.approve(client, tokens.create("ci", ["moderate"])) == 200
        tokens.revoke("ci")
        tokens.create("ci", ["checks"])
        user = models.Token.objects.get().user
        assert user.get_all_permissions() == {"threads.add_foreigncheck"}, "what the old token was for is gone"

    def test_an_administrator_with_a_small_token_may_do_what_the_token_says(self, client: Client) -> None:
        get_user_model().objects.create_superuser("root", password="x")
        assert self.approve(client, tokens.create("root", ["submit"])) == 403


def test_addresses_that_a_client_makes_up_do_not_help_against_the_limit(client: Client, settings: Any) -> None:
    settings.API_READS = 2
    paths = [client.get("/api/v1/lists/", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(3)]
    assert paths[-1] == 429


def test_who_waits_leaves_room_for_those_who_do_not() -> None:
    assert 0 < series._waiters._initial_value <= serving.threads // 2  # type: ignore[attr-defined]


def test_a_badge_and_a_text_of_nothing_are_problems(client: Client) -> None:
    stem = links.to_status("nobody@example.org")[:-1]
    for suffix in (".svg", ".txt", ".sarif", ".mbox", ".junit.xml", ".kcidb.json", "/"):
        assert "No series is known" in told(client.get(stem + suffix), 404)
