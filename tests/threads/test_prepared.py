"""Queries whose SQL is written once answer as the ORM's do."""

from __future__ import annotations

import pytest

from tests import factories
from threads import models
from threads.selectors import standing
from threads.selectors.prepared import Prepared

pytestmark = pytest.mark.django_db


def test_it_answers_as_the_query_does_for_every_value() -> None:
    names = ["a'b", "%s", "snow \N{SNOWMAN}", "x"]
    rows = {name: factories.series(f"[PATCH] {name}", expected=1) for name in names}
    columns = ("pk", "subject", "date", "wanted", "prefixes")
    by_root = Prepared(lambda key: models.Series.objects.filter(root_msgid=key).values_list(*columns), "\N{SNOWMAN}")
    for row in rows.values():
        assert by_root(row.root_msgid) == list(models.Series.objects.filter(pk=row.pk).values_list(*columns))
    assert by_root("nobody") == []


def test_a_series_stands_as_its_rows_have_it() -> None:
    talk = factories.discussion()
    for message in talk.v2.messages.all():
        row = standing.by_message(message.message_id)
        assert row is not None
        assert (row.pk, row.root_msgid, row.reply) == (talk.v2.pk, talk.v2.root_msgid, talk.draft.pk)
        assert row == standing.by_series(talk.v2)
    assert standing.by_message("nobody@example.org") is None


def test_one_query_finds_it_and_two_more_say_all(django_assert_num_queries: object) -> None:
    talk = factories.discussion()
    with django_assert_num_queries(3):  # type: ignore[operator]
        row = standing.by_message(talk.v2.root_msgid)
        assert row is not None
        row.beside(row.report())
