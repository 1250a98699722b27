"""The inbox and the lists: what needs a look, filters in the address, pages that lose no row."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from reviewbot.errors import NotFoundError
from reviewbot.reports.facts import State, Verdict
from tests import factories
from threads import models
from threads.selectors import listing
from threads.services import intake

pytestmark = pytest.mark.django_db


def names(client: Client, query: str = "", name: str = "linux-mm") -> list[str]:
    response = client.get(f"/project/{name}/list/{query}")
    assert response.status_code == 200
    return [row.subject for row in response.context["page"].rows]


def test_the_inbox_groups_by_what_needs_a_look(client: Client) -> None:
    factories.series("[PATCH] a: found", verdict=Verdict.FINDINGS, state=State.FAILED, new_errors=1)
    factories.series("[PATCH] b: refused", verdict=Verdict.DOES_NOT_APPLY, state=State.FAILED)
    factories.series("[PATCH] c: fine", verdict=Verdict.CLEAN, state=State.PASSED)
    html = client.get("/").content.decode()
    order = [html.index(word) for word in ("New findings", "a: found", "Does not apply", "b: refused", "c: fine")]
    assert order == sorted(order)
    assert "1 error" in html


def test_an_older_version_needs_no_look_any_more(client: Client) -> None:
    old = factories.series("[PATCH] a: once", verdict=Verdict.FINDINGS, state=State.FAILED)
    factories.series("[PATCH v2] a: once", version=2, topic=old.topic, verdict=Verdict.CLEAN, state=State.PASSED)
    html = client.get("/").content.decode()
    assert "New findings" not in html
    assert "[PATCH v2] a: once" in html


def test_the_service_says_how_it_is(client: Client) -> None:
    row = factories.series("[PATCH] a: waits", wanted=True)
    models.Series.objects.filter(pk=row.pk).update(received_at=factories.START)
    html = client.get("/").content.decode()
    assert "1 series waiting" in html
    assert "no worker seems to run" in html


def test_filters_stand_in_the_address(client: Client) -> None:
    one = factories.series("[PATCH] mm: one", verdict=Verdict.CLEAN, state=State.PASSED)
    factories.message("one@x", one.subject, "", series=one)
    factories.series(
        "[PATCH] arm64: two", verdict=Verdict.BROKEN, state=State.BROKEN, author=factories.person(factories.REVIEWER)
    )
    three = factories.series("[PATCH] x86: three", lists=("linux-arch",))
    factories.message("three@x", three.subject, "", series=three)
    assert names(client) == ["[PATCH] arm64: two", "[PATCH] mm: one"]
    assert names(client, "?verdict=clean") == ["[PATCH] mm: one"]
    assert names(client, "?state=broken") == ["[PATCH] arm64: two"]
    assert names(client, "?author=tomas") == ["[PATCH] arm64: two"]
    assert names(client, "?q=ONE+mm") == ["[PATCH] mm: one"]
    assert names(client, "?q=three", "all") == ["[PATCH] x86: three"]
    assert names(client, "?verdict=nonsense&state=nonsense&at=nonsense") == names(client)


def test_a_message_id_is_found_by_search(client: Client) -> None:
    talk = factories.discussion()
    assert names(client, "?q=%3Caaa1.jun@example.org%3E") == [talk.v2.subject]


def test_an_unknown_list_is_not_an_empty_one(client: Client) -> None:
    assert client.get("/project/nonsense/list/").status_code == 404
    assert client.get("/project/nonsense/list.atom").status_code == 404


def test_pages_lose_no_row_and_show_none_twice() -> None:
    for number in range(7):
        factories.series(f"[PATCH] mm: {number}", date=factories.START + timedelta(days=number // 3))  # equal dates
    rows = models.Series.objects.all()
    everything = [row.pk for row in rows.order_by("-date", "-pk")]
    page = listing.page_of(rows, size=2)
    seen = [row.pk for row in page.rows]
    assert page.newer == ""
    while page.older:
        before = page
        page = listing.page_of(rows, page.older, size=2)
        seen += [row.pk for row in page.rows]
        assert listing.page_of(rows, page.newer, size=2).rows == before.rows
    assert seen == everything


@pytest.mark.parametrize("cursor", ["o", "o1", "x1.1", "o1.1.1", "o" + "9" * 30 + ".1", "o²·1", "n1." + "9" * 30])
def test_a_broken_cursor_does_no_harm(cursor: str) -> None:
    factories.series()
    assert isinstance(listing.page_of(models.Series.objects.all(), cursor), listing.Page)


def test_lists_need_few_queries(client: Client, django_assert_max_num_queries: object) -> None:
    for number in range(60):
        factories.series(f"[PATCH] mm: {number}", verdict=list(Verdict)[number % 6], wanted=True)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        client.get("/project/linux-mm/list/")
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        client.get("/project/linux-mm/list.atom")
    with django_assert_max_num_queries(15):  # type: ignore[operator]
        client.get("/")


def test_submitting_leads_to_what_becomes_of_it(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    row = models.Submission.objects.create(target="x@y")
    monkeypatch.setattr(intake, "submit", lambda target, options: row)
    answer = client.post("/", {"target": "x@y"})
    assert (answer.status_code, answer["Location"]) == (302, f"/submissions/{row.pk}/")
    html = client.get(answer["Location"]).content.decode()
    assert "Waiting to be fetched." in html
    row.state, row.reason, row.actor = State.BROKEN, "The archive does not answer.", "nobody: it is tried again"
    row.save()
    assert "The archive does not answer." in client.get(answer["Location"]).content.decode()
    row.series = factories.series()
    row.save()
    assert "/series/" in client.get(answer["Location"])["Location"]


def test_submitting_what_is_known_leads_there_at_once(client: Client) -> None:
    talk = factories.discussion()
    answer = client.post("/", {"target": "<aaa1.jun@example.org>"})
    assert answer["Location"] == f"/project/linux-mm/series/{talk.v2.root_msgid}/"


def test_a_wrong_target_is_told_in_a_sentence(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(target: str, options: dict[str, object]) -> models.Submission:
        raise NotFoundError("'nonsense' is neither a Message-ID nor a link.")

    monkeypatch.setattr(intake, "submit", refuse)
    answer = client.post("/", {"target": "nonsense"})
    assert answer.status_code == 400
    assert "neither a Message-ID" in answer.content.decode()
    assert 'value="nonsense"' in answer.content.decode()


def test_submitting_can_be_closed(client: Client, settings: object) -> None:
    settings.OPEN_SUBMISSIONS = False  # type: ignore[attr-defined]
    assert "Fetch and check" not in client.get("/").content.decode()
    assert client.post("/", {"target": "x@y"}).status_code == 400
    row = factories.discussion().v2
    assert client.post(f"/project/linux-mm/series/{row.root_msgid}/rerun/").status_code == 403


def test_forms_of_other_sites_are_refused() -> None:
    assert Client(enforce_csrf_checks=True).post("/", {"target": "x@y"}).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/project/all/list/?q=%00&author=%00",
        "/api/v1/series/?q=%00&list=%00",
        "/api/patches/?project=%00&q=%00&msgid=%00",
    ],
)
def test_what_no_database_keeps_is_found_nowhere(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200
