"""Which mails are a series: covers, patches in any order, versions, and what is none."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.series.assemble import assemble
from reviewbot.series.model import Series
from tests.effort import calls
from tests.series.posting import ADA, BOB, cover, diff, mail, only, patch, posting, reply


def numbers(series: Series) -> list[int]:
    return [patch.number for patch in series.patches]


def test_a_cover_and_its_patches_are_one_series() -> None:
    mails = posting(3)
    series = only(mails)
    assert (series.root_msgid, series.name, series.version) == ("v1-0@example.org", "mm: constructors", 1)
    assert (series.expected, numbers(series), series.complete) == (3, [1, 2, 3], True)
    assert series.message_ids == tuple(mail.message_id for mail in mails)
    assert series.author == ADA
    assert series.replies == ()


def test_a_patch_has_its_diff_and_nothing_else() -> None:
    (mine,) = only([patch("PATCH", "mm: x", change=diff("mm/x.c"))]).patches
    assert mine.diff == diff("mm/x.c")
    assert (mine.subject, mine.number, mine.files) == ("mm: x", 1, ("mm/x.c",))
    assert len(mine.patch_id) == 40


def test_a_broken_diff_is_kept_as_it_came() -> None:
    broken = diff().replace(" \treturn 0;\n", "return 0;\n")
    (mine,) = only([patch("PATCH", change=broken)]).patches
    assert "\nreturn 0;\n-- \n2.39.5\n" in mine.diff


@given(st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_arrival_and_duplicates_do_not_matter(chance: random.Random) -> None:
    mails = [*posting(4), *posting(4, version=2, to="v1-0@example.org", minutes=2000)]
    shuffled = [*mails, *chance.sample(mails, 4)]
    chance.shuffle(shuffled)
    assert assemble(shuffled) == assemble(mails)


def test_what_is_missing_is_known() -> None:
    series = only([one for one in posting(5) if one.message_id not in ("v1-2@example.org", "v1-4@example.org")])
    assert (series.missing, series.complete, numbers(series)) == ((2, 4), False, [1, 3, 5])


def test_a_cover_alone_is_a_series_whose_patches_are_missing() -> None:
    series = only(posting(2)[:1])
    assert (series.root_msgid, series.patches, series.missing) == ("v1-0@example.org", (), (1, 2))


def test_patches_without_their_cover_are_one_series() -> None:
    series = only(posting(3)[1:])
    assert (series.cover, series.root_msgid, series.complete) == (None, "v1-1@example.org", True)


def test_patches_that_answer_the_first_one_are_one_series() -> None:
    first = patch("PATCH v2 1/2", "a", id="1@x")
    second = patch("PATCH v2 2/2", "b", id="2@x", to="1@x", minutes=1)
    assert numbers(only([second, first])) == [1, 2]


def test_a_series_sent_without_threading_is_one() -> None:
    mails = [patch(f"PATCH {n}/3", f"step {n}", id=f"{n}@x", minutes=n) for n in (1, 2, 3)]
    series = only([cover("PATCH 0/3", id="0@x"), *mails])
    assert (series.complete, series.root_msgid) == (True, "0@x")


def test_two_such_series_of_one_author_stay_apart() -> None:
    ones = [patch(f"PATCH {n}/2", f"one {n}", id=f"1{n}@x", minutes=n) for n in (1, 2)]
    twos = [patch(f"PATCH {n}/2", f"two {n}", id=f"2{n}@x", minutes=5 + n) for n in (1, 2)]
    assert [series.name for series in assemble([*ones, *twos])] == ["one 1", "two 1"]


def test_quilt_posts_patches_under_unlike_ids() -> None:
    root = cover("PATCH 00/02", id="20250304090000.111@x")
    mails = [patch(f"PATCH {n:02}/02", f"s {n}", id=f"20250304090{n}.9@x", to=root.message_id) for n in (1, 2)]
    assert only([root, *mails]).complete


def test_parts_that_share_an_absent_parent_are_one_series() -> None:
    mails = [patch(f"PATCH AUTOSEL 6.12 {n:03}/486", f"s {n}", id=f"{n}@x", to="1@x", minutes=n) for n in (86, 99)]
    series = only(mails)
    assert (numbers(series), series.expected, series.prefixes) == ([86, 99], 486, ("AUTOSEL", "6.12"))


def test_so_are_parts_that_miscount_and_share_an_absent_parent() -> None:
    totals = [3, 3, 4]
    mails = [patch(f"PATCH {n}/{totals[n - 1]}", f"s {n}", id=f"{n}@x", to="0@x", minutes=n) for n in (1, 2, 3)]
    series = only(mails)
    assert (numbers(series), series.expected) == ([1, 2, 3], 3)


def test_versions_in_one_thread_are_two_series() -> None:
    one, two = assemble([*posting(2), *posting(3, version=2, to="v1-0@example.org", minutes=3000)])
    assert (one.version, one.expected, two.version, two.expected) == (1, 2, 2, 3)
    assert two.cover
    assert two.cover.message_id == "v2-0@example.org"


def test_patches_that_forgot_the_version_of_their_cover_belong_to_it() -> None:
    root = cover("PATCH v3 0/2", id="0@x")
    series = only([root, *(patch(f"PATCH {n}/2", f"s {n}", id=f"{n}@x", to="0@x", minutes=n) for n in (1, 2))])
    assert (series.version, series.complete) == (3, True)


def test_a_cover_that_forgot_the_version_of_its_patches_belongs_to_them() -> None:
    root = cover("PATCH 0/2", id="0@x")
    series = only([root, *(patch(f"PATCH v2 {n}/2", f"s {n}", id=f"{n}@x", to="0@x", minutes=n) for n in (1, 2))])
    assert (series.version, series.root_msgid, series.complete) == (2, "0@x", True)


def test_the_patches_know_better_than_the_cover_how_many_they_are() -> None:
    root = cover("PATCH 0/2", id="0@x")
    series = only([root, *(patch(f"PATCH {n}/3", f"s {n}", id=f"{n}@x", to="0@x", minutes=n) for n in (1, 2, 3))])
    assert (series.expected, series.complete) == (3, True)


def test_a_patch_added_later_belongs_to_the_series_and_not_to_what_was_announced() -> None:
    mails = posting(2)
    late = patch("PATCH 3/2", "mm: one more", id="3@x", to="v1-2@example.org", minutes=5000)
    series = only([*mails, late])
    assert (series.expected, numbers(series), series.complete) == (2, [1, 2, 3], True)


def test_two_patches_under_one_number_are_both_kept_in_order() -> None:
    root = cover("PATCH 0/3", id="0@x")
    mails = [
        patch(f"PATCH {n}/3", name, id=f"{name}@x", to="0@x", minutes=at)
        for at, (n, name) in enumerate([(1, "a"), (2, "b"), (2, "c"), (3, "d")], 1)
    ]
    series = only([root, *mails])
    assert [(one.number, one.subject) for one in series.patches] == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]
    assert (series.expected, series.complete) == (3, True)


def test_a_patch_that_replaces_its_like_takes_its_place() -> None:
    mails = posting(3)
    better = patch("PATCH mk-II 2/3", "mm: step 2", id="better@x", to="v1-2@example.org", minutes=900)
    series = only([*mails, better])
    assert [one.message.message_id for one in series.patches][1] == "better@x"
    assert [one.message_id for one in series.replies] == ["v1-2@example.org"]


def test_a_version_that_posts_one_patch_again_takes_over_the_others() -> None:
    mails = posting(3)
    again = patch("PATCH v2 2/3", "mm: step 2", id="again@x", to="v1-2@example.org", minutes=900)
    one, two = assemble([*mails, again])
    assert [p.message.message_id for p in two.patches] == ["v1-1@example.org", "again@x", "v1-3@example.org"]
    assert (two.version, two.complete, two.root_msgid) == (2, True, "again@x")
    assert two.carried == ("v1-0@example.org", "v1-1@example.org", "v1-3@example.org")
    assert two.message_ids == ("again@x",)
    assert one.message_ids == tuple(mail.message_id for mail in mails)


def test_an_answer_to_a_reply_can_do_the_same() -> None:
    mails = posting(2)
    remark = reply(mails[1], "Better this way.\n")
    again = patch("PATCH v2 1/2", "mm: step 1", id="again@x", to=remark.message_id, minutes=900)
    assert assemble([*mails, remark, again])[1].complete


def test_versions_that_post_single_patches_again_build_on_each_other() -> None:
    two = patch("PATCH v2 2/3", "mm: step 2", id="v2-2@x", to="v1-2@example.org", minutes=100)
    three = patch("PATCH v3 2/3", "mm: step 2", id="v3-2@x", to="v2-2@x", minutes=200)
    series = assemble([*posting(3), two, three])
    assert [(one.version, one.complete, one.root_msgid) for one in series] == [
        *((1, True, "v1-0@example.org"), (2, True, "v2-2@x"), (3, True, "v3-2@x"))
    ]
    assert [one.message.message_id for one in series[2].patches] == ["v1-1@example.org", "v3-2@x", "v1-3@example.org"]


def test_such_a_version_takes_over_what_the_version_before_changed() -> None:
    two = patch("PATCH v2 2/3", "mm: step 2", id="v2-2@x", to="v1-2@example.org", minutes=100)
    three = patch("PATCH v3 1/3", "mm: step 1", id="v3-1@x", to="v1-1@example.org", minutes=200)
    series = assemble([*posting(3), two, three])
    assert [one.message.message_id for one in series[2].patches] == ["v3-1@x", "v2-2@x", "v1-3@example.org"]


def test_the_parts_of_a_flood_that_came_here_are_one_incomplete_series() -> None:
    mails = [
        patch(f"PATCH AUTOSEL 6.12 {n:03}/486", f"mm: fix {n}", id=f"a-{n}@x", to="a-1@x", minutes=n)
        for n in (86, 7, 300)
    ]
    series = only(mails)
    assert (series.version, series.expected, numbers(series)) == (1, 486, [7, 86, 300])
    assert (series.complete, series.prefixes) == (False, ("AUTOSEL", "6.12"))


def test_a_resent_series_is_a_posting_of_its_own() -> None:
    first = posting(2)
    again = posting(2, prefix="PATCH RESEND", tag="again-", minutes=3 * 24 * 60)
    one, two = assemble([*first, *again])
    assert (one.complete, two.complete, two.prefixes) == (True, True, ("RESEND",))


def test_an_answer_is_never_a_patch() -> None:
    mails = posting(1)
    answer = reply(mails[1], f"How about this?\n\n{diff('mm/other.c')}")
    series = only([*mails, answer])
    assert (len(series.patches), series.replies) == (1, (answer,))


def test_a_patch_of_somebody_else_in_the_discussion_is_a_series_of_its_own() -> None:
    mails = posting(3)
    other = patch("PATCH", "mm: an idea", id="idea@x", to="v1-2@example.org", author=BOB, minutes=500)
    one, two = assemble([*mails, other])
    assert (numbers(one), one.expected) == ([1, 2, 3], 3)
    assert (two.root_msgid, two.author, two.version) == ("idea@x", BOB, 1)


def test_a_numbered_series_of_somebody_else_too() -> None:
    mails = posting(3)
    first = patch("PATCH 1/2", "idea", id="i1@x", to="v1-2@example.org", author=BOB, minutes=500)
    second = patch("PATCH 2/2", "idea two", id="i2@x", to="i1@x", author=BOB, minutes=501)
    one, two = assemble([*mails, first, second])
    assert (len(one.patches), one.complete, len(two.patches), two.root_msgid) == (3, True, 2, "i1@x")


def test_the_same_version_posted_again_is_another_series() -> None:
    first = posting(2)
    again = posting(2, prefix="PATCH RESEND", to="v1-0@example.org", tag="r", minutes=9000)
    one, two = assemble([*first, *again])
    assert (one.root_msgid, two.root_msgid, two.version) == ("v1-0@example.org", "rv1-0@example.org", 1)
    assert one.complete
    assert two.complete


def test_a_single_patch_posted_again_without_a_number_is_the_next_version() -> None:
    first = patch("PATCH", "mm: check it", id="1@x")
    second = patch("PATCH", "mm: check it twice", id="2@x", to="1@x", minutes=90, change=diff(added="twice();"))
    assert [series.version for series in assemble([first, second])] == [1, 2]


def test_a_mail_with_a_diffstat_can_be_a_cover_without_a_number() -> None:
    root = mail("[RFC] a new allocator", "Hear this.\n\n mm/a.c | 2 ++\n 1 file changed, 2 insertions(+)\n", id="0@x")
    series = only([root, *(patch(f"RFC PATCH {n}/2", f"s {n}", id=f"{n}@x", to="0@x", minutes=n) for n in (1, 2))])
    assert (series.root_msgid, series.name) == ("0@x", "a new allocator")


def test_a_pull_request_is_no_series() -> None:
    text = f"Please pull.\n\n mm/a.c | 2 ++\n 1 file changed, 2 insertions(+)\n\nThe conflict:\n{diff()}"
    assert assemble([mail("[GIT PULL] mm updates", text), mail("[GIT PULL 0/4] soc updates", text)]) == []


def test_a_robot_that_tells_of_an_applied_patch_posts_no_series() -> None:
    mails = posting(1)
    told = mail("[tip: x86/mm] mm: step 1", f"Committed.\n\n{diff()}", to="v1-1@example.org", author=BOB, minutes=99)
    series = only([*mails, told])
    assert (len(series.patches), series.patches[0].trailers) == (1, ())


def test_talk_is_no_series() -> None:
    question = mail("mm: a question", id="q@x")
    assert assemble([question, reply(question, "An answer.\n")]) == []
    assert assemble([]) == []


def test_mails_that_answer_each_other_in_a_circle_are_survived() -> None:
    one = mail("Re: one", id="1@x", to="2@x")
    two = mail("Re: two", "Acked-by: Bob Example <bob@example.org>\n", id="2@x", to="1@x", author=BOB)
    assert only([*posting(1), one, two]).complete


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_no_part_is_lost_or_used_twice(data: st.DataObject) -> None:
    ids = [f"{n}@x" for n in range(8)]
    marks = ["PATCH", "PATCH 1/2", "PATCH 2/2", "PATCH v2 1/2", "PATCH 0/2", "PATCH v2 0/2", "PATCH 3/2", "RFC 2/3"]
    mails = [
        patch(
            data.draw(st.sampled_from(marks)),
            data.draw(st.sampled_from(["a", "b"])),
            id=ids[n],
            to=data.draw(st.sampled_from(["", *ids])),
            author=data.draw(st.sampled_from([ADA, BOB])),
            minutes=data.draw(st.integers(0, 3000)),
        )
        for n in range(8)
    ]
    series = assemble(mails)
    parts = [message_id for one in series for message_id in one.message_ids]
    replies = [message.message_id for one in series for message in one.replies]
    assert sorted([*parts, *replies]) == ids
    assert len({one.root_msgid for one in series}) == len(series)


def test_four_times_the_postings_of_one_patch_are_four_times_the_work() -> None:
    def work(count: int) -> int:
        mails = [
            replace(patch("", "mm: one", minutes=number), message_id=f"{number}@x", in_reply_to="0@x" * bool(number))
            for number in range(count)
        ]
        return calls(lambda: assemble(mails))

    assert work(400) < 5 * work(100)
