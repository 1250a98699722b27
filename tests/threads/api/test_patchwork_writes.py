"""What other bots and maintainers write through Patchwork's dialect, and what becomes of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests import factories
from threads import models
from threads.services import tokens

pytestmark = pytest.mark.django_db

Send = Callable[..., Any]


@pytest.fixture
def talk() -> factories.Discussion:
    return factories.discussion()


@pytest.fixture
def patch(talk: factories.Discussion) -> models.Patch:
    return talk.v2.patches.get(number=1)


@pytest.fixture
def bot(client: Client) -> Send:
    """Return a function that posts JSON with the key of a bot that may post checks."""
    return sender(client, tokens.create("media-ci", ["checks"]))


@pytest.fixture
def maintainer(client: Client) -> Send:
    return sender(client, tokens.create("jun", ["state"]))


def sender(client: Client, key: str) -> Send:
    def send(path: str, body: dict[str, Any], method: str = "POST") -> Any:
        headers = {"Authorization": f"Token {key}"}
        return client.generic(method, path, json.dumps(body), content_type="application/json", headers=headers)

    return send


def checks_of(client: Client, patch: models.Patch, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/api/1.2/patches/{patch.pk}/checks/", query).json()
    return found


CHECK = {
    "context": "media-ci",
    "state": "fail",
    "target_url": "https://ci.example.org/7",
    "description": "two warnings",
}


def test_a_check_of_another_bot_stands_beside_ours_under_its_name(
    client: Client, patch: models.Patch, bot: Send
) -> None:
    ours = checks_of(client, patch)
    answer = bot(f"/api/1.2/patches/{patch.pk}/checks/", CHECK)
    assert answer.status_code == 201
    posted = answer.json()
    assert {name: posted[name] for name in CHECK} == CHECK
    assert posted["user"]["username"] == "media-ci"
    assert checks_of(client, patch) == [*ours, posted]
    assert client.get(posted["url"]).json() == posted
    assert client.get(posted["user"]["url"]).json() == posted["user"]
    assert checks_of(client, patch, user="media-ci") == [posted]
    assert checks_of(client, patch, context="media-ci", order="-date", per_page=1) == [posted]


@pytest.mark.parametrize("path", ["/api", "/api/1.0", "/api/1.2", "/api/1.4"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_checks_are_taken_at_every_version_with_and_without_the_last_slash(
    patch: models.Patch, bot: Send, path: str, slash: str
) -> None:
    assert bot(f"{path}/patches/{patch.pk}/checks{slash}", CHECK).status_code == 201


def test_a_form_and_a_password_will_do(client: Client, patch: models.Patch) -> None:
    """KPD posts forms; git-pw and pwclient can be set up with a name and a password."""
    basic = base64.b64encode(f"somebody:{tokens.create('kpd', ['checks'])}".encode()).decode()
    form = {"context": "kpd", "state": "pending", "target_url": "", "description": ""}
    answer = client.post(f"/api/1.2/patches/{patch.pk}/checks/", form, headers={"Authorization": f"Basic {basic}"})
    assert (answer.status_code, answer.json()["target_url"]) == (201, None)


def test_the_newest_check_of_a_bot_and_context_counts(client: Client, patch: models.Patch, bot: Send) -> None:
    path = f"/api/1.2/patches/{patch.pk}/"
    before = client.get(path).json()["check"]
    bot(f"{path}checks/", CHECK)
    assert client.get(path).json()["check"] == "fail"
    bot(f"{path}checks/", CHECK | {"state": "success"})
    assert client.get(path).json()["check"] == before
    assert len(checks_of(client, patch, user="media-ci")) == 2, "what was said before is not taken back"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"state": "good"}, "state"),
        ({"state": ""}, "state"),
        ({"context": "two words"}, "context"),
        ({"context": "x" * 256}, "context"),
        ({"target_url": "javascript:alert(1)"}, "target_url"),
        ({"target_url": "ftp://x.example.org/"}, "target_url"),
        ({"description": "x" * 100_001}, "description"),
    ],
)
def test_what_is_wrong_is_told_by_field(patch: models.Patch, bot: Send, change: dict[str, str], field: str) -> None:
    answer = bot(f"/api/1.2/patches/{patch.pk}/checks/", CHECK | change)
    assert answer.status_code == 400
    assert set(answer.json()) == {field}
    assert isinstance(answer.json()[field], list)


def test_who_has_no_key_or_the_wrong_one_writes_nothing(client: Client, patch: models.Patch, maintainer: Send) -> None:
    path = f"/api/1.2/patches/{patch.pk}/"
    anonymous = client.post(f"{path}checks/", CHECK)
    assert (anonymous.status_code, set(anonymous.json())) == (401, {"detail"})
    assert anonymous["WWW-Authenticate"] == "Token"
    assert client.post(f"{path}checks/", CHECK, headers={"Authorization": "Token no"}).status_code == 401
    other = maintainer(f"{path}checks/", CHECK)
    assert (other.status_code, set(other.json())) == (403, {"detail"})
    assert not models.ForeignCheck.objects.exists()


def test_a_revoked_key_opens_nothing(patch: models.Patch, bot: Send) -> None:
    tokens.revoke("media-ci")
    assert bot(f"/api/1.2/patches/{patch.pk}/checks/", CHECK).status_code == 401


def test_a_check_of_what_is_not_there(bot: Send, talk: factories.Discussion) -> None:
    answer = bot("/api/1.2/patches/99999999/checks/", CHECK)
    assert (answer.status_code, set(answer.json())) == (404, {"detail"})


def test_a_flood_of_checks_ends(patch: models.Patch, bot: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threads.services.foreign.MOST", 1)
    path = f"/api/1.2/patches/{patch.pk}/checks/"
    assert [bot(path, CHECK).status_code for _ in range(2)] == [201, 403]


def test_a_maintainer_decides_about_a_patch(client: Client, patch: models.Patch, maintainer: Send) -> None:
    path = f"/api/1.2/patches/{patch.pk}/"
    answer = maintainer(path, {"state": "Under Review", "delegate": "jun", "commit_ref": "abc123"}, "PATCH").json()
    assert (answer["state"], answer["commit_ref"], answer["archived"]) == ("under-review", "abc123", False)
    assert answer["delegate"]["username"] == "jun"
    assert "diff" in answer, "the whole patch, as b4 and git-pw read it"
    assert client.get(path).json() == answer
    for query in ({"state": "under-review"}, {"delegate": "jun"}, {"delegate": answer["delegate"]["id"]}):
        assert [one["id"] for one in client.get("/api/1.2/patches/", query).json()] == [patch.pk]
    assert patch.pk not in [one["id"] for one in client.get("/api/1.2/patches/", {"state": "new"}).json()]
    entry = models.AuditEntry.objects.get()
    assert (entry.who, entry.about) == ("jun", patch.message.message_id)


def test_a_form_sets_what_it_names_and_nothing_else(client: Client, patch: models.Patch, maintainer: Send) -> None:
    path = f"/api/1.2/patches/{patch.pk}"
    maintainer(path, {"state": "accepted"}, "PATCH")
    headers = {"Authorization": f"Token {tokens.create('tools', ['state'])}"}
    form = {"content_type": "application/x-www-form-urlencoded", "headers": headers}
    answer = client.generic("PATCH", path, "archived=True", **form).json()
    assert (answer["state"], answer["archived"]) == ("accepted", True)
    assert [one["id"] for one in client.get("/api/patches/?archived=true").json()] == [patch.pk]
    assert patch.pk not in [one["id"] for one in client.get("/api/patches/?archived=false").json()]
    assert client.generic("PATCH", path, "archived=False&delegate=", **form).json()["archived"] is False


def test_a_decision_outlives_a_new_assembly(client: Client, patch: models.Patch, maintainer: Send) -> None:
    maintainer(f"/api/patches/{patch.pk}/", {"state": "rejected"}, "PATCH")
    series, message, number = patch.series, patch.message, patch.number
    patch.delete()
    again = models.Patch.objects.create(series=series, message=message, number=number, subject="x", patch_id="")
    assert client.get(f"/api/patches/{again.pk}/").json()["state"] == "rejected"


@pytest.mark.parametrize(
    ("body", "field"),
    [({"state": "splendid"}, "state"), ({"archived": "perhaps"}, "archived"), ({"delegate": "no"}, "delegate")],
)
def test_a_decision_without_sense(patch: models.Patch, maintainer: Send, body: dict[str, str], field: str) -> None:
    answer = maintainer(f"/api/1.2/patches/{patch.pk}/", body, "PATCH")
    assert (answer.status_code, set(answer.json())) == (400, {field})


def test_only_maintainers_decide(client: Client, admin_client: Client, patch: models.Patch, bot: Send) -> None:
    path = f"/api/1.2/patches/{patch.pk}/"
    assert client.patch(path, {"state": "accepted"}, content_type="application/json").status_code == 401
    assert bot(path, {"state": "accepted"}, "PATCH").status_code == 403
    answer = admin_client.patch(path, {"state": "accepted"}, content_type="application/json")
    assert answer.json()["state"] == "accepted", "somebody who is signed in and has the permission"


def test_what_was_done_becomes_events(client: Client, patch: models.Patch, bot: Send, maintainer: Send) -> None:
    bot(f"/api/patches/{patch.pk}/checks/", CHECK)
    maintainer(f"/api/patches/{patch.pk}/", {"state": "accepted", "delegate": "jun"}, "PATCH")
    maintainer(f"/api/patches/{patch.pk}/", {"state": "accepted"}, "PATCH")
    events = client.get("/api/1.2/events/", {"project": "linux-mm"}).json()
    kinds = [one["category"] for one in events]
    assert kinds[:3] == ["patch-delegated", "patch-state-changed", "check-created"]
    assert sorted(kinds[3:]) == ["series-completed"] * 2 + ["series-created"] * 2
    assert len({one["id"] for one in events}) == len(events)
    delegated, changed, checked = events[:3]
    assert (changed["payload"]["previous_state"], changed["payload"]["current_state"]) == ("new", "accepted")
    assert changed["payload"]["patch"]["id"] == patch.pk
    assert (delegated["payload"]["previous_delegate"], changed["actor"]["username"]) == (None, "jun")
    assert delegated["payload"]["current_delegate"]["username"] == "jun"
    assert checked["payload"]["check"]["context"] == "media-ci"
    only = client.get("/api/events/", {"category": "check-created", "project": "linux-mm"}).json()
    assert [one["id"] for one in only] == [checked["id"]]
    assert client.get("/api/events/", {"category": "check-created", "project": "linux-arch"}).json() == []
    assert client.get("/api/events/", {"category": "check-created", "since": "2126-01-01T00:00:00"}).json() == []


def test_accounts_are_listed_without_their_addresses(client: Client, bot: Send) -> None:
    users = client.get("/api/users/").json()
    assert [one["username"] for one in users] == ["reviewbot", "media-ci"]
    assert client.get("/api/users/", {"q": "media"}).json() == users[1:]
    assert all(one["email"].endswith(".invalid") for one in users)
    assert client.get("/api/users/999/").status_code == 404
