"""Queries whose SQL is written once answer as the ORM's do."""

from __future__ import annotations

import pytest

from tests import factories
from threads import models
from threads.selectors import patchwork, standing
from threads.selectors.prepared import Prepared

pytestmark = pytest.mark.django_db


def test_it_answers_as_the_query_does_for_every_value() -> None:
    names = ["a'b", "%s", "snow \N{SNOWMAN}", "x"]
    rows = {name: factories.series(f"[PATCH] {name}", expected=1) for name in names}
    columns = ("pk", "subject", "date", "wanted", "prefixes")
    by_root = Prepared(lambda key: models.Series.objects.filter(root_msgid=key).values_list(*columns))
    for row in rows.values():
        assert by_root(row.root_msgid) == list(models.Series.objects.filter(pk=row.pk).values_list(*columns))
    assert by_root("nobody") == []


def test_what_can_find_nothing_finds_nothing() -> None:
    factories.discussion()
    nothing = Prepared(lambda key: models.Series.objects.filter(root_msgid=key, pk__in=[]).values_list("pk"))
    assert nothing("anything") == []
    assert nothing("anything") == []


def test_it_makes_rows_with_relations_and_annotations_of_many_ids() -> None:
    talk = factories.discussion()
    patches = list(models.Patch.objects.order_by("pk").values_list("pk", flat=True))
    for some in (patches, patches[:1], patches[2:4], []):
        rows = patchwork.dress_patches(some)
        assert [row.pk for row in rows] == some
        for row in rows:
            known = models.Patch.objects.get(pk=row.pk)
            assert (row.subject, row.series.name, row.message.author.email) == (
                known.subject, known.series.name, known.message.author.email,
            )  # fmt: skip
            assert row.project == known.series.lists.order_by("name").first().pk  # type: ignore[attr-defined, union-attr]
            assert not hasattr(row.message, "decision")
    assert [series.pk for series, _ in patchwork.dress_series([talk.v2.pk, talk.v1.pk])] == [talk.v2.pk, talk.v1.pk]


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
