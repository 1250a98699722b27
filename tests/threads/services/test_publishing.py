"""Whose version fixes a finding, and what publishing rests on."""

from __future__ import annotations

import pytest
from django.db import connection

from reviewbot.reports.facts import SeriesReport, State, Verdict
from reviewbot.reports.sentences import patch_notes
from tests import factories
from tests.tellings import missing_dtor, told
from threads import facts, models
from threads.services import publishing

pytestmark = pytest.mark.django_db
EVE = ("Eve", "eve@example.org")


@pytest.fixture
def first() -> models.Series:
    """The first version, with a finding."""
    row = factories.series()
    report = factories.report_of(
        row, state=State.FAILED, verdict=Verdict.FINDINGS, findings=(told(missing_dtor(), since=1),)
    )
    publishing._keep(row, report)
    return row


def clean(previous: models.Series, version: int, who: tuple[str, str] = factories.AUTHOR) -> models.Series:
    """A later version without findings, in the report of which the finding of the first is gone."""
    row = factories.series(
        version=version,
        topic=previous.topic,
        previous=previous,
        previous_how="subject+files",
        author=factories.person(who),
    )
    publishing._keep(row, factories.report_of(row, gone=(told(missing_dtor(), since=1),)))
    return row


def fixed_in(row: models.Series) -> int | None:
    return models.FindingLife.objects.get(topic=row.topic_id).fixed_in


def test_the_author_fixes_a_finding_by_a_version_without_it(first: models.Series) -> None:
    clean(first, 2)
    assert fixed_in(first) == 2


def test_a_version_that_somebody_else_posted_fixes_nothing(first: models.Series) -> None:
    clean(clean(first, 2, EVE), 3, EVE)
    assert fixed_in(first) is None


def test_the_authors_version_is_held_against_their_own_last_one(first: models.Series) -> None:
    third = clean(clean(first, 2, EVE), 3)
    assert fixed_in(first) == 3
    before = facts._report_before(third)
    assert before
    assert before.version == 1


def test_a_patch_that_somebody_else_posted_anew_is_told_as_theirs(first: models.Series) -> None:
    factories.patch(first, 1, "mm: one", "")
    theirs = factories.patch(first, 2, "mm: two", "")
    models.Message.objects.filter(pk=theirs.message_id).update(author=factories.person(EVE), author_name=EVE[0])
    report = facts.gather(first)
    assert [one.author for one in report.patches] == ["", "Eve <eve@example.org>"]
    assert patch_notes(report) == ["Patch 2 was posted by Eve <eve@example.org>, not by the author of the series."]


@pytest.mark.django_db(transaction=True)
def test_the_facts_are_read_within_the_transaction_that_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise another version is published in between, and the comparison with it is never made."""
    within = []

    def gather(row: models.Series) -> SeriesReport:
        within.append(connection.in_atomic_block)
        return facts.gather(row)

    monkeypatch.setattr(publishing, "gather", gather)
    publishing.publish(factories.series().pk)
    assert within == [True]
