"""Patchwork's dialect: fields, paging and filters as its clients read them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from reviewbot.reports.facts import Cell, State
from reviewbot.reports.keeping import pack
from tests import factories, tellings
from threads import models
from threads.selectors import checks as of_patches

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk() -> factories.Discussion:
    return factories.discussion()


def get(client: Client, path: str, **query: Any) -> Any:
    response = client.get(f"/api{path}", query, headers={"Authorization": "Token unknown"})
    assert response.status_code == 200, response.content
    return response.json()


def test_every_version_and_both_slash_forms_are_served(client: Client, talk: factories.Discussion) -> None:
    for version in ("", "/1.0", "/1.1", "/1.2", "/1.3", "/1.4"):
        assert get(client, version)["patches"].endswith(f"{version}/patches/")
        assert get(client, f"{version}/") == get(client, version) or version == ""
        assert len(get(client, f"{version}/patches")) == len(get(client, f"{version}/patches/")) == 6
    assert client.get("/api/1.5/patches/").status_code == 404


def test_younger_fields_are_kept_from_older_versions(client: Client, talk: factories.Discussion) -> None:
    old, middle, new = (get(client, f"/1.{minor}/series/{talk.v2.pk}/") for minor in (0, 2, 4))
    assert "web_url" not in old
    assert "list_archive_url" not in old["patches"][0]
    assert middle["patches"][0]["list_archive_url"].startswith("https://lore.kernel.org/linux-mm/")
    assert "dependencies" not in middle
    assert new["dependencies"] == []


def test_a_patch_has_what_strict_readers_need(client: Client, talk: factories.Discussion) -> None:
    """Snowpatch refuses an answer that lacks one of these, or has "" for a URL."""
    row = talk.v2.patches.get(number=2)
    patch = get(client, f"/1.2/patches/{row.pk}/")
    wanted = (
        "id url project msgid date name commit_ref pull_url state archived hash submitter delegate mbox series check "
        "checks tags headers content diff prefixes related web_url"
    )
    assert set(wanted.split()) <= set(patch)
    assert {"id", "url", "name", "link_name", "list_email", "list_id"} <= set(patch["project"])
    assert patch["msgid"] == f"<{row.message.message_id}>"
    assert patch["tags"] == {}
    assert patch["diff"].startswith("diff --git ")
    assert "diff --git" not in patch["content"]
    assert patch["headers"]["Subject"].startswith("[PATCH v2 2/3]")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", patch["date"])
    for part in (patch, patch["project"], patch["submitter"], patch["series"][0]):
        urls = {key: value for key, value in part.items() if key.endswith("url") and "scm" not in key}
        assert all(value is None or value.startswith("http") for value in urls.values())


def test_a_series_has_what_its_readers_need(client: Client, talk: factories.Discussion) -> None:
    series = get(client, f"/1.2/series/{talk.v2.pk}/")
    assert (series["version"], series["total"], series["received_total"], series["received_all"]) == (2, 3, 3, True)
    assert series["cover_letter"]["msgid"] == f"<{talk.v2.root_msgid}>"
    assert [patch["name"] for patch in series["patches"]] == list(factories.SUBJECTS)
    assert get(client, "/covers/")[0]["series"][0]["id"] == talk.v1.pk
    cover = get(client, f"/covers/{series['cover_letter']['id']}/")
    assert cover["content"].startswith("Late mappings")
    assert client.get(series["mbox"]).content.count(b"From mboxrd@z ") == 4
    assert client.get(cover["mbox"]).content.startswith(b"From mboxrd@z ")
    assert client.get(cover["web_url"]).status_code == 302


def test_checks_are_words_in_slugs(client: Client, talk: factories.Discussion) -> None:
    row = talk.v2.patches.get(number=2)
    checks = get(client, f"/patches/{row.pk}/checks/")
    assert {one["context"]: one["state"] for one in checks} == {
        "reviewbot-apply": "success",
        "reviewbot-pgtable": "fail",
        "reviewbot-characters": "success",
        "reviewbot-build-defconfig": "warning",
    }
    assert get(client, f"/patches/{row.pk}/")["check"] == "fail"
    assert get(client, f"/patches/{row.pk}/checks/{checks[1]['id']}/") == checks[1]
    assert len(get(client, f"/patches/{row.pk}/checks/", context="reviewbot-pgtable", order="-date", per_page=1)) == 1
    assert all(client.get(one["target_url"]).status_code == 200 for one in checks)


def test_our_fault_is_pending_and_no_checks_too() -> None:
    cell = Cell(1, "build", "defconfig", State.BROKEN, "disk full")
    kept = of_patches.Kept(factories.START, [pack(cell)], failure=None, base=None)
    assert (kept.words(1), kept.checks(1)[0].description) == ({"pending"}, "our fault: disk full")
    assert of_patches.Checks().combined == "pending"
    assert set(of_patches.WORDS) | {State.SKIPPED} == set(State)


def test_lists_and_patches_say_alike_what_the_checks_come_to(client: Client, talk: factories.Discussion) -> None:
    factories.does_not_apply()
    bot = get_user_model().objects.create_user("ci")
    mails = talk.v2.patches.order_by("number").values_list("message", flat=True)
    for mail, states in zip(mails, (["fail"], ["success"], ["fail", "success"]), strict=True):
        for state in states:
            models.ForeignCheck.objects.create(message_id=mail, user=bot, context="boot", state=state)
    listed = {one["id"]: one["check"] for one in get(client, "/patches/", per_page=250)}
    assert set(listed.values()) == {"success", "fail", "warning"}
    for pk, check in listed.items():
        assert get(client, f"/patches/{pk}/")["check"] == check
        words = {(one["user"]["id"], one["context"]): one["state"] for one in get(client, f"/patches/{pk}/checks/")}
        assert of_patches.worst(words.values()) == check


def test_the_same_question_about_another_mail_or_page_has_another_answer(
    client: Client, talk: factories.Discussion
) -> None:
    mails = {one["msgid"]: one["id"] for one in get(client, "/patches/")}
    for msgid, pk in (*mails.items(), *mails.items()):
        (found,) = get(client, "/patches", project="linux-mm", archived="false", msgid=msgid.strip("<>"))
        assert found["id"] == pk
        assert get(client, "/patches", project="all", archived="true", msgid=msgid) == []
    covers = {one["msgid"]: one["id"] for one in get(client, "/covers/")}
    assert [get(client, "/covers/", msgid=msgid)[0]["id"] for msgid in covers] == list(covers.values())
    assert get(client, "/patches/", msgid="nobody@example.org") == get(client, "/patches/", msgid="") == []
    newest = [get(client, "/patches/", order="-id", per_page=1, page=page)[0]["id"] for page in (1, 2, 3)]
    assert newest == sorted(mails.values(), reverse=True)[:3]


def test_that_a_series_does_not_apply_is_a_warning(client: Client) -> None:
    row = factories.does_not_apply().patches.get()
    (check,) = get(client, f"/patches/{row.pk}/checks/")
    assert (check["context"], check["state"]) == ("reviewbot-apply", "warning")
    assert "late_pgtable_alloc" not in check["description"]


def test_filters(client: Client, talk: factories.Discussion) -> None:
    first = talk.v2.patches.get(number=1)
    assert [one["id"] for one in get(client, "/1.2/patches", project="linux-mm", archived="false",
                                     msgid=first.message.message_id)] == [first.pk]  # fmt: skip
    assert len(get(client, "/patches/", state=["new", "under-review"])) == 3, "v1 is superseded"
    assert len(get(client, "/patches/", state="superseded")) == 3
    assert get(client, "/patches/", state="accepted") == []
    assert get(client, "/patches/", archived="true") == []
    assert [one["id"] for one in get(client, "/patches/", hash=first.patch_id)] == [first.pk]
    assert len(get(client, "/patches/", series=talk.v1.pk)) == 3
    assert len(get(client, "/patches/", submitter="mira@example.org")) == 6
    assert get(client, "/patches/", submitter="nobody@example.org") == []
    assert get(client, "/patches/", project="linux-arch") == []
    assert len(get(client, "/patches/", since="2026-03-04T00:00:00")) == 3
    assert len(get(client, "/patches/", before="2026-03-04T00:00:00")) == 3
    assert len(get(client, "/patches/", since="nonsense")) == 6
    assert [one["version"] for one in get(client, "/series/", q="late mappings", order="-date")] == [2, 1]
    assert len(get(client, "/patches/", q="through one helper")) == 2


def test_other_pages_stand_in_the_link_header(client: Client, talk: factories.Discussion) -> None:
    response = client.get("/api/1.2/patches?per_page=2&page=2&q=a,m")
    assert response.status_code == 404
    response = client.get("/api/1.2/patches?per_page=2&page=2&project=linux-mm&x=a,b")
    parts = response["Link"].split(", ")
    assert parts[0].endswith('; rel="next"'), "pwclient reads only what follows no blank"
    assert "page=3" in parts[0]
    assert "," not in "".join(parts)
    rels = {re.findall(r'rel="(\w+)"', part)[0]: part for part in parts}
    assert set(rels) == {"next", "last", "first", "prev"}
    assert "page=3" in rels["last"]
    assert "Link" not in client.get("/api/patches/")


def test_projects_people_users_events(client: Client, talk: factories.Discussion) -> None:
    assert "linux-mm" in [one["link_name"] for one in get(client, "/projects/", per_page=250)]
    assert get(client, "/projects/linux-mm/")["list_id"]
    assert get(client, "/projects/0/")["link_name"] == "all"
    assert len(get(client, "/people/", q="mira")) == 1
    assert get(client, "/users/")[0]["username"] == "reviewbot"
    assert get(client, "/users/1/")["username"] == "reviewbot"
    assert get(client, "/bundles/") == []
    events = get(client, "/events/", category="series-completed", project="linux-mm")
    assert [event["payload"]["series"]["id"] for event in events] == [talk.v2.pk, talk.v1.pk]


def test_a_series_without_a_list_has_a_project_too(client: Client) -> None:
    row = factories.series("[PATCH] mm: alone", expected=1, lists=())
    one = factories.patch(row, 1, "mm: alone", tellings.diff_of(1))
    assert get(client, f"/patches/{one.pk}/")["project"]["link_name"] == "all"
    assert "/project/all/patch/" in get(client, f"/patches/{one.pk}/")["mbox"]


def test_lists_need_few_queries(client: Client, talk: factories.Discussion, django_assert_max_num_queries: Any) -> None:
    for path in ("/api/patches/", "/api/series/", "/api/covers/", "/api/events/"):
        with django_assert_max_num_queries(8):
            client.get(path)
