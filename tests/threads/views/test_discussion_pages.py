"""What stands beside a series: others on the same files, how its base was chosen, oddities, pictures."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from reviewbot.reports.facts import Verdict
from tests import factories
from tests.threads.views.test_pages import page, prose, series_path
from threads import links, models
from threads.selectors import figures
from threads.selectors.service import inbox
from threads.views.pictures import Part, bars

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk() -> factories.Discussion:
    return factories.discussion()


@pytest.mark.parametrize(
    ("collides", "word"), [(True, "collides"), (False, "fits"), (None, "not tried")], ids=["yes", "no", "unknown"]
)
def test_series_in_flight_on_the_same_files_are_named_on_both(
    client: Client, talk: factories.Discussion, collides: bool | None, word: str
) -> None:
    other = factories.does_not_apply()
    models.Series.objects.filter(pk=other.pk).update(name="mm: sort the late tables", version=4)
    page(client, series_path(talk.v2))
    models.Overlap.objects.create(
        first=talk.v2, second=other, files=["mm/late.c"], collides=collides, reason="It fails at mm/late.c, hunk 2."
    )
    text = prose(page(client, series_path(talk.v2)))
    assert f"{word} mm: sort the late tables (v4)" in text
    assert "also changes mm/late.c. It fails at mm/late.c, hunk 2." in text
    assert f"{word} {talk.v2.name} (v2)" in prose(page(client, series_path(other)))


def test_a_page_that_was_read_is_sent_again_when_another_series_comes_in_the_way(
    client: Client, talk: factories.Discussion
) -> None:
    etag = client.get(series_path(talk.v2))["ETag"]
    models.Overlap.objects.create(first=talk.v1, second=factories.series(), files=["mm/a.c"])
    assert client.get(series_path(talk.v2), headers={"if-none-match": etag}).status_code == 304
    models.Overlap.objects.create(first=talk.v2, second=factories.series(), files=["mm/a.c"])
    assert client.get(series_path(talk.v2), headers={"if-none-match": etag}).status_code == 200


def test_every_try_of_a_base_is_told_in_its_order(client: Client, talk: factories.Discussion) -> None:
    trace = tuple(f"mm-{number}: hunk {number} of mm/late.c does not apply." for number in range(1, 6))
    assert talk.report.base is not None
    factories.keep(talk.v2, replace(talk.report, base=replace(talk.report.base, trace=trace)))
    text = prose(page(client, series_path(talk.v2)))
    places = [text.index(sentence) for sentence in trace]
    assert places == sorted(places)


def test_what_is_odd_about_a_patch_and_about_its_mail_stands_in_one_place(client: Client) -> None:
    row = factories.series(expected=1)
    one = factories.patch(row, 1, "mm: odd", "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n-a\n+b\n")
    one.message.oddities = ["the header says ascii, and it is not"]
    one.message.save()
    text = prose(page(client, links.to_patch("linux-mm", one.message.message_id)))
    assert text.count("not as usual") == 1
    assert "the header says ascii, and it is not" in text


def test_a_comment_stands_only_with_the_patch_that_it_answers(client: Client, talk: factories.Discussion) -> None:
    text = prose(page(client, links.to_comparison(talk.v1.pk, talk.v2.pk)))
    assert text.count(factories.RAISED) == 1


def test_findings_by_version_are_drawn_and_said(client: Client, talk: factories.Discussion) -> None:
    for number, (first, last, fixed) in enumerate(((1, 2, None), (1, 1, 2), (2, 2, None), (2, 2, None))):
        models.FindingLife.objects.create(
            topic=talk.v2.topic, fingerprint=f"{number:016x}", rule="C01",
            first_version=first, last_version=last, fixed_in=fixed,
        )  # fmt: skip
    says = "v1: 2 new; v2: 1 still there, 2 new, 1 fixed"
    assert f'aria-label="Findings by version. {says}"' in page(client, series_path(talk.v2))
    assert "Findings by version" not in page(client, series_path(talk.v1))


def test_the_time_from_mail_to_verdict_is_told(client: Client, talk: factories.Discussion) -> None:
    models.Series.objects.update(received_at=timezone.now() - timedelta(minutes=12))
    text = page(client, "/status/")
    assert "half had their verdict within 12 min" in prose(text)
    assert "15 min: 2;" in text


def test_how_often_a_rule_finds_something_is_drawn_by_month(client: Client, talk: factories.Discussion) -> None:
    models.FindingLife.objects.create(
        topic=talk.v2.topic, fingerprint="0" * 16, rule="C01", first_version=1, last_version=2
    )
    models.Series.objects.filter(pk=talk.v1.pk).update(date=timezone.now())
    months = figures.found_by_month("C01")
    assert [number for _, number in months] == [0] * 11 + [1]
    assert "Series with new findings by month" in page(client, "/rules/C01/")


def test_bars_are_as_high_as_their_numbers_and_nothing_is_no_picture() -> None:
    picture = bars(
        "Of two kinds", [("a", (Part("new", 1), Part("fixed", 3))), ("b", (Part("new", 2), Part("fixed", 0)))]
    )
    assert picture is not None
    assert picture.says == "a: 1 new, 3 fixed; b: 2 new"
    assert picture.kinds == ("new", "fixed")
    assert [[piece.height for piece in one.pieces] for one in picture.bars] == [[20, 60], [40, 0]]
    assert bars("Nothing", [("a", (Part("", 0),))]) is None


def test_the_inbox_tells_what_waits_what_applies_no_more_and_what_is_new() -> None:
    waiting = factories.series(verdict=Verdict.FINDINGS)
    models.Delivery.objects.create(
        series=waiting, digest="d", message_id="w@x", subject="Re:", raw=b"", stage=models.Delivery.Stage.WAITING
    )
    fell = factories.series(verdict=Verdict.DOES_NOT_APPLY)
    never = factories.series(verdict=Verdict.DOES_NOT_APPLY)
    models.Application.objects.create(series=fell, base_commit="a" * 40, tree_name="mm", position=0, applies=True)
    models.Application.objects.create(series=never, base_commit="a" * 40, tree_name="mm", position=0, applies=False)
    first = factories.series(date=timezone.now() - timedelta(days=3))
    second = factories.series(topic=first.topic, previous=first, version=2, date=timezone.now())
    titles = {heading.title: [row.pk for row in heading.rows] for heading in inbox()}
    assert titles["Awaiting moderation"] == [waiting.pk]
    assert titles["New findings"] == []
    assert titles["Applies no more"] == [fell.pk]
    assert titles["Does not apply"] == [never.pk]
    assert titles["New versions"] == [second.pk]


def test_the_inbox_shows_what_lacks_parts_that_may_still_come() -> None:
    lacking = {"verdict": Verdict.INCOMPLETE, "reason": "Waiting for patch 2 of 3: not in the archive so far."}
    fresh = factories.series(date=timezone.now() - timedelta(days=3), **lacking)
    factories.series(date=timezone.now() - timedelta(days=30), **lacking)
    queue = {**lacking, "reason": "Without patch 2 of 3: of a stable tree's queue."}
    factories.series(date=timezone.now(), **queue)
    (heading,) = (heading for heading in inbox() if heading.title == "Incomplete")
    assert heading.rows == [fresh]


@pytest.mark.parametrize("state", ["new-version", "applies-no-more", "awaiting-moderation", "waiting-for-parts"])
def test_the_headings_of_the_inbox_can_be_searched(client: Client, state: str) -> None:
    html = page(client, f"/project/all/list/?q=state:{state}")
    assert "is no state" not in html
    assert state in page(client, "/search/language/")
