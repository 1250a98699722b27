"""What somebody watches stands on top of their inbox; who maintains a list decides about that list alone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import factories
from tests.sources import MMU
from threads import links, models

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk() -> factories.Discussion:
    return factories.discussion()


@pytest.fixture
def reader(client: Client) -> User:
    user = User.objects.create_user("jun")
    client.force_login(user)
    return user


def watched(client: Client) -> list[models.Series]:
    rows: list[models.Series] = client.get("/").context["watched"]
    return rows


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("file", MMU, True),
        ("file", "arch/arm64/", True),
        ("file", "arch/arm/", False),
        ("file", "arch/arm64", False),  # a folder ends in /
        ("list", "linux-mm", True),
        ("author", "Mira@Example.org", True),
        ("author", "jun@example.org", False),
    ],
)
def test_what_is_watched_stands_on_top_of_the_inbox(
    client: Client, talk: factories.Discussion, reader: User, kind: str, value: str, found: bool
) -> None:
    assert client.post("/watching/", {"kind": kind, "value": value}).status_code == 302
    assert watched(client) == ([talk.v2] if found else [])
    text = client.get("/watching/").content.decode()
    assert ("[PATCH v2 0/3]" in text) is found


def test_a_watch_is_given_up_and_both_are_in_the_log(client: Client, talk: factories.Discussion, reader: User) -> None:
    client.post("/watching/", {"kind": "list", "value": "linux-mm"})
    row = models.Watch.objects.get()
    client.post("/watching/", {"remove": str(row.pk)})
    assert watched(client) == []
    actions = models.AuditEntry.objects.order_by("pk").values_list("who", "action", "detail", "about")
    assert list(actions)[-2:] == [
        ("jun", "began to watch", "", "list:linux-mm"),
        ("jun", "watches no more", "", "list:linux-mm"),
    ]


@pytest.mark.parametrize(
    ("kind", "value"), [("list", "nowhere"), ("author", "jun"), ("file", " "), ("colour", "red"), ("file", "x" * 501)]
)
def test_what_cannot_be_watched_is_explained(client: Client, reader: User, kind: str, value: str) -> None:
    answer = client.post("/watching/", {"kind": kind, "value": value})
    assert answer.status_code == 400
    assert b'role="alert"' in answer.content
    assert not models.Watch.objects.exists()


def test_nobody_sees_or_ends_what_somebody_else_watches(
    client: Client, talk: factories.Discussion, reader: User
) -> None:
    other = models.Watch.objects.create(user=User.objects.create_user("ada"), kind="list", value="linux-mm")
    client.post("/watching/", {"remove": str(other.pk)})
    assert models.Watch.objects.filter(pk=other.pk).exists()
    assert watched(client) == []
    client.logout()
    assert client.get("/watching/")["Location"].startswith("/login/?next=%2Fwatching%2F")


def test_files_lists_and_authors_lead_to_watching_them(
    client: Client, talk: factories.Discussion, reader: User
) -> None:
    for path, query in (
        (links.to_file(MMU), f"kind=file&amp;value={MMU}"),
        (links.to_list("linux-mm"), "kind=list&amp;value=linux-mm"),
        (links.to_author("mira@example.org"), "kind=author&amp;value=mira%40example.org"),
    ):
        assert f'href="/watching/?{query}"' in client.get(path).content.decode(), path
    assert b'value="linux-mm"' in client.get("/watching/?kind=list&value=linux-mm").content


@pytest.fixture
def waiting(talk: factories.Discussion) -> models.Delivery:
    models.Delivery.objects.filter(pk=talk.draft.pk).update(stage=models.Delivery.Stage.WAITING)
    return models.Delivery.objects.get(pk=talk.draft.pk)


@pytest.mark.parametrize(("name", "allowed"), [("linux-mm", True), ("linux-arch", False)])
def test_who_maintains_a_list_decides_about_its_mails_and_findings(
    client: Client, talk: factories.Discussion, waiting: models.Delivery, reader: User, name: str, allowed: bool
) -> None:
    models.Maintainer.objects.create(user=reader, mailing_list=factories.mailing_list(name))
    assert (f"/outbox/{waiting.pk}/" in client.get("/outbox/").content.decode()) is allowed
    assert ("waits for a moderator" in client.get("/").content.decode()) is allowed
    key = talk.report.findings[0].finding.fingerprint
    finding = links.to_finding("linux-mm", talk.v2.root_msgid, key)
    judged = client.post(finding, {"judgement": "right", "reason": "It is."})
    assert judged.status_code == (302 if allowed else 403)
    answer = client.post(f"/outbox/{waiting.pk}/", {"reject": "1", "why": "Not now."})
    assert answer.status_code == (302 if allowed else 403)


def test_who_maintains_a_list_neither_stops_all_mails_nor_mutes_a_rule(
    client: Client, waiting: models.Delivery, reader: User
) -> None:
    models.Maintainer.objects.create(user=reader, mailing_list=factories.mailing_list("linux-mm"))
    assert client.post("/outbox/", {"why": "Because."}).status_code == 403
    assert client.post(f"/outbox/{waiting.pk}/", {"mute_rule": "C01"}).status_code == 403
    assert not models.MailStop.objects.exists()
    assert not models.RuleMute.objects.exists()
