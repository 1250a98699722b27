"""Topics, patches, statistics; verdicts on findings and mails that wait; the fields that are asked for."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from reviewbot.errors import OperatorError
from tests import factories
from threads import links, models
from threads.services import foreign, tokens

pytestmark = pytest.mark.django_db

Stage = models.Delivery.Stage


@pytest.fixture
def talk() -> factories.Discussion:
    return factories.discussion()


def bearer(*scopes: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {tokens.create('jun', list(scopes))}"}}


def test_a_work_has_all_its_versions(client: Client, talk: factories.Discussion) -> None:
    (topic,) = client.get("/api/v1/topics/", {"q": "late mappings"}).json()["results"]
    assert [one["msgid"] for one in topic["versions"]] == [talk.v1.root_msgid, talk.v2.root_msgid]
    assert client.get(topic["url"]).json() == topic
    assert client.get("/api/v1/topics/999/").status_code == 404


def test_a_patch_alone(client: Client, talk: factories.Discussion) -> None:
    mail = talk.v2.patches.get(number=2).message
    patch = client.get(f"/api/v1/patches/{links.msgid(mail.message_id)}/").json()
    assert (patch["n"], patch["msgid"]) == (2, mail.message_id)
    assert [one["id"] for one in patch["found"]] == patch["findings"]
    assert client.get(patch["series"]).json()["msgid"] == talk.v2.root_msgid
    cover = client.get(f"/api/v1/patches/{links.msgid(talk.v2.root_msgid)}/")
    assert cover.status_code == 404
    assert "no patch" in cover.json()["detail"]


def test_what_other_bots_say_stands_apart_from_our_checks(client: Client, talk: factories.Discussion) -> None:
    path = links.to_status(talk.v2.root_msgid)
    before = client.get(path)
    tokens.create("media-ci", ["checks"])
    user = models.Token.objects.get().user
    mail = talk.v2.patches.get(number=1).message
    for state in ("fail", "success"):
        foreign.add_check(mail, user, context="smoke", state=state, target_url="", description="d")
    after = client.get(path, headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 200, "the answer has another tag now"
    first, second, _ = after.json()["patches"]
    assert [(one["bot"], one["context"], one["state"]) for one in first["other_checks"]] == [
        ("media-ci", "smoke", "success")
    ]
    assert second["other_checks"] == []
    assert first["checks"] == before.json()["patches"][0]["checks"], "never counted as ours"
    assert after.json()["verdict"] == before.json()["verdict"]


def test_statistics(client: Client, talk: factories.Discussion) -> None:
    told = client.get("/api/v1/statistics/").json()
    assert told["series"] == sum(told["verdicts"].values()) == 2
    assert {queue["name"] for queue in told["queues"]} == {"fetching", "series", "checks", "builds"}


class TestFields:
    """``?fields=``: a script asks for what it reads."""

    def test_of_one_and_of_many(self, client: Client, talk: factories.Discussion) -> None:
        path = links.to_status(talk.v2.root_msgid)
        assert set(client.get(path, {"fields": "verdict, state"}).json()) == {"verdict", "state"}
        page = client.get("/api/v1/series/", {"fields": "msgid", "limit": "1"}).json()
        assert page["results"] == [{"msgid": talk.v2.root_msgid}]
        assert page["next"]
        assert all(set(one) == {"name"} for one in client.get("/api/v1/lists/?fields=name").json())

    def test_an_unknown_one_is_a_problem_that_names_those_there_are(
        self, client: Client, talk: factories.Discussion
    ) -> None:
        answer = client.get(links.to_status(talk.v2.root_msgid), {"fields": "verdikt"})
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
        assert "verdict" in answer.json()["detail"]


class TestVerdict:
    """Judging findings by script."""

    def judge(self, client: Client, talk: factories.Discussion, body: dict[str, str], **more: Any) -> Any:
        path = links.to_status(talk.v2.root_msgid)
        finding = client.get(path).json()["findings"][0]["id"]
        return client.post(f"{path}findings/{finding}/verdict/", body, **more)

    def test_it_is_kept_with_its_reason_and_author(self, client: Client, talk: factories.Discussion) -> None:
        body = {"judgement": "wrong", "reason": "The table is freed by the caller."}
        answer = self.judge(client, talk, body, **bearer("verdict"))
        assert answer.status_code == 201
        mark = models.Mark.objects.get()
        assert (mark.who, mark.judgement, mark.reason) == ("jun", "wrong", body["reason"])
        (rule,) = client.get("/api/v1/statistics/").json()["rules"]
        assert (rule["rule"], rule["wrong"], rule["precision"]) == ("C01", 1, 0)

    def test_it_takes_a_reason_a_known_word_and_a_finding(self, client: Client, talk: factories.Discussion) -> None:
        more = bearer("verdict")
        assert self.judge(client, talk, {"judgement": "wrong"}, **more).status_code == 400
        assert self.judge(client, talk, {"judgement": "odd", "reason": "x"}, **more).status_code == 400
        path = f"{links.to_status(talk.v2.root_msgid)}findings/nothing/verdict/"
        assert client.post(path, {"judgement": "right", "reason": "x"}, **more).status_code == 404

    def test_who_may_not_is_told_what_is_missing(self, client: Client, talk: factories.Discussion) -> None:
        body = {"judgement": "right", "reason": "x"}
        assert self.judge(client, talk, body).status_code == 401
        answer = self.judge(client, talk, body, **bearer("checks"))
        assert answer.status_code == 403
        assert "scope 'verdict'" in answer.json()["detail"]


class TestModeration:
    """Mails that wait for a person."""

    @pytest.fixture
    def waiting(self, talk: factories.Discussion) -> models.Delivery:
        models.Delivery.objects.filter(pk=talk.draft.pk).update(stage=Stage.WAITING)
        return models.Delivery.objects.get(pk=talk.draft.pk)

    def test_what_waits_is_listed_with_its_text(self, client: Client, waiting: models.Delivery) -> None:
        (row,) = client.get("/api/v1/deliveries/", {"stage": "waiting"}).json()["results"]
        assert "pagetable_pte_ctor" in row["text"]
        assert client.get(row["url"]).json() == row
        assert client.get("/api/v1/deliveries/", {"stage": "sent"}).json()["results"] == []
        assert client.get("/api/v1/deliveries/", {"stage": "lost"}).status_code == 400

    def test_it_is_approved_once(self, client: Client, waiting: models.Delivery) -> None:
        path, more = f"/api/v1/deliveries/{waiting.pk}/approve/", bearer("moderate")
        answer = client.post(path, **more).json()
        assert (answer["stage"], answer["decided_by"]) == ("approved", "jun")
        again = client.post(path, **more)
        assert (again.status_code, again["Content-Type"]) == (422, "application/problem+json")
        assert "does not wait" in again.json()["detail"]
        assert models.AuditEntry.objects.filter(who="jun").count() == 1

    def test_it_is_rejected_with_a_reason_or_edited(self, client: Client, waiting: models.Delivery) -> None:
        path, more = f"/api/v1/deliveries/{waiting.pk}/", bearer("moderate")
        edited = client.post(f"{path}edit/", {"body": "Said better.\n"}, **more).json()
        assert "Said better." in edited["text"]
        assert client.post(f"{path}reject/", {}, **more).status_code == 400
        answer = client.post(f"{path}reject/", {"reason": "known already"}, **more).json()
        assert (answer["stage"], answer["reason"]) == ("rejected", "known already")

    def test_only_moderators_decide(self, client: Client, waiting: models.Delivery) -> None:
        assert client.post(f"/api/v1/deliveries/{waiting.pk}/approve/").status_code == 401
        assert client.post(f"/api/v1/deliveries/{waiting.pk}/approve/", **bearer("state")).status_code == 403
        assert models.Delivery.objects.get().stage == Stage.WAITING


class TestMaintainers:
    """Who maintains a list may do by token what they may at our pages: about its series, and as far as the token."""

    @pytest.fixture
    def waiting(self, talk: factories.Discussion) -> models.Delivery:
        """A mail that waits, and a letter about the same series."""
        talk.draft.stage = Stage.WAITING
        talk.draft.save()
        letter = models.Delivery.objects.get(pk=talk.draft.pk)
        letter.pk, letter.message_id, letter.digest = None, "answer@example.org", "f" * 64
        letter.kind = models.Delivery.Kind.ANSWER
        letter.save(force_insert=True)
        return talk.draft

    def of(self, name: str, *scopes: str) -> dict[str, Any]:
        user = get_user_model().objects.create_user("jun", password="x")
        models.Maintainer.objects.create(user=user, mailing_list=factories.mailing_list(name))
        return bearer(*scopes)

    @pytest.mark.parametrize(("name", "allowed"), [("linux-mm", True), ("linux-arch", False)])
    def test_they_decide_about_their_list_alone(
        self, client: Client, talk: factories.Discussion, waiting: models.Delivery, name: str, allowed: bool
    ) -> None:
        more = self.of(name, "verdict", "moderate", "state")
        finding = client.get(links.to_status(talk.v2.root_msgid)).json()["findings"][0]["id"]
        path = f"{links.to_status(talk.v2.root_msgid)}findings/{finding}/verdict/"
        patch = talk.v2.patches.get(number=1).pk
        answers = [
            client.post(path, {"judgement": "right", "reason": "It is."}, **more),
            client.patch(f"/api/1.2/patches/{patch}/", {"state": "accepted"}, "application/json", **more),
            client.post(f"/api/v1/deliveries/{waiting.pk}/approve/", **more),
        ]
        assert [one.status_code for one in answers] == ([201, 200, 200] if allowed else [403] * 3)
        assert len(client.get("/api/v1/deliveries/", **more).json()["results"]) == (2 if allowed else 1)

    def test_a_token_opens_no_more_than_it_says(
        self, client: Client, talk: factories.Discussion, waiting: models.Delivery
    ) -> None:
        more = self.of("linux-mm", "verdict")
        assert client.post(f"/api/v1/deliveries/{waiting.pk}/approve/", **more).status_code == 403
        assert len(client.get("/api/v1/deliveries/", **more).json()["results"]) == 1

    def test_a_token_is_not_made_for_more_than_lists_let_do(self) -> None:
        with pytest.raises(OperatorError, match="may not post checks"):
            self.of("linux-mm", "checks")


def test_what_is_asked_for_by_script_stands_in_the_log(client: Client, talk: factories.Discussion) -> None:
    more = bearer("submit")
    assert client.post(f"{links.to_status(talk.v2.root_msgid)}rerun/", **more).status_code == 202
    assert client.post("/api/v1/series/", {"target": "new@example.org"}, **more).status_code == 202
    told = models.AuditEntry.objects.order_by("pk").values_list("who", "action", "about")
    assert list(told) == [
        ("jun", "asked to look again", talk.v2.root_msgid),
        ("jun", "submitted", "new@example.org"),
    ]


@pytest.mark.parametrize("path", ["/api/v1/series/a%0Ab/x/", "/api/1.2/nothing/", "/api/1.9/patches/", "/api/x%0Ay"])
def test_what_is_not_there_is_told_to_programs_as_json(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"].endswith("json")) == (404, True)
    assert answer.json()["detail"]


def test_exports_of_a_series(client: Client, talk: factories.Discussion) -> None:
    stem = links.to_status(talk.v2.root_msgid)[:-1]
    assert client.get(f"{stem}.sarif").json()["version"] == "2.1.0"
    assert client.get(f"{stem}.kcidb.json").json()["checkouts"][0]["message_id"] == talk.v2.root_msgid
    junit = client.get(f"{stem}.junit.xml")
    assert junit.content.startswith(b"<?xml")
    assert client.get(f"{stem}.junit.xml", headers={"If-None-Match": junit["ETag"]}).status_code == 304


def test_b4_asks_for_a_patch_set(client: Client, talk: factories.Discussion) -> None:
    answer = client.get("/api/patchset", {"id": talk.v2.root_msgid}).json()
    assert (answer["message_id"], answer["status"], len(answer["reviews"])) == (talk.v2.root_msgid, "Reviewed", 3)
    assert client.get("/api/patchset", {"id": "nobody@example.org"}).status_code == 404
    assert client.get("/api/patchset").status_code == 400


def test_letters_to_one_person_are_shown_to_moderators_alone(client: Client, talk: factories.Discussion) -> None:
    talk.draft.pk, talk.draft.message_id, talk.draft.digest = None, "answer@example.org", "f" * 64
    talk.draft.kind = models.Delivery.Kind.ANSWER
    talk.draft.save(force_insert=True)
    assert client.get(f"/api/v1/deliveries/{talk.draft.pk}/").status_code == 404
    assert len(client.get("/api/v1/deliveries/").json()["results"]) == 1
    assert len(client.get("/api/v1/deliveries/", **bearer("moderate")).json()["results"]) == 2
