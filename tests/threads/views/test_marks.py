"""Maintainers judge findings; everybody sees who said what and why, and a rule that is often wrong stops mailing."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests import factories
from threads import links, models
from threads.selectors import marks as selectors
from threads.services.marks import note
from threads.views import marks as views

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk() -> factories.Discussion:
    return factories.discussion()


@pytest.fixture
def maintainer(client: Client) -> User:
    user = User.objects.create_user("jun", password="a long one")
    user.user_permissions.add(Permission.objects.get(codename="add_mark"))
    client.force_login(user)
    return user


def path_of(talk: factories.Discussion) -> str:
    finding = talk.report.findings[0].finding
    return links.to_finding("linux-mm", talk.v2.root_msgid, finding.fingerprint)


def mark(topic: models.Topic, series: models.Series, number: int, judgement: str, rule: str = "C01") -> models.Mark:
    return models.Mark.objects.create(
        topic=topic, series=series, fingerprint=f"{number:016x}", rule=rule, judgement=judgement, reason="x", who="jun"
    )


def test_a_mark_is_shown_beside_the_finding_on_the_rule_and_in_the_log(
    client: Client, talk: factories.Discussion, maintainer: User
) -> None:
    answer = client.post(path_of(talk), {"judgement": "wrong", "reason": "The <caller> checks it."})
    assert answer.status_code == 302
    for path in (answer["Location"].partition("#")[0], path_of(talk), "/rules/C01/"):
        html = client.get(path).content.decode()
        assert "The &lt;caller&gt; checks it." in html, path
        assert "jun" in html
    entry = models.AuditEntry.objects.get(action="marked a finding")
    assert (entry.who, entry.about) == ("jun", talk.v2.root_msgid)


def test_the_page_of_a_series_is_sent_again_after_a_mark(
    client: Client, talk: factories.Discussion, maintainer: User
) -> None:
    series = links.to_series("linux-mm", talk.v2.root_msgid)
    tag = client.get(series)["ETag"]
    client.post(path_of(talk), {"judgement": "right", "reason": "It is."})
    assert client.get(series, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("form", [{"judgement": "right", "reason": " "}, {"judgement": "perhaps", "reason": "x"}])
def test_a_mark_needs_a_judgement_and_a_reason(
    client: Client, talk: factories.Discussion, maintainer: User, form: dict[str, str]
) -> None:
    assert client.post(path_of(talk), form).status_code == 400
    assert not models.Mark.objects.exists()


def test_only_maintainers_judge_and_others_are_told_how(client: Client, talk: factories.Discussion) -> None:
    form = {"judgement": "right", "reason": "x"}
    assert client.post(path_of(talk), form).status_code == 403
    assert "/login/?next=" in client.get(path_of(talk)).content.decode()
    client.force_login(User.objects.create_user("reader"))
    assert client.post(path_of(talk), form).status_code == 403
    assert client.get("/audit/").status_code == 403
    assert not models.Mark.objects.exists()


def test_signing_in_leads_back_and_never_to_another_host(client: Client, talk: factories.Discussion) -> None:
    User.objects.create_user("jun", password="a long one")
    form = {"username": "jun", "password": "a long one"}
    assert client.post("/login/", {**form, "next": path_of(talk)})["Location"] == path_of(talk)
    assert client.post("/login/", {**form, "next": "https://evil.example.org/"})["Location"] == "/"
    assert "do not fit together" in client.post("/login/", {**form, "password": "x"}).content.decode()
    assert client.get("/logout/").status_code == 405


def test_a_mark_is_never_changed(talk: factories.Discussion) -> None:
    row = mark(talk.v2.topic, talk.v2, 1, "right")
    with pytest.raises(TypeError):
        row.save()


def test_a_rule_that_is_often_wrong_is_muted_for_mail_and_says_so(client: Client, talk: factories.Discussion) -> None:
    for number in range(3):
        mark(talk.v2.topic, talk.v2, number, "right")
    mark(talk.v2.topic, talk.v2, 3, "wrong")
    assert selectors.muted_rules() == {}  # four marks are too few
    mark(talk.v2.topic, talk.v2, 4, "not worth it")
    assert list(selectors.muted_rules()) == ["C01"]
    left, why = selectors.for_mail(talk.report)
    assert "C01" not in {one.finding.rule for one in left.findings}
    assert why == ("C01 is muted for mail: 3 of 5 findings that maintainers marked were right, and 80% are asked for.",)
    assert "C01 is muted for mail" in client.get("/rules/C01/").content.decode()
    mark(talk.v2.topic, talk.v2, 4, "right")  # the newest counts
    assert selectors.muted_rules() == {}


def test_what_a_maintainer_called_wrong_is_not_mailed(talk: factories.Discussion) -> None:
    finding = talk.report.findings[0].finding
    models.Mark.objects.create(
        topic=talk.v2.topic, series=talk.v2, fingerprint=finding.fingerprint, rule=finding.rule,
        judgement="wrong", reason="x", who="jun",
    )  # fmt: skip
    left, why = selectors.for_mail(talk.report)
    assert [one.finding for one in left.findings] == [one.finding for one in talk.report.findings[1:]]
    assert why == ()


def test_marks_and_the_log_are_neither_changed_nor_removed_in_bulk(talk: factories.Discussion) -> None:
    mark(talk.v2.topic, talk.v2, 1, "right")
    note("mira", "submitted", "x@example.org")
    for rows in (models.Mark.objects, models.AuditEntry.objects):
        with pytest.raises(TypeError, match="never changed"):
            rows.update(who="somebody else")
        with pytest.raises(TypeError, match="never removed"):
            rows.filter(who="mira").delete()
        with pytest.raises(TypeError, match="never removed"):
            rows.get().delete()
        assert rows.count() == 1


def test_marks_go_along_when_works_turn_out_to_be_one(talk: factories.Discussion) -> None:
    said = mark(talk.v2.topic, talk.v2, 1, "right")
    other = models.Topic.objects.create(name="the same work")
    models.Mark.objects.move(talk.v2.pk, other.pk)
    said.refresh_from_db()
    assert said.topic == other
    assert said.judgement == "right"


def test_who_signs_in_and_who_cannot_is_noted(client: Client, maintainer: User) -> None:
    client.logout()
    for name, password in (("jun", "wrong"), ("hunter2", "typed into the wrong field")):
        client.post("/login/", {"username": name, "password": password})
    told = list(models.AuditEntry.objects.order_by("pk").values_list("who", "action"))
    assert told[-3:] == [("jun", "signed out"), ("jun", "could not sign in"), ("anybody", "could not sign in")]
    assert not models.AuditEntry.objects.filter(detail__contains="hunter2").exists()


def test_the_log_goes_back_to_its_beginning(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "LOG_SHOWN", 3)
    client.force_login(User.objects.create_superuser("root"))
    for number in range(7):
        note("jun", "did", f"thing {number}")
    seen, path = [], "/audit/"
    while path:
        answer = client.get(path)
        seen += [entry.about for entry in answer.context["entries"] if entry.action == "did"]
        path = f"/audit/?before={answer.context['older']}" if answer.context["older"] else ""
    assert seen == [f"thing {number}" for number in reversed(range(7))]
    assert client.get("/audit/?before=x").status_code == 200
