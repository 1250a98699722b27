"""A finding that an earlier version had, and the one before had not, came back; it is no new one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client

from reviewbot.reports import sentences, text
from reviewbot.reports.facts import State, Told, Verdict
from tests import factories
from tests.tellings import ignored_result, missing_dtor, told
from threads import facts, links, models

pytestmark = pytest.mark.django_db


@pytest.fixture
def versions() -> list[models.Series]:
    """Return three versions: the first has a finding, the second has none, the third was not looked at yet."""
    rows: list[models.Series] = []
    found: tuple[tuple[Told, ...], ...] = ((told(ignored_result(), since=1),), ())
    for number in (1, 2, 3):
        row = factories.series(
            "[PATCH] mm: construct tables", version=number, expected=1, previous=rows[-1] if rows else None,
            **({"topic": rows[0].topic} if rows else {}),
        )  # fmt: skip
        factories.patch(row, 1, "mm: construct tables", "", message_id=row.root_msgid)
        rows.append(row)
    for row, findings in zip(rows, found, strict=False):
        verdict = Verdict.FINDINGS if findings else Verdict.CLEAN
        factories.keep(row, factories.report_of(row, verdict=verdict, state=State.PASSED, findings=findings))
    return rows


def test_it_is_told_from_what_is_new(client: Client, versions: list[models.Series]) -> None:
    third = versions[-1]
    again, other = told(ignored_result(), since=3), told(missing_dtor(), since=3)
    current, gone = facts._across_versions(third, [again, other])
    assert [(one.since, one.back) for one in current] == [(3, 1), (3, 0)]
    assert gone == ()
    report = factories.report_of(third, verdict=Verdict.FINDINGS, state=State.FAILED, findings=tuple(current))
    report = replace(report, versions=facts._versions(third, Verdict.FINDINGS, 2))
    factories.keep(third, report)
    assert sentences.since_previous(report) == "v3 fixed 0, 0 remain, 1 new, 1 came back"
    page = client.get(links.to_series("linux-mm", third.root_msgid)).content.decode()
    assert "came back: v1 had it, the version before did not" in page
    assert "1 came back" in page
    assert "came back: v1 had it" in text.render(report)
    told_by = client.get(links.to_status(third.root_msgid)).json()["findings"]
    assert [one["back_from"] for one in told_by] == [1, 0]


def test_what_stays_did_not_come_back(versions: list[models.Series]) -> None:
    second = versions[1]
    current, _ = facts._across_versions(second, [told(ignored_result(), since=2)])
    assert [(one.since, one.back) for one in current] == [(1, 0)]
