"""The pages in a real browser: light and dark, narrow and wide, with and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests import factories, tellings
from tests.browser.conftest import Visit
from threads import links, models

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def paths() -> dict[str, str]:
    """Return the address of one page of every kind."""
    talk = factories.discussion()
    failed = factories.does_not_apply()
    models.Tree.objects.create(name="mm-unstable", source="x", describe="v6.12", commit="a" * 40)
    second = talk.v2.patches.get(number=2).message.message_id
    return {
        "inbox": "/",
        "list": "/project/linux-mm/list/",
        "series": links.to_series("linux-mm", talk.v2.root_msgid),
        "failed": links.to_series("linux-mm", failed.root_msgid),
        "patch": links.to_patch("linux-mm", second),
        "message": links.to_message("linux-mm", "aaa2.jun@example.org"),
        "run": links.to_run(talk.run.pk),
        "trees": "/trees/",
        "rules": "/rules/",
        "rule": "/rules/C06/",
        "rerun": f"{links.to_series('linux-mm', talk.v2.root_msgid)}rerun/",
    }


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)], ids=["light desk", "dark phone"])
def test_every_page_can_be_read_by_everybody(visit: Visit, paths: dict[str, str], dark: bool, width: int) -> None:
    for name, path in paths.items():
        with visit(path, dark=dark, width=width) as page:
            found = Axe().run(page)
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than the screen"


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
