"""Every form is pressed by a real browser, with scripts and without; pages are read by keyboard and on paper."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page

from reviewbot.reports.facts import State
from tests import factories, sources
from tests.browser.conftest import Cookie, Visit
from threads import links, models
from threads.lanes import BUILD, scope_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
with_and_without_scripts = pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "no scripts"])


@pytest.fixture
def talk() -> factories.Discussion:
    talk = factories.discussion()
    models.Delivery.objects.filter(pk=talk.draft.pk).update(stage=models.Delivery.Stage.WAITING)
    return talk


@pytest.fixture
def cookie(client: Client) -> Cookie:
    """Return the session of somebody who may do everything."""
    client.force_login(User.objects.create_superuser("jun", password="a long one"))
    return client.cookies["sessionid"].value


def press(page: Page, name: str) -> None:
    page.locator("main").get_by_role("button", name=name, exact=True).click()


@with_and_without_scripts
def test_a_mail_is_edited_and_then_rejected(
    visit: Visit, talk: factories.Discussion, cookie: Cookie, javascript: bool
) -> None:
    with visit(f"/outbox/{talk.draft.pk}/", javascript=javascript, cookie=cookie) as page:
        page.get_by_text("Change the text first").click()
        page.get_by_label("The text; header and recipients stay").fill("Shorter.")
        press(page, "Change the text")
        assert "+Shorter." in page.get_by_label("What was edited").inner_text()
        page.get_by_label("Why it should not go").fill("It says nothing.")
        press(page, "Reject")
        assert page.locator("#rejected").is_visible()
    talk.draft.refresh_from_db()
    assert talk.draft.stage == models.Delivery.Stage.REJECTED


@with_and_without_scripts
def test_a_mail_is_approved(visit: Visit, talk: factories.Discussion, cookie: Cookie, javascript: bool) -> None:
    with visit("/outbox/", javascript=javascript, cookie=cookie) as page:
        page.locator("main").get_by_role("link", name="Re: [PATCH v2 2/3]").click()
        assert "It leaves as it stands below." in page.locator("main").inner_text()
        press(page, "Approve")
        assert page.locator("#approved").is_visible()
    talk.draft.refresh_from_db()
    assert (talk.draft.stage, talk.draft.decided_by) == (models.Delivery.Stage.APPROVED, "jun")


@with_and_without_scripts
def test_all_mails_are_stopped_and_let_go(
    visit: Visit, talk: factories.Discussion, cookie: Cookie, javascript: bool
) -> None:
    with visit("/outbox/", javascript=javascript, cookie=cookie) as page:
        page.get_by_label("Stop all mails, because").fill("Something is odd.")
        press(page, "Stop")
        assert "Something is odd." in page.locator("#stop").inner_text()
        press(page, "Let mails go again")
        assert page.locator("#stop").count() == 0


@with_and_without_scripts
def test_a_file_is_watched_from_its_page_and_no_more(
    visit: Visit, talk: factories.Discussion, cookie: Cookie, javascript: bool
) -> None:
    path = talk.v2.patches.get(number=1).files[0]
    with visit(links.to_file(path), javascript=javascript, cookie=cookie) as page:
        page.locator("main").get_by_role("link", name="watch", exact=True).click()
        press(page, "Watch")
        assert page.locator(".rows tbody tr").count() == 1
        page.get_by_role("link", name="Inbox").click()
        assert page.locator("#watched").is_visible()
        page.get_by_role("link", name="Watching").click()
        press(page, f"Watch {path} no more")
        assert "Nothing yet." in page.locator("main").inner_text()


@with_and_without_scripts
def test_a_series_is_looked_at_again(
    visit: Visit, talk: factories.Discussion, cookie: Cookie, javascript: bool
) -> None:
    series = links.to_series("linux-mm", talk.v2.root_msgid)
    with visit(f"{series}rerun/", javascript=javascript, cookie=cookie) as page:
        press(page, "Look at it again")
        page.wait_for_url(f"**{series}")
    assert models.AuditEntry.objects.filter(action="asked to look again").exists()


@with_and_without_scripts
def test_the_builds_of_a_series_are_stopped(visit: Visit, cookie: Cookie, javascript: bool) -> None:
    row = factories.series("[PATCH] mm: is built", expected=1, wanted=True, state=State.RUNNING)
    factories.patch(row, 1, "mm: is built", "", files=[sources.MMU])
    factories.under_way(row)
    build = models.Run.objects.create(
        tree_id="e" * 40, commit="c" * 40, check_name=BUILD, configuration="defconfig", version="1",
        scope=scope_of(row), state=State.NOT_RUN,
    )  # fmt: skip
    with visit(links.to_series("linux-mm", row.root_msgid), javascript=javascript, cookie=cookie) as page:
        page.get_by_role("link", name="Look at it again").click()
        press(page, "Stop its builds")
        page.wait_for_url(f"**{links.to_series('linux-mm', row.root_msgid)}")
    build.refresh_from_db()
    assert build.state == State.SKIPPED
    assert build.reason.startswith("Cancelled on its page")
    assert models.AuditEntry.objects.filter(who="jun", action="cancelled the builds").exists()


def test_every_page_is_reached_and_left_by_keyboard_alone(visit: Visit, talk: factories.Discussion) -> None:
    with visit("/", javascript=False) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")


def test_paper_shows_what_is_folded_and_no_forms(visit: Visit, talk: factories.Discussion) -> None:
    with visit(links.to_series("linux-mm", talk.v2.root_msgid)) as page:
        page.emulate_media(media="print")
        assert not page.locator("header nav").is_visible()
        assert not page.locator(".search").is_visible()
        assert page.locator("#findings").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
