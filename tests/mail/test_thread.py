"""How mails become a thread."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.mail.message import Message
from reviewbot.mail.thread import Thread, build_thread
from tests.effort import calls
from tests.mail.letters import mail


def make(name: str, parent: str = "", *, subject: str = "", day: int = 1, references: str = "") -> Message:
    fields = {"message_id": f"<{name}@x>", "date": f"{day} Mar 2025 10:00:00 +0000"}
    fields["subject"] = subject or ("Re: topic" if parent else "topic")
    if parent:
        fields["in_reply_to"] = f"<{parent}@x>"
    if references:
        fields["references"] = " ".join(f"<{each}@x>" for each in references.split())
    return mail(**fields)


def shape(thread: Thread) -> list[tuple[str, int]]:
    return [(node.message.message_id.removesuffix("@x"), node.depth) for node in thread]


def test_answers_stand_below_what_they_answer_in_order_of_date() -> None:
    thread = build_thread([make("c", "a", day=3), make("d", "b", day=4), make("b", "a", day=2), make("a")])
    assert shape(thread) == [("a", 0), ("b", 1), ("d", 2), ("c", 1)]
    assert thread.roots == ("a@x",)
    assert thread.children("a@x") == ("b@x", "c@x")
    assert [mail.message_id for mail in thread.ancestors("d@x")] == ["b@x", "a@x"]
    assert [mail.message_id for mail in thread.descendants("a@x")] == ["b@x", "d@x", "c@x"]


def test_a_missing_parent_is_skipped_for_the_nearest_ancestor_that_is_there() -> None:
    thread = build_thread([make("a"), make("c", "b", references="a b", day=2)])
    assert shape(thread) == [("a", 0), ("c", 1)]


def test_the_copies_of_a_cross_post_are_one_mail() -> None:
    one = replace(make("a"), lists=("linux-mm.kvack.org",))
    two = replace(make("a"), lists=("linux-arch.vger.kernel.org",))
    thread = build_thread([one, two])
    assert len(thread) == 1
    assert thread["a@x"].message.lists == ("linux-mm.kvack.org", "linux-arch.vger.kernel.org")
    assert thread["a@x"].message.oddities == ()


def test_two_mails_with_one_message_id_are_noted() -> None:
    thread = build_thread([make("a"), make("a", subject="another")])
    assert thread["a@x"].message.oddities == ("another mail has the same Message-ID",)


def test_a_reply_that_names_nothing_is_tied_to_the_one_mail_of_its_subject() -> None:
    thread = build_thread([make("a", subject="[PATCH] x"), make("b", subject="RE: [PATCH]  X", day=2)])
    assert shape(thread) == [("a", 0), ("b", 1)]
    assert thread["b@x"].repaired


def test_what_is_not_certain_is_not_repaired() -> None:
    two = build_thread([make("a"), make("b", day=2), make("c", subject="Re: topic", day=3)])
    assert shape(two) == [("a", 0), ("b", 0), ("c", 0)]
    late = build_thread([make("a", day=20), make("b", subject="Re: topic", day=1)])
    assert len(late.roots) == 2


def test_circles_are_broken_at_the_oldest_mail() -> None:
    thread = build_thread([make("a", "c", day=1), make("b", "a", day=2), make("c", "b", day=3), make("s", "s", day=4)])
    assert shape(thread) == [("a", 0), ("b", 1), ("c", 2), ("s", 0)]


def test_a_very_long_thread_is_no_problem() -> None:
    first = make("0")
    chain = [first]
    for number in range(1, 5000):
        chain.append(replace(first, message_id=f"{number}@x", in_reply_to=f"{number - 1}@x"))
    random.Random(1).shuffle(chain)
    thread = build_thread(chain)
    assert thread.nodes[-1].depth == 4999


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 28)), max_size=20))
@settings(max_examples=200, deadline=None)
def test_every_mail_is_there_once_below_its_parent(links: list[tuple[int, int, int]]) -> None:
    mails = [make(str(own), str(parent), day=day) for own, parent, day in links]
    thread = build_thread(mails)
    assert sorted(node.message.message_id for node in thread) == sorted({mail.message_id for mail in mails})
    seen = set()
    for node in thread:
        assert node.parent == "" or node.parent in seen
        assert node.depth == (thread[node.parent].depth + 1 if node.parent else 0)
        seen.add(node.message.message_id)
    assert shape(thread) == shape(build_thread(node.message for node in thread))


def test_four_times_the_mails_of_one_subject_are_four_times_the_work() -> None:
    def work(count: int) -> int:
        mails = [make(str(number), subject="Re: topic" if number % 2 else "topic") for number in range(count)]
        return calls(lambda: build_thread(mails))

    assert work(2000) < 5 * work(500)
