"""The pages show what the rows say, whoever reads them and however the address is written."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import resolve

from reviewbot.reports.facts import State, Verdict
from tests import factories, tellings
from threads import links, models

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk() -> factories.Discussion:
    return factories.discussion()


def page(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status, path
    return response.content.decode()


def prose(html: str) -> str:
    """Return the text of a page on one line."""
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


def series_path(row: models.Series) -> str:
    return links.to_series("linux-mm", row.root_msgid)


def test_a_series_says_its_verdict_first(client: Client, talk: factories.Discussion) -> None:
    html = page(client, series_path(talk.v2))
    verdict = html.index("2 errors and 1 warning found in patches 2 and 3.")
    assert verdict < html.index("Patches and checks") < html.index('id="findings"')
    assert "v2 fixed 1, 1 remains, 2 new" in html


def test_a_finding_shows_place_code_evidence_and_what_the_thread_said(
    client: Client, talk: factories.Discussion
) -> None:
    html = page(client, series_path(talk.v2))
    told = talk.report.findings[0]
    article = html[html.index(f'id="f-{told.finding.fingerprint}"') :].partition("</article>")[0]
    text = prose(article)
    assert f"{told.finding.location.file}:{told.finding.location.line} in late_pgtable_alloc()" in text
    assert "<mark>&gt;" in article
    assert "the table is allocated here" in text
    assert f"Tomas Okafor raised this 2026-03-02 13:30: {factories.RAISED}" in text
    assert 'href="/rules/C01/"' in article
    assert "since v1" in text


def test_fixed_preexisting_and_gone_findings_stand_apart(client: Client, talk: factories.Discussion) -> None:
    html = page(client, series_path(talk.v2))
    assert "Fixed by this series" in html
    assert "1 finding in functions that the series touches; not counted against it" in html
    assert "No longer there since the last version" in html


def test_the_matrix_says_not_run_where_nothing_ran(client: Client, talk: factories.Discussion) -> None:
    html = prose(page(client, series_path(talk.v2)))
    assert "failed 1 new finding" in html
    assert "skipped switched off by the operator" in html


def test_the_thread_shows_who_answered_and_folds_quotes(client: Client, talk: factories.Discussion) -> None:
    html = page(client, series_path(talk.v1))
    assert "Tomas Okafor</a>" in html
    assert re.search(r"<summary>\d+ lines quoted from Mira Lindqvist</summary>", html)
    assert factories.RAISED in html


def test_the_draft_is_shown_as_it_would_be_sent(client: Client, talk: factories.Discussion) -> None:
    html = page(client, series_path(talk.v2))
    assert "Nothing has been sent." in html
    assert "In-Reply-To: &lt;202603050930.4711-3-mira@example.org&gt;" in html


def test_why_a_series_does_not_apply(client: Client) -> None:
    row = factories.does_not_apply()
    html = page(client, series_path(row))
    assert "Does not apply." in html
    assert "void *ptr = (void *)__get_free_page(PGALLOC_GFP);" in html
    assert "The tree has, from line 21" in html


def test_a_series_that_just_arrived(client: Client) -> None:
    row = factories.series("[PATCH 0/2] mm: wait", expected=2, wanted=True)
    factories.patch(row, 1, "mm: wait a bit", tellings.diff_of(1))
    html = page(client, series_path(row))
    assert "Not looked at yet." in html
    assert "has not been seen" in html  # patch 2
    assert f'data-wait="{links.to_status(row.root_msgid)}"' in html


def test_a_series_under_way_tells_how_far_it_is(client: Client) -> None:
    row = factories.series("[PATCH] mm: wait", expected=1, wanted=True, state=State.RUNNING)
    factories.patch(row, 1, "mm: wait", tellings.diff_of(1), files=["mm/x.c"])
    factories.under_way(row)
    text = prose(page(client, series_path(row)))
    assert "Being checked: 1 of 4 runs done, nothing found so far." in text
    assert "Applied to mm-unstable" in text


def test_any_message_id_leads_to_the_series(client: Client, talk: factories.Discussion) -> None:
    for message in talk.v1.messages.all():
        response = client.get(links.to_series("linux-mm", message.message_id))
        if message.message_id == talk.v1.root_msgid:
            assert response.status_code == 200
        else:
            assert response["Location"] == series_path(talk.v1)


def test_a_series_without_a_list_is_found_under_all(client: Client) -> None:
    row = factories.series("[PATCH] mm: alone", expected=1, lists=())
    factories.patch(row, 1, "mm: alone", tellings.diff_of(1))
    assert client.get(links.to_series("linux-mm", row.root_msgid))["Location"] == links.to_series("", row.root_msgid)
    assert "mm: alone" in page(client, f"/project/all/series/{row.root_msgid}/")


@pytest.mark.parametrize("msgid", ["a/b@c", "a%2Fb@c", "a+b%@c", "a?b#c@d", "a//b@c", "<a b>@c", "ä@c", "a@b.json"])
def test_addresses_hold_whatever_a_message_id_holds(msgid: str) -> None:
    from urllib.parse import unquote

    for make, name in ((links.to_series, "series"), (links.to_patch, "patch"), (links.to_message, "message")):
        path = make("linux-mm", msgid)
        assert path.count("/") == 5, "b4 reads a Message-ID up to the next slash"
        match = resolve(unquote(path))
        assert (match.url_name, match.kwargs["msgid"]) == (name, msgid)


def test_a_strange_message_id_is_served(client: Client, talk: factories.Discussion) -> None:
    msgid = "87+again/1%@mira.example.org"
    assert "Right, I will check it in v2." in page(client, f"/project/linux-mm/message/{quote(msgid, safe='@+')}/")


def test_an_unknown_message_id_says_what_to_do(client: Client) -> None:
    html = page(client, "/project/linux-mm/patch/none@example.org/", 404)
    assert "submit it" in html
    assert 'value="none@example.org"' in html


def test_findings_and_comments_stand_at_their_lines_of_the_diff(client: Client, talk: factories.Discussion) -> None:
    second = talk.v2.patches.get(number=2).message
    html = page(client, links.to_patch("linux-mm", second.message_id))
    line = html.index("pagetable_pte_ctor(ptdesc);\n</span></pre>")
    assert html[line:].index("ignores the result") < html[line:].index("else if (level == LATE_PMD")
    assert "Please keep the order of the levels" in html.partition('id="replies"')[0]


def test_a_patch_is_found_with_and_without_the_last_slash(client: Client, talk: factories.Discussion) -> None:
    path = links.to_patch("linux-mm", talk.v2.patches.get(number=1).message.message_id)
    assert client.get(path.rstrip("/")).content == client.get(path).content


def test_a_cover_under_patch_leads_to_its_series_and_a_reply_to_its_mail(
    client: Client, talk: factories.Discussion
) -> None:
    assert client.get(links.to_patch("linux-mm", talk.v2.root_msgid))["Location"] == series_path(talk.v2)
    answer = client.get(links.to_patch("linux-mm", "aaa1.jun@example.org"))
    assert answer["Location"] == links.to_message("linux-mm", "aaa1.jun@example.org")


def test_a_patch_as_mbox_and_raw(client: Client, talk: factories.Discussion) -> None:
    path = links.to_patch("linux-mm", talk.v2.patches.get(number=1).message.message_id)
    mbox = client.get(f"{path}mbox/")
    assert mbox.content.startswith(b"From mboxrd@z ")
    raw = client.get(f"{path}raw/")
    assert raw.content.startswith(b"diff --git a/")
    mail = client.get(f"{links.to_message('linux-mm', 'aaa1.jun@example.org')}raw/")
    assert mail["Content-Type"] == "text/plain; charset=utf-8"
    assert b"Message-ID: <aaa1.jun@example.org>" in mail.content


def test_nothing_of_a_mail_is_markup(client: Client) -> None:
    evil = "<script>alert(1)</script>\"'><b>"
    row = factories.series(f"[PATCH] {evil}", expected=1, author=factories.person((evil, "x@example.org")))
    diff = tellings.diff_of(1).replace("enum late_level", evil)
    factories.patch(row, 1, evil, diff, body=f"{evil}\n---\n{diff}")
    factories.message(
        "re@x", f"Re: {evil}", f"> {evil}\n\n{evil}\n", who=(evil, "y@x"), parent=row.root_msgid, series=row
    )
    factories.keep(row, factories.report_of(row, verdict=Verdict.BROKEN, reason=evil))
    for path in (
        "/",
        "/project/linux-mm/list/",
        f"/project/linux-mm/list/?q={quote(evil)}&author={quote(evil)}",
        series_path(row),
        links.to_patch("linux-mm", row.root_msgid),
        links.to_message("linux-mm", "re@x"),
        "/project/linux-mm/list.atom",
        f"{series_path(row)[:-1]}.atom",
    ):
        html = page(client, path)
        assert "<script>alert" not in html, path
        assert "<b>" not in html, path


def test_files_by_suffix(client: Client, talk: factories.Discussion) -> None:
    path = series_path(talk.v2)[:-1]
    assert client.get(f"{path}.txt").content.decode().startswith("[PATCH v2 0/3]")
    assert client.get(f"{path}.json").json()["version"] == 2
    mbox = client.get(f"{path}.mbox").content
    assert mbox.count(b"From mboxrd@z ") == 4
    assert mbox.index(b"v2 0/3]") < mbox.index(b"v2 1/3]") < mbox.index(b"v2 3/3]")
    feed = client.get(f"{path}.atom").content.decode()
    assert feed.count("<entry") == 6


def test_the_page_is_not_sent_again_unless_something_changed(client: Client, talk: factories.Discussion) -> None:
    path = series_path(talk.v2)
    tag = client.get(path)["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    factories.message("new@x", "Re: x", "hello", parent=talk.v2.root_msgid, series=talk.v2)
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_pages_of_runs_trees_and_rules(client: Client, talk: factories.Discussion) -> None:
    models.Tree.objects.create(name="mm-unstable", source="x", describe="v6.12")
    assert 'id="L3"' in page(client, links.to_run(talk.run.pk))
    assert client.get(f"{links.to_run(talk.run.pk)}log.txt").content.count(b"\n") == 3
    assert "v6.12" in page(client, "/trees/")
    assert "C06" in page(client, "/rules/")
    assert "NR_PAGETABLE" in page(client, "/rules/C06/")
    assert "reported by gcc" in page(client, "/rules/gcc.-Wunused-variable/")
    assert "CVE-2021-42574" in page(client, "/rules/bidirectional/")
    assert page(client, "/rules/C99/", 404)


def test_healthz_reaches_the_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_policy_lets_nothing_in_from_elsewhere(client: Client, talk: factories.Discussion) -> None:
    response = client.get(series_path(talk.v2))
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    html = response.content.decode()
    assert " style=" not in html
    assert not re.search(r"<script(?! src=\"/static/)", html)
    assert not re.search(r"(?:src|rel=\"stylesheet\" href)=\"(?!/static/)", html)


def test_reading_a_series_needs_few_queries(
    client: Client, talk: factories.Discussion, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        page(client, series_path(talk.v2))
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        page(client, links.to_patch("linux-mm", talk.v2.patches.get(number=2).message.message_id))


def test_what_reorders_a_line_is_spelled_out(client: Client) -> None:
    row = factories.series("[PATCH] mm: trojan", expected=1)
    factories.patch(row, 1, "mm: trojan", tellings.diff_of(1).replace("LATE_PTE", "\u202eETAL"), body="")
    models.Message.objects.update(body=tellings.diff_of(1).replace("LATE_PTE", "\u202eETAL"))
    html = page(client, links.to_patch("linux-mm", row.root_msgid))
    assert "&lt;U+202E&gt;ETAL" in html
    assert "\u202e" not in html


def test_a_flood_of_findings_does_not_flood_the_page(client: Client) -> None:
    row = factories.series("[PATCH] mm: flood", expected=1)
    factories.patch(row, 1, "mm: flood", tellings.diff_of(1))
    many = (tellings.told(tellings.ignored_result()),) * 300
    factories.keep(row, factories.report_of(row, verdict=Verdict.FINDINGS, findings=many))
    html = page(client, series_path(row))
    assert html.count("<article") == 100
    assert "200 more, of which none is worse" in html
