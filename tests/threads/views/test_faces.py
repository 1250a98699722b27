"""Search with its explanations, versions side by side, threads, files, people, and the service itself."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from reviewbot.reports.facts import State, Verdict
from tests import factories
from tests.sources import MMU
from tests.threads.views.test_pages import page, prose, series_path
from threads import links, models
from threads.selectors import search, service, workers

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk() -> factories.Discussion:
    cache.clear()  # what was read out of a thread of the same numbers in another test
    return factories.discussion()


@pytest.mark.parametrize(
    ("query", "versions"),
    [
        ("constructs", [2, 1]),
        ("from:tomas return", [1]),
        ("s:construct", [2, 1]),
        (f"file:{MMU}", [2, 1]),
        ("file:mm/nothing.c", []),
        ("file:mm/mmu.c", [2, 1]),
        ("file:arch/arm64/", [2, 1]),
        (f"-file:{MMU}", []),
        ("func:late_pgtable_alloc", [2, 1]),
        ("state:findings", [2, 1]),
        ("-state:findings", []),
        ("state:does-not-apply", []),
        ("list:linux-mm d:2026-03-04..", [2]),
        ("d:2026-03-02", [1]),
        ("d:..20260303", [1]),
        ("rule:C01", [2]),
        ("mid:aaa1.jun@example.org", [2]),
        ("https://lore.kernel.org/linux-mm/aaa1.jun@example.org/", [2]),
        ("<aaa1.jun@example.org>", [2]),
    ],
)
def test_what_the_language_finds(client: Client, talk: factories.Discussion, query: str, versions: list[int]) -> None:
    models.FindingLife.objects.create(
        topic=talk.v2.topic, fingerprint="1" * 16, rule="C01", first_version=2, last_version=2
    )
    response = client.get("/project/all/list/", {"q": query})
    assert [row.version for row in response.context["page"].rows] == versions
    assert response.context["problems"] == ()


def test_a_path_that_is_a_file_finds_this_file_alone(client: Client, talk: factories.Discussion) -> None:
    other = factories.series("[PATCH] tools: copy", expected=1)
    factories.patch(other, 1, "tools: copy", f"diff --git a/tools/{MMU} b/tools/{MMU}\n", files=[f"tools/{MMU}"])
    found = {path: client.get("/project/all/list/", {"q": f"file:{path}"}) for path in (MMU, f"tools/{MMU}", "mmu.c")}
    rows = {path: [row.pk for row in answer.context["page"].rows] for path, answer in found.items()}
    assert rows[MMU] == [talk.v2.pk, talk.v1.pk]
    assert rows[f"tools/{MMU}"] == [other.pk]
    assert set(rows["mmu.c"]) == {other.pk, talk.v1.pk, talk.v2.pk}
    assert [row.pk for row in search.mails(f"file:tools/{MMU}")] == [other.patches.get().message_id]
    assert [row.pk for row in search.touching(MMU).order_by("-pk")] == [talk.v2.pk, talk.v1.pk]


@pytest.mark.parametrize("query", ["nonsense:x", "d:yesterdayish", "state:perfect", "-only"])
def test_what_is_not_understood_is_explained(client: Client, talk: factories.Discussion, query: str) -> None:
    for path in ("/project/all/list/", "/search/"):
        response = client.get(path, {"q": query})
        assert response.status_code == 200
        assert len(response.context["problems"]) == 1
        assert 'href="/search/language/"' in response.content.decode()


def test_mails_are_found_and_the_language_has_a_page(client: Client, talk: factories.Discussion) -> None:
    html = page(client, "/search/?q=from:jun+levels")
    assert html.count('<li id="m') == 1
    assert "dfn:" in page(client, "/search/language/")


def test_versions_are_compared_with_what_was_found_and_said(client: Client, talk: factories.Discussion) -> None:
    path = links.to_comparison(talk.v1.pk, talk.v2.pk)
    assert f'href="{path}"' in page(client, series_path(talk.v2)) or "compare" in page(client, series_path(talk.v2))
    text = prose(page(client, path))
    assert "From v1 to v2" in text
    assert "3 patches: " in text
    assert f"said about v1: Tomas Okafor 2026-03-02 13:30{factories.RAISED}" in text.replace("30 ", "30")
    assert "ignores the result" in text
    assert client.get(links.to_comparison(talk.v2.pk, talk.v1.pk))["Location"] == path
    assert client.get(links.to_comparison(talk.v1.pk, factories.series().pk)).status_code == 404


def test_a_thread_has_a_page_of_its_own(client: Client, talk: factories.Discussion) -> None:
    html = page(client, links.to_thread("linux-mm", talk.v2.root_msgid))
    assert html.count('<li class="d') == 6
    assert "<details" in html


def test_a_long_thread_goes_on_where_it_was_left(client: Client) -> None:
    row = factories.series("[PATCH] mm: long", expected=1)
    factories.patch(row, 1, "mm: long", "")
    for number in range(9):
        factories.message(f"{number}@x", "Re: long", f"word{number} " * 1500, parent=row.root_msgid, series=row)
    path = links.to_thread("linux-mm", row.root_msgid)
    seen, html = set(), page(client, path)
    for _ in range(9):
        seen |= {number for number in range(9) if f"word{number} " in html}
        if "The mails from there on" not in html:
            break
        on_from = html.partition("?from=")[2].partition('"')[0]
        html = page(client, f"{path}?from={on_from}")
    assert seen == set(range(9))


def test_files_and_people_have_pages_and_feeds(client: Client, talk: factories.Discussion) -> None:
    assert "[PATCH v2 0/3]" in page(client, links.to_file(MMU))
    html = page(client, links.to_author("Mira@example.org"))
    assert "[PATCH v2 0/3]" in html
    assert "<entry" in page(client, f"{links.to_author('mira@example.org')}feed.atom")
    assert page(client, links.to_author("nobody@example.org"), 404)
    models.FindingLife.objects.create(
        topic=talk.v2.topic, fingerprint="1" * 16, rule="C01", first_version=1, last_version=2
    )
    assert page(client, "/rules/C01/feed.atom").count("<entry") == 2


def test_the_service_tells_how_it_is(
    client: Client, talk: factories.Discussion, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.MailingList.objects.filter(name="linux-mm").update(seen_at=factories.START)
    known = workers.Listening({"one@host": ["intake", "tree"]}, ("build",))
    monkeypatch.setattr(workers, "listening", lambda: known)
    text = prose(page(client, "/status/"))
    for words in ("linux-mm2026-03-02 09:30", "takes intake, tree", "No worker takes build", "free"):
        assert words in text


def test_a_mail_without_a_message_id_is_sent_nowhere(client: Client) -> None:
    mail = factories.message("0" * 32 + "@no-message-id.invalid", "Lost", "words")
    mail.oddities = ["no Message-ID, derived from the content"]
    mail.save()
    html = page(client, links.to_message("linux-mm", mail.message_id))
    assert "https://lore" not in html
    assert "no Message-ID, derived from the content" in html


def test_a_mail_from_a_page_of_an_archive_leads_there(client: Client) -> None:
    mail = factories.message("page@x", "Old", "words")
    mail.page, mail.raw = "https://lkml.example.org/0001.html", b""
    mail.save()
    html = page(client, links.to_message("linux-mm", "page@x"))
    assert 'href="https://lkml.example.org/0001.html"' in html
    assert "Only known from an archive" in html
    assert client.get(f"{links.to_message('linux-mm', 'page@x')}raw/").status_code == 404


def test_open_points_and_trailers_with_who_gave_them(client: Client, talk: factories.Discussion) -> None:
    one = talk.v2.patches.get(number=1)
    one.trailers = [
        ["Reviewed-by", "Jun Hayashi <jun@example.org>", "aaa1.jun@example.org", False],
        ["Acked-by", "Ada <ada@example.org>", "gone@example.org", True],
    ]
    one.own_trailers = 1
    one.save()
    asked = factories.message(
        "ask@x", f"Re: {one.subject}", "Who frees this table?\n", who=factories.REVIEWER,
        parent=one.message.message_id, series=talk.v2,
    )  # fmt: skip
    text = prose(page(client, links.to_patch("linux-mm", one.message.message_id)))
    assert "given in a mail of Jun Hayashi" in text
    assert "to an earlier version" in text
    assert "sent by somebody else than it names" in text
    for path in (links.to_patch("linux-mm", one.message.message_id), series_path(talk.v2)):
        assert "open Tomas Okafor asks: Who frees this table?" in prose(page(client, path)), path
    factories.message(
        "answer@x", f"Re: {one.subject}", "> Who frees this table?\n\nNobody has to.\n", parent=asked.message_id,
        series=talk.v2,
    )  # fmt: skip
    assert "answered Tomas Okafor asks" in prose(page(client, series_path(talk.v2)))


def test_what_other_bots_say_stands_beside_our_own_checks(client: Client, talk: factories.Discussion) -> None:
    bot = User.objects.create_user("ci-bot")
    first, second, _ = talk.v2.patches.order_by("number")
    for patch, state, url in ((first, "success", "javascript:alert(1)"), (second, "fail", "https://ci.example.org/7")):
        models.ForeignCheck.objects.create(
            message=patch.message, user=bot, context="kselftest", state=state, target_url=url, description="<b>2 of 9"
        )
    html = page(client, series_path(talk.v2))
    assert "kselftest by ci-bot" in prose(html)
    assert '<td class="o-success"><b>success</b> <span class="sub">&lt;b&gt;2 of 9</span></td>' in html
    assert '<a href="https://ci.example.org/7" rel="nofollow">fail</a>' in html
    assert "javascript:" not in html
    assert "it is no part of the verdict" in html
    tag = client.get(series_path(talk.v2))["ETag"]
    models.ForeignCheck.objects.create(message=first.message, user=bot, context="boot", state="pending")
    assert client.get(series_path(talk.v2), headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "state", "word"),
    [(False, "not run", "not looked at"), (True, "not run", "waiting"), (True, "running", "running")],
)
def test_one_state_has_one_name(client: Client, wanted: bool, state: str, word: str) -> None:
    row = factories.series("[PATCH] mm: wait", expected=1, wanted=wanted, state=state)
    factories.patch(row, 1, "mm: wait", "")
    html = page(client, "/project/all/list/?q=state:not-looked-at")
    assert f">{word}</span>" in html
    assert '<option value="unknown">not looked at</option>' in html
    later = factories.series("[PATCH v2] mm: wait", expected=1, version=2, topic=row.topic)
    factories.patch(later, 1, "mm: wait", "")
    assert "not looked at" in page(client, series_path(later)).partition('id="versions"')[2]


def test_questions_of_one_breath_are_one_point(client: Client, talk: factories.Discussion) -> None:
    one = talk.v2.patches.get(number=1)
    factories.message(
        "ask@x", f"Re: {one.subject}", "Who frees this table? And when is it freed? Is it freed at all?\n",
        who=factories.REVIEWER, parent=one.message.message_id, series=talk.v2,
    )  # fmt: skip
    text = prose(page(client, series_path(talk.v2)))
    assert text.count("Tomas Okafor asks") == 1
    assert "Who frees this table? … And when is it freed? … Is it freed at all?" in text


def test_commits_that_nobody_else_has_are_not_shown(client: Client, talk: factories.Discussion) -> None:
    html = page(client, series_path(talk.v2))
    assert "adc218676eef" not in html
    assert all(patch.commit[:12] not in html for patch in talk.report.patches if patch.commit)
    assert "Applied to mm-unstable v6.12: default of the list." in prose(html)


def test_what_waits_is_counted_by_kind_of_work() -> None:
    waits = factories.series("[PATCH] mm: waits", wanted=True, state=State.NOT_RUN)
    factories.series("[PATCH] mm: is not wanted", state=State.NOT_RUN)
    factories.series("[PATCH 0/2] mm: in part", wanted=True, state=State.NOT_RUN, verdict=Verdict.INCOMPLETE)
    models.Submission.objects.create(target="one@example.org", state=State.RUNNING)
    for check, state in (("pgtable", State.RUNNING), ("build", State.NOT_RUN), ("build", State.PASSED)):
        models.Run.objects.create(tree_id="a" * 40, commit="c" * 40, check_name=check, version=state, state=state)
    told = {one.name: (one.waiting, one.running, one.oldest) for one in service.queues()}
    assert told == {
        "fetching": (0, 1, None),
        "series": (1, 0, waits.received_at),
        "checks": (0, 1, None),
        "builds": (1, 0, None),
    }


def test_the_status_of_the_service_takes_few_queries(
    client: Client, talk: factories.Discussion, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.get("/status/")
    with django_assert_max_num_queries(12):
        assert client.get("/status/").status_code == 200
