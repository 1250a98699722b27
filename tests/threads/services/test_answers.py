"""Answers to very long threads: what one costs depends on what came, not on what is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from reviewbot.mail.message import Message
from tests.series.posting import mail, patch, posting, reply
from tests.threads.services.test_assembly import BUSY, REVIEWED, at_once, batches, outcome, take_in
from threads import conversion, models
from threads.services import answers

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note each mail that is made from its row."""
    names: list[str] = []
    original = conversion.message

    def note(row: models.Message, **how: bool) -> Message:
        names.append(row.message_id)
        return original(row, **how)

    monkeypatch.setattr(conversion, "message", note)
    monkeypatch.setattr(answers, "LONG", 50)
    yield names


def discussion(size: int) -> list[Message]:
    """Return a series and so many answers to it, each to the one before."""
    posted = posting(2)
    said = [posted[1]]
    for number in range(size):
        said.append(reply(said[-1], f"> {number}\n\nWhy?\n", id=f"a{number}@x", minutes=60 + number))
    return [*posted, *said[1:]]


@pytest.mark.parametrize("size", [60, 240])
def test_an_answer_to_a_long_thread_reads_no_other_mail_of_it(read: list[str], size: int) -> None:
    thread = discussion(size)
    take_in(*thread)
    read.clear()
    (found,) = take_in(reply(thread[-1], "Because.\n", id="late@x", minutes=9000))
    assert read == ["late@x"]
    assert found.root_msgid == "v1-0@example.org"
    assert models.Message.objects.get(message_id="late@x").series == found


def test_answers_to_each_other_find_the_series_they_are_about(read: list[str]) -> None:
    thread = discussion(60)
    take_in(*thread)
    read.clear()
    one = reply(thread[-1], "Really?\n", id="one@x", minutes=9000)
    other = reply(one, "Really.\n", id="other@x", minutes=9001)
    take_in(other, one)
    assert sorted(read) == ["one@x", "other@x"]
    assert models.Message.objects.filter(message_id__in=["one@x", "other@x"], series__isnull=False).count() == 2


@pytest.mark.parametrize(
    "late",
    [
        reply(posting(2)[1], REVIEWED, id="late@x", minutes=9000),
        patch("PATCH v2 1/2", "mm: step 1", id="late@x", to="v1-1@example.org", minutes=9000),
        mail("Re: [PATCH 1/2] mm: step 1", "Hm.\n", id="late@x", to="absent@x", minutes=9000),
    ],
    ids=["a trailer", "a patch", "an answer to an absent mail"],
)
def test_what_more_may_follow_from_puts_the_thread_together(read: list[str], late: Message) -> None:
    thread = discussion(60)
    assert outcome([thread, [late]]) == outcome([[*thread, late]])
    assert len(set(read)) > len(thread) / 2


def test_a_mail_that_was_answered_before_it_came_is_tied_with_its_answers(read: list[str]) -> None:
    thread = discussion(60)
    missing = reply(thread[-1], "Look:\n", id="missing@x", minutes=8000)
    seen = reply(missing, "Seen.\n", id="seen@x", minutes=8001)
    assert outcome([[*thread, seen], [missing]]) == outcome([[*thread, missing, seen]])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches(BUSY, every=False))
def test_whatever_arrives_ends_in_the_same_rows(split: list[list[Message]]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(answers, "LONG", 0)
        found = outcome(split)
    assert found == outcome([at_once(split)])
