"""Which postings are versions of the same work."""

from __future__ import annotations

from typing import Any

import pytest

from reviewbot.mail.message import Message
from reviewbot.series.assemble import assemble
from reviewbot.series.model import LinkHow, Series
from reviewbot.series.topics import carry_over, link_versions, same_work
from tests.series.posting import ADA, BOB, cover, diff, patch, posting, reply

DAY = 24 * 60


def linked(*mails: Message) -> list[Series]:
    return link_versions(assemble(mails))


def test_a_first_version_has_no_previous_one() -> None:
    (series,) = linked(*posting(2))
    assert series.previous is None


def test_each_version_follows_the_one_before() -> None:
    one, two, three = linked(*posting(1), *posting(1, version=2, minutes=DAY), *posting(1, version=3, minutes=2 * DAY))
    assert one.previous is None
    assert (two.previous, three.previous) == (
        ("v1-0@example.org", 1, LinkHow.SUBJECT),
        ("v2-0@example.org", 2, LinkHow.SUBJECT),
    )


def test_a_version_that_is_not_here_is_skipped() -> None:
    _, three = linked(*posting(1), *posting(1, version=3, minutes=DAY))
    assert three.previous
    assert three.previous.version == 1


def test_what_was_posted_later_is_no_previous_version() -> None:
    series = linked(*posting(1, minutes=2 * DAY), *posting(1, version=2, minutes=DAY))
    assert [one.previous for one in series] == [None, None]


def single(mark: str, name: str, change: str, **fields: Any) -> Series:
    (series,) = assemble([patch(mark, name, change=change, **fields)])
    return series


CHANGE_ID = "Renamed.\n\nchange-id: 20250304-late-ctor-abcdef012345\n"


def test_a_change_id_tells_of_a_work_of_the_same_author_whatever_else_changed() -> None:
    one = single("PATCH", "mm: before", diff("mm/a.c"), text=CHANGE_ID)
    two = single("PATCH v2", "fs: after", diff("fs/b.c"), text=CHANGE_ID, minutes=DAY)
    assert same_work(one, two) is LinkHow.CHANGE_ID
    assert same_work(two, one) is LinkHow.CHANGE_ID


@pytest.mark.parametrize(
    ("name", "change"),
    [("mm: before", diff("fs/b.c")), ("fs: after", diff("mm/a.c", "v2();")), ("fs: after", diff("mm/a.c"))],
    ids=["name", "file", "patch"],
)
def test_a_change_id_of_another_author_needs_something_in_common(name: str, change: str) -> None:
    one = single("PATCH", "mm: before", diff("mm/a.c"), text=CHANGE_ID)
    two = single("PATCH v2", name, change, text=CHANGE_ID, author=BOB, minutes=DAY)
    assert same_work(one, two) is LinkHow.CHANGE_ID


def test_a_change_id_that_somebody_copied_does_not_join_another_work() -> None:
    one = single("PATCH", "mm: before", diff("mm/a.c"), text=CHANGE_ID)
    copied = single("PATCH v2", "fs: after", diff("fs/b.c"), text=CHANGE_ID, author=BOB, minutes=DAY)
    assert same_work(one, copied) is None


def test_a_link_tells_of_a_renamed_work() -> None:
    one = single("PATCH", "mm: before", diff("mm/a.c"), id="one@x")
    below = "v1: https://lore.kernel.org/linux-mm/one@x/\n"
    two = single("PATCH v2", "mm: quite another name", diff("mm/a.c", "more();"), below=below, minutes=DAY)
    assert same_work(one, two) is LinkHow.LINK


def test_a_link_to_the_work_of_somebody_else_does_not() -> None:
    one = single("PATCH", "fs: theirs", diff("fs/b.c"), id="one@x", author=BOB)
    two = single("PATCH v2", "mm: mine", diff("mm/a.c"), below="See https://lore.kernel.org/r/one@x\n", minutes=DAY)
    assert same_work(one, two) is None


def test_a_reply_to_the_version_before_does() -> None:
    one, two = linked(
        patch("PATCH", "mm: before", id="one@x"),
        patch("PATCH v2", "x86: another way", id="two@x", to="one@x", change=diff("arch/x.c"), minutes=DAY),
    )
    assert two.previous == ("one@x", 1, LinkHow.REPLY)
    assert one.previous is None


def test_a_name_needs_the_author_or_the_files() -> None:
    one = single("PATCH", "mm: fix a typo", diff("mm/a.c"))
    assert same_work(one, single("PATCH v2", "mm: Fix a typo", diff("mm/z.c"), minutes=DAY)) is LinkHow.SUBJECT
    theirs = single("PATCH v2", "mm: fix a typo", diff("mm/z.c"), author=BOB, minutes=DAY)
    assert same_work(one, theirs) is None
    taken_over = single("PATCH v2", "mm: fix a typo", diff("mm/a.c", "v2();"), author=BOB, minutes=DAY)
    assert same_work(one, taken_over) is LinkHow.FILES


def test_of_two_postings_of_the_same_version_the_authors_own_is_the_one_before() -> None:
    mails = [patch("PATCH", "mm: step", id="ours@x"), patch("PATCH", "mm: step", id="eve@x", author=BOB, minutes=9)]
    *_, two = linked(*mails, patch("PATCH v2", "mm: step", id="two@x", minutes=DAY))
    assert two.previous == ("ours@x", 1, LinkHow.SUBJECT)


def test_patches_tell_of_a_series_with_another_name() -> None:
    mails = [patch(f"PATCH {n}/2", f"mm: step {n}", id=f"{n}@x", to="0@x", minutes=n) for n in (1, 2)]
    again = [patch(f"PATCH v2 {n}/2", f"mm: step {n}", id=f"b{n}@x", to="b0@x", minutes=DAY + n) for n in (1, 2)]
    _, two = linked(
        cover("PATCH 0/2", "first words", id="0@x"),
        *mails,
        cover("PATCH v2 0/2", "others", id="b0@x", minutes=DAY),
        *again,
    )
    assert two.previous == ("0@x", 1, LinkHow.PATCHES)


def test_a_patch_that_somebody_takes_into_his_series_does_not() -> None:
    one = single("PATCH v2", "mm: step 1", diff(added="mm:_step_1();"), author=BOB)
    (other,) = assemble(posting(4, version=3, minutes=DAY))
    assert same_work(one, other) is None


def test_a_version_that_posts_one_patch_again_follows_what_it_completes() -> None:
    mails = posting(3)
    again = patch(
        "PATCH v2 2/3", "mm: step 2", id="again@x", to="v1-2@example.org", change=diff(added="x();"), minutes=DAY
    )
    _, two = linked(*mails, again)
    assert two.previous
    assert (two.previous.root_msgid, two.author) == ("v1-0@example.org", ADA)


def test_an_unchanged_patch_keeps_what_it_was_given_in_another_thread() -> None:
    first, second = posting(2), posting(2, version=2, minutes=DAY)
    second[2] = patch(
        "PATCH v2 2/2", "mm: step 2", id="v2-2@x", to=second[0].message_id, change=diff(added="new();"), minutes=DAY
    )
    review = "Reviewed-by: Bob Example <bob@example.org>\n"
    series = linked(*first, *second, reply(first[1], review), reply(first[2], review, minutes=61))
    assert [len(one.trailers) for one in series[1].patches] == [0, 0]
    two = carry_over(series)[1]
    assert [[one.via for one in patch.trailers] for patch in two.patches] == [["re-Bob-60-v1-1@example.org"], []]
    assert carry_over(carry_over(series)) == carry_over(series)
