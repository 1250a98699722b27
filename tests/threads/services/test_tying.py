"""Answers find the mails of their subject by date, whatever their number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reviewbot.mail.message import Address, Message
from reviewbot.series.grouping import Links
from tests.effort import calls
from threads.services.tying import _Tie

START = datetime(2026, 11, 2, tzinfo=UTC)


def mails(days: list[int]) -> list[Message]:
    ada = Address("Ada", "ada@example.org")
    return [Message(f"{number}@x", "topic", ada, START + timedelta(days=day)) for number, day in enumerate(days)]


def spans(days: list[int], length: int) -> list[tuple[datetime, datetime, str]]:
    begins = [START + timedelta(days=day) for day in days]
    return [(begin, begin + timedelta(days=length), f"span {number}") for number, begin in enumerate(begins)]


@given(st.lists(st.integers(0, 40), max_size=12), st.lists(st.integers(0, 40), max_size=12), st.integers(0, 15))
def test_each_span_is_tied_to_every_mail_within_it_and_to_no_other(
    sent: list[int], begun: list[int], days: int
) -> None:
    messages, wanted = mails(sent), spans(begun, days)
    tie, expected = _Tie(messages), Links()
    named = tie._tie_within(messages, wanted)
    pairs = [(one, name) for begin, end, name in wanted for one in messages if begin <= one.date <= end]
    for one, name in pairs:
        expected.join(one.message_id, name)
    assert named == {name for _, name in pairs}
    names = [*(one.message_id for one in messages), *(name for *_, name in wanted)]
    for one in names:
        for other in names:
            together = expected.top(one) == expected.top(other)
            assert (tie.links.top(one) == tie.links.top(other)) == together


def test_four_times_the_mails_and_answers_of_one_subject_are_four_times_the_work() -> None:
    def work(count: int) -> int:
        messages, wanted = mails([0] * count), spans([0] * count, 30)
        tie = _Tie(messages)
        return calls(lambda: tie._tie_within(messages, wanted))

    assert work(400) < 5 * work(100)
