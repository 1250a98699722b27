"""What a series is given: a base by its author, trailers and replies by others."""

from __future__ import annotations

from reviewbot.series.assemble import assemble
from tests.series.posting import ADA, BOB, diff, mail, only, patch, posting, reply

METADATA = """\
Some patches.

Based-on: <earlier@example.org>
base-commit: 0123456789abcdef0123456789abcdef01234567
change-id: 20250304-late-ctor-abcdef012345
prerequisite-patch-id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
prerequisite-patch-id: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb

v1: https://lore.kernel.org/r/v1-0@example.org/
v0: https://lore.kernel.org/all/20250101%40example.org
"""


def test_the_cover_names_base_and_ancestors() -> None:
    series = only(posting(1, version=2, text=METADATA))
    assert series.base_commit == "0123456789abcdef0123456789abcdef01234567"
    assert series.change_id == "20250304-late-ctor-abcdef012345"
    assert series.prerequisites == ("a" * 40, "b" * 40)
    assert series.based_on == ("earlier@example.org",)
    assert series.links == ("v1-0@example.org", "20250101@example.org")


def test_a_single_patch_names_its_base_below_the_diff() -> None:
    message = patch("PATCH", change=f"{diff()}\nbase-commit: {'c' * 40}\n")
    assert only([message]).base_commit == "c" * 40


REVIEW = "Reviewed-by: Bob Example <bob@example.org>\n"


def test_trailers_are_given_to_the_patch_that_is_answered() -> None:
    mails = posting(2)
    series = only([*mails, reply(mails[1], REVIEW, id="r@x")])
    assert [[str(one) for one in p.trailers] for p in series.patches] == [[REVIEW.strip()], []]
    assert series.patches[0].trailers[0].via == "r@x"


def test_trailers_deep_in_a_discussion_are_given_to_what_it_is_about() -> None:
    mails = posting(1)
    remark = reply(mails[1], "And why?\n")
    answer = reply(remark, "Because.\n", author=ADA, minutes=70)
    series = only([*mails, remark, answer, reply(answer, REVIEW, minutes=80)])
    assert len(series.patches[0].trailers) == 1


def test_trailers_in_an_answer_to_the_cover_are_given_to_the_series() -> None:
    mails = posting(2)
    series = only([*mails, reply(mails[0], REVIEW)])
    assert [str(one) for one in series.cover_trailers] == [REVIEW.strip()]
    assert series.patches[0].trailers == ()


def test_trailers_to_a_patch_that_is_not_here_are_given_to_nothing_else() -> None:
    mails = posting(2)
    lost = mail(
        "Re: [PATCH 2/2] mm: step 2",
        REVIEW,
        to="v1-2@example.org",
        author=BOB,
        references=("v1-0@example.org", "v1-2@example.org"),
    )
    series = only([*mails[:2], lost])
    assert (series.cover_trailers, series.patches[0].trailers, series.replies) == ((), (), (lost,))


def test_a_reply_without_references_is_found_by_its_subject_and_gives_no_trailers() -> None:
    mails = posting(1)
    lost = mail("Re: [PATCH 1/1] mm: step 1", REVIEW, id="lost@x", author=BOB, minutes=60)
    series = only([*mails, lost])
    assert (series.replies, series.patches[0].trailers) == ((lost,), ())


def test_a_mismatched_trailer_is_marked() -> None:
    mails = posting(1)
    series = only([*mails, reply(mails[1], "Suggested-by: Eve Example <eve@example.com>\n")])
    assert [one.mismatch for one in series.patches[0].trailers] == [True]


def test_a_mismatched_trailer_is_seconded_by_an_answer_that_gives_trailers_as_for_b4() -> None:
    mails = posting(1)
    proposal = reply(mails[1], "Suggested-by: Eve Example <eve@example.com>\n", id="proposal@x")
    question = reply(proposal, "What does Eve say?\n", author=ADA, id="question@x", minutes=70)
    review = reply(question, "Acked-by: Bob Example <bob@example.org>\n", id="review@x", minutes=80)
    (suggested,) = only([*mails, proposal, question]).patches[0].trailers
    assert (suggested.mismatch, suggested.seconded) == (True, False)
    suggested, acked = only([*mails, proposal, question, review]).patches[0].trailers
    assert (suggested.mismatch, suggested.seconded) == (True, True)
    assert (acked.mismatch, acked.seconded) == (False, False)


def test_an_unchanged_patch_keeps_its_trailers_in_the_next_version() -> None:
    first = posting(2)
    second = posting(2, version=2, to="v1-0@example.org", minutes=3000)
    second[2] = patch(
        "PATCH v2 2/2",
        "mm: step 2",
        id="v2-2@example.org",
        to="v2-0@example.org",
        change=diff(added="new();"),
        minutes=3002,
    )
    reviews = [reply(first[1], REVIEW), reply(first[2], REVIEW, minutes=61)]
    two = assemble([*first, *second, *reviews])[1]
    assert [len(p.trailers) for p in two.patches] == [1, 0]


def test_replies_stand_with_the_version_that_they_answer() -> None:
    first, second = posting(1), posting(1, version=2, to="v1-0@example.org", minutes=3000)
    early, late = reply(first[1], "One.\n"), reply(second[1], "Two.\n", minutes=3100)
    one, two = assemble([*first, *second, early, late])
    assert (one.replies, two.replies) == ((early,), (late,))
