"""The pages in a real browser: light and dark, narrow and wide, with and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client

from tests import factories, tellings
from tests.browser.conftest import Cookie, Visit
from threads import links, models

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def paths() -> dict[str, str]:
    """Return the address of one page of every kind."""
    talk = factories.discussion()
    failed = factories.does_not_apply()
    models.Tree.objects.create(name="mm-unstable", source="x", describe="v6.12", commit="a" * 40)
    second = talk.v2.patches.get(number=2).message.message_id
    models.Message.objects.filter(message_id=second).update(oddities=["the header says ascii, and it is not"])
    models.Overlap.objects.create(first=talk.v2, second=failed, files=["mm/late.c"], collides=True, reason="At hunk 2.")
    for number, (first, fixed) in enumerate(((1, 2), (1, None), (2, None))):
        models.FindingLife.objects.create(
            topic=talk.v2.topic, fingerprint=f"{number:016x}", rule="C01",
            first_version=first, last_version=2, fixed_in=fixed,
        )  # fmt: skip
    models.Submission.objects.create(target="asked-for@example.org")
    models.Delivery.objects.filter(pk=talk.draft.pk).update(stage=models.Delivery.Stage.WAITING)
    key = tellings.ignored_result().fingerprint
    series = links.to_series("linux-mm", talk.v2.root_msgid)
    return {
        "inbox": "/",
        "list": "/project/linux-mm/list/",
        "series": series,
        "failed": links.to_series("linux-mm", failed.root_msgid),
        "patch": links.to_patch("linux-mm", second),
        "message": links.to_message("linux-mm", "aaa2.jun@example.org"),
        "run": links.to_run(talk.run.pk),
        "trees": "/trees/",
        "rules": "/rules/",
        "rule": "/rules/C06/",
        "rule with findings": "/rules/C01/",
        "rerun": f"{series}rerun/",
        "finding": links.to_finding("linux-mm", talk.v2.root_msgid, key),
        "thread": links.to_thread("linux-mm", talk.v2.root_msgid),
        "comparison": links.to_comparison(talk.v1.pk, talk.v2.pk),
        "author": links.to_author("mira@example.org"),
        "file": links.to_file("arch/arm64/mm/mmu.c"),
        "search": "/search/?q=levels",
        "search for nothing": "/search/?q=nosuchword",
        "search that is not understood": "/project/all/list/?q=colour:red+d:yesterday",
        "language": "/search/language/",
        "status": "/status/",
        "login": "/login/",
        "submission": links.to_submission(models.Submission.objects.get()),
    }


@pytest.fixture
def signed_in(client: Client, paths: dict[str, str]) -> Cookie:
    """Return the session of a maintainer who may do everything."""
    client.force_login(User.objects.create_superuser("jun", password="a long one"))
    return client.cookies["sessionid"].value


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)], ids=["light desk", "dark phone"])
def test_every_page_can_be_read_by_everybody(visit: Visit, paths: dict[str, str], dark: bool, width: int) -> None:
    for name, path in paths.items():
        with visit(path, dark=dark, width=width) as page:
            found = Axe().run(page)
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than the screen"


@pytest.mark.parametrize(("dark", "width"), [(False, 390), (True, 1280)], ids=["light phone", "dark desk"])
def test_pages_of_a_maintainer_can_be_read_by_everybody(
    visit: Visit, signed_in: Cookie, paths: dict[str, str], dark: bool, width: int
) -> None:
    waiting = models.Delivery.objects.get(stage=models.Delivery.Stage.WAITING)
    models.Watch.objects.create(user=User.objects.get(username="jun"), kind="list", value="linux-mm")
    paths |= {"mine": "/", "audit": "/audit/", "outbox": "/outbox/", "mail": f"/outbox/{waiting.pk}/",
              "watching": "/watching/?kind=file&value=mm/"}  # fmt: skip
    for path in (paths[name] for name in ("mine", "finding", "series", "audit", "outbox", "mail", "watching", "rerun")):
        with visit(path, dark=dark, width=width, cookie=signed_in) as page:
            found = Axe().run(page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path} is wider than the screen"


def test_what_is_not_there_can_be_read_by_everybody(visit: Visit, paths: dict[str, str]) -> None:
    for path in ("/nothing/here/", links.to_series("all", "no@such"), "/audit/"):
        with visit(path, refused=True) as page:
            assert Axe().run(page).violations_count == 0, path
            assert page.locator("header nav a").first.is_visible(), path


def test_a_finding_is_judged_without_scripts(visit: Visit, signed_in: Cookie, paths: dict[str, str]) -> None:
    with visit(paths["finding"], javascript=False, cookie=signed_in) as page:
        page.get_by_label("not worth it").check()
        page.get_by_label("Why, in a sentence").fill("The next patch removes it.")
        page.get_by_role("button", name="Mark").click()
        told = page.locator(f"#f-{tellings.ignored_result().fingerprint} .judged").inner_text()
        assert told.startswith("Marked not worth it by jun: The next patch removes it.")


def test_signing_in_and_out_without_scripts(visit: Visit, paths: dict[str, str], signed_in: Cookie) -> None:
    with visit("/login/", javascript=False) as page:
        page.get_by_label("Name").fill("jun")
        page.get_by_label("Password").fill("a long one")
        page.locator("main").get_by_role("button", name="Sign in").click()
        assert "Signed in as jun" in page.locator("footer").inner_text()
        page.get_by_role("button", name="Sign out").click()
        assert "Sign in" in page.locator("footer").inner_text()


def test_mails_that_came_since_the_last_visit_are_marked(visit: Visit, paths: dict[str, str]) -> None:
    with visit(paths["thread"]) as page:
        assert page.locator(".unread").count() == 0
        newest = page.locator(".thread > li").last.get_attribute("id")
        reply = factories.message(
            "late.jun@example.org", "Re: late", "One more thing.\n", parent="aaa2.jun@example.org",
            series=models.Message.objects.get(message_id="aaa2.jun@example.org").series,
        )  # fmt: skip
        models.Message.objects.filter(pk=reply.pk).update(thread=models.Message.objects.get(pk=newest[1:]).thread)
        page.reload()
        assert page.locator(".unread").count() == 1
        page.keyboard.press("N")
        assert page.evaluate("document.activeElement.closest('li').id") == f"m{reply.pk}"
        page.reload()
        assert page.locator(".unread").count() == 0


def test_every_page_works_without_scripts(visit: Visit, paths: dict[str, str]) -> None:
    for path in paths.values():
        with visit(path, javascript=False) as page:
            assert page.locator("h1").is_visible()


def test_a_series_is_submitted_without_scripts(visit: Visit, paths: dict[str, str], monkeypatch: Any) -> None:
    from threads.services import intake

    monkeypatch.setattr(intake, "submit", lambda target, options: models.Submission.objects.create(target=target))
    with visit("/", javascript=False) as page:
        page.get_by_label("Message-ID, or link to a mail").fill("new@example.org")
        page.get_by_role("button", name="Fetch and check").click()
        assert page.locator("h1").inner_text() == "Asked for"
        assert "Waiting to be fetched." in page.locator(".verdict").inner_text()


def test_filters_keep_what_was_chosen(visit: Visit, paths: dict[str, str]) -> None:
    with visit(paths["list"], javascript=False) as page:
        page.get_by_label("Verdict").select_option("does not apply")
        page.get_by_role("button", name="Filter").click()
        assert page.locator(".rows tbody tr").count() == 1
        assert page.get_by_label("Verdict").input_value() == "does not apply"


def test_a_finding_is_reached_by_its_address(visit: Visit, paths: dict[str, str]) -> None:
    with visit(f"{paths['patch']}#f-{tellings.ignored_result().fingerprint}") as page:
        box = page.locator(":target").bounding_box()
        assert box is not None
        assert 0 <= box["y"] < 900


def test_keys_walk_through_findings_and_patches(visit: Visit, paths: dict[str, str]) -> None:
    with visit(paths["series"]) as page:
        page.keyboard.press("n")
        page.keyboard.press("n")
        assert page.evaluate("document.activeElement.textContent") == "C06 dtor-missing"
    with visit(paths["patch"]) as page:
        page.keyboard.press("]")
        page.wait_for_url("**/*4711-4-mira*/")
        page.keyboard.press("u")
        page.wait_for_url("**/series/*/")


def test_a_diff_keeps_tab_stops_and_scrolls_by_itself(visit: Visit, paths: dict[str, str]) -> None:
    with visit(paths["patch"], width=390) as page:
        style = "getComputedStyle(document.querySelector('.diff pre'))"
        assert page.evaluate(f"{style}.tabSize") == "8"
        diff = page.locator(".diff").first
        assert diff.evaluate("box => box.scrollWidth > box.clientWidth")
        inline = page.locator(".inline").first.bounding_box()
        assert inline is not None
        assert inline["width"] <= 390


def test_the_documentation_of_the_api_needs_no_other_host(visit: Visit, paths: dict[str, str]) -> None:
    with visit("/api/v1/docs/") as page:
        page.locator(".opblock").first.wait_for()
