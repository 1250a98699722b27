"""The pages of the outbox: who may see them, and deciding there."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django.fixtures import Settings

from tests import factories
from tests.threads.services.outgoing import allow, put, undrafted
from threads import models

pytestmark = pytest.mark.django_db
Stage = models.Delivery.Stage


@pytest.fixture
def waiting(settings: Settings, tmp_path: Path) -> models.Delivery:
    settings.MODERATORS = ["mod@example.org"]
    allow(settings, tmp_path, '[default]\nto = "author"\nwhat = "all"\n')
    return put(undrafted())


@pytest.fixture
def moderator(client: Client) -> Client:
    user = User.objects.create_user("mira", password="x")
    user.user_permissions.add(Permission.objects.get(codename="moderate"))
    client.force_login(user)
    return client


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def stage_of(row: models.Delivery) -> str:
    row.refresh_from_db()
    return row.stage


def test_only_moderators_see_it(client: Client, waiting: models.Delivery) -> None:
    for path in ("/outbox/", f"/outbox/{waiting.pk}/"):
        assert client.get(path).headers["Location"].startswith("/login/?next=%2Foutbox%2F")
    client.force_login(User.objects.create_user("eve"))
    assert client.get("/outbox/").status_code == 403
    assert client.post(f"/outbox/{waiting.pk}/", {"approve": "1"}).status_code == 403
    assert stage_of(waiting) == Stage.WAITING


def test_what_waits_stands_first_and_the_inbox_leads_there(moderator: Client, waiting: models.Delivery) -> None:
    models.Delivery.objects.create(series=waiting.series, digest="1", message_id="old@example.org", stage=Stage.SENT)
    text = page(moderator, "/outbox/")
    assert text.index('id="waiting"') < text.index('id="sent"')
    assert waiting.reason in text
    assert factories.AUTHOR[1] in text
    assert 'href="/outbox/"' in page(moderator, "/")


def test_a_page_shows_the_exact_bytes_the_recipients_and_the_reason(
    moderator: Client, waiting: models.Delivery
) -> None:
    text = page(moderator, f"/outbox/{waiting.pk}/")
    assert bytes(waiting.raw).decode() in text
    assert f"<li>{waiting.recipients[0]}</li>" in text
    assert "[default] says to = 'author'." in text


def test_the_word_that_decides_is_on_no_page(moderator: Client, waiting: models.Delivery) -> None:
    copy = models.Delivery.objects.get(kind=models.Delivery.Kind.COPY)
    assert moderator.get(f"/outbox/{copy.pk}/").status_code == 404
    assert "[to approve]" not in page(moderator, "/outbox/")


def test_approving(moderator: Client, waiting: models.Delivery) -> None:
    moderator.post(f"/outbox/{waiting.pk}/", {"approve": "1"})
    assert stage_of(waiting) == Stage.APPROVED
    assert waiting.decided_by == "mira"
    again = moderator.post(f"/outbox/{waiting.pk}/", {"reject": "1", "why": "late"})
    assert again.status_code == 400
    assert "This mail does not wait for anybody: it is approved." in html.unescape(again.content.decode())


def test_rejecting_needs_a_reason(moderator: Client, waiting: models.Delivery) -> None:
    assert moderator.post(f"/outbox/{waiting.pk}/", {"reject": "1", "why": " "}).status_code == 400
    assert stage_of(waiting) == Stage.WAITING
    moderator.post(f"/outbox/{waiting.pk}/", {"reject": "1", "why": "The lock is never split."})
    assert stage_of(waiting) == Stage.REJECTED


def test_editing_shows_what_was_changed(moderator: Client, waiting: models.Delivery) -> None:
    moderator.post(f"/outbox/{waiting.pk}/", {"edit": "1", "body": "Shorter.\r\n"})
    text = page(moderator, f"/outbox/{waiting.pk}/")
    assert "+Shorter." in text
    assert "+++ as edited" in text
    assert stage_of(waiting) == Stage.WAITING


def test_muting_a_rule_or_an_author(moderator: Client, waiting: models.Delivery) -> None:
    assert 'name="mute_rule" value="C01"' in page(moderator, f"/outbox/{waiting.pk}/")
    moderator.post(f"/outbox/{waiting.pk}/", {"mute_rule": "C01"})
    assert models.RuleMute.objects.get().by == "mira"
    moderator.post(f"/outbox/{waiting.pk}/", {"mute_author": "1"})
    assert stage_of(waiting) == Stage.WITHHELD


def test_the_author_of_the_patch_is_muted_not_that_of_the_series(moderator: Client, waiting: models.Delivery) -> None:
    models.Delivery.objects.filter(pk=waiting.pk).update(recipients=["Eve <eve@example.org>", *waiting.recipients[1:]])
    assert "Send no more mails to eve@example.org</button>" in page(moderator, f"/outbox/{waiting.pk}/")
    moderator.post(f"/outbox/{waiting.pk}/", {"mute_author": "1"})
    assert models.Consent.objects.get().address == "eve@example.org"
    assert stage_of(waiting) == Stage.WITHHELD


def test_stopping_all_mails_and_letting_them_go(moderator: Client, waiting: models.Delivery) -> None:
    assert moderator.post("/outbox/", {"why": ""}).status_code == 400
    moderator.post("/outbox/", {"why": "Something is odd."})
    assert "Something is odd." in page(moderator, "/outbox/")
    moderator.post("/outbox/", {"start": "1"})
    assert "No mail goes out" not in page(moderator, "/outbox/")
    assert {entry.who for entry in models.AuditEntry.objects.all()} == {"mira"}
