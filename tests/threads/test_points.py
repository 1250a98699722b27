"""What is open and what was answered, per patch of a series."""

from __future__ import annotations

import pytest

from tests.series.posting import ADA, BOB, posting, reply
from threads import models
from threads.selectors.opinions import points_of
from threads.services import messages
from threads.services.assembly import assemble_threads

pytestmark = pytest.mark.django_db


def test_a_question_is_open_until_somebody_answers_it() -> None:
    head, first, second = posting(2)
    asked = reply(first, "> +\tmm:_step_1();\n\nWhere is this freed?\n")
    other = reply(second, "> +\tmm:_step_2();\n\nDoes this need a lock?\n", minutes=70)
    answer = reply(other, "> Does this need a lock?\n\nIt does not, the caller holds it.\n", author=ADA, minutes=80)
    kept = messages.keep_parsed([head, first, second, asked, other, answer])
    assemble_threads(kept.grown, kept.rows)
    said = points_of(models.Series.objects.get())
    assert {number: [point.answered_by for point in found] for number, found in said.items()} == {
        1: [""],
        2: [answer.message_id],
    }
    assert said[1][0].author == str(BOB)


def test_a_series_without_discussion_has_no_points() -> None:
    kept = messages.keep_parsed(posting(2))
    assemble_threads(kept.grown, kept.rows)
    assert points_of(models.Series.objects.get()) == {}
