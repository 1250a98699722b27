"""Which lines of a reply are trailers, and whose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.mail.message import ATTACHED, Address
from reviewbot.series.trailers import find_trailers, given_by
from tests.effort import calls
from tests.series.posting import BOB, mail

FOUND = {
    "a review": ("Looks good.\n\nReviewed-by: Bob <bob@example.org>\n", [("Reviewed-by", "Bob <bob@example.org>")]),
    "indented": ("  Acked-by: Bob <bob@example.org>\n", [("Acked-by", "Bob <bob@example.org>")]),
    "a bare address": ("Acked-by: bob@example.org\n", [("Acked-by", "bob@example.org")]),
    "a remark behind": (
        "Tested-by: Bob <bob@example.org> # on arm64\n",
        [("Tested-by", "Bob <bob@example.org> # on arm64")],
    ),
    "a remark below": (
        "Tested-by: Bob <bob@example.org>\n[on a board]\n",
        [("Tested-by", "Bob <bob@example.org>\n[on a board]")],
    ),
    "wrapped address": (
        "Reviewed-by: Bob With A Long Name\n<bob@example.org>\n",
        [("Reviewed-by", "Bob With A Long Name <bob@example.org>")],
    ),
    "wrapped title": (
        'Fixes: 0123abcd4567 ("mm: a title that\nis long")\n',
        [("Fixes", '0123abcd4567 ("mm: a title that is long")')],
    ),
    "mail client's link": (
        "Acked-by: Bob <bob@example.org<mailto:bob@example.org>>\n",
        [("Acked-by", "Bob <bob@example.org>")],
    ),
    "closes": ("Closes: https://lore.kernel.org/r/x@y\n", [("Closes", "https://lore.kernel.org/r/x@y")]),
    "quoted": ("> Reviewed-by: Bob <bob@example.org>\n", []),
    "below the signature": ("Hi\n-- \nTel: bob@example.org\nAcked-by: Bob <bob@example.org>\n", []),
    "prose": ("Note: this is fine\nOn: Monday\n", []),
    "a header": ("From: Bob <bob@example.org>\nCc: Ada <ada@example.org>\n", []),
    "a link under another name": ("See: https://example.org/~bob@x.y\n", []),
    "fixes without a commit": ("Fixes: the build of bob@example.org\n", []),
    "a contact": ("E-Mail: bob@example.org\n", []),
}


@pytest.mark.parametrize("name", FOUND)
def test_trailers_are_found_as_b4_finds_them(name: str) -> None:
    text, expected = FOUND[name]
    assert find_trailers(text) == expected


SENDERS = {
    "bob@example.org": False,
    "bob+lists@example.org": False,
    "bob@mail.example.org": False,
    "someone@example.com": True,
}


@pytest.mark.parametrize("email", SENDERS)
def test_a_trailer_of_another_person_is_marked(email: str) -> None:
    message = mail("Re: x", "Acked-by: B. Example <bob@example.org>\n", author=Address("Robert", email), id="r@x")
    (trailer,) = given_by(message)
    assert (trailer.mismatch, trailer.via) == (SENDERS[email], "r@x")


@pytest.mark.parametrize("name", ["Bob Example", "bob example", "Example, Bob"])
def test_the_name_alone_is_enough(name: str) -> None:
    message = mail("Re: x", "Acked-by: Bob Example <bob@example.org>\n", author=Address(name, "bob@home.example"))
    assert not given_by(message)[0].mismatch


def test_a_comma_in_the_name_does_not_vouch_for_anybody() -> None:
    message = mail("Re: x", "Acked-by: Ada Example <ada@example.org>\n", author=Address("Roe, Bob", "bob@example.com"))
    assert given_by(message)[0].mismatch


def test_a_mail_gives_a_trailer_once() -> None:
    body = "Acked-by: Bob <bob@example.org>\nacked-by: bob <BOB@example.org>\n"
    assert len(given_by(mail("Re: x", body, author=BOB))) == 1


@given(st.lists(st.sampled_from(["a: b@c.de", "Fixes: 012345 (", "x)", "<b@c.de>", "[x]", "@" * 50, "# "]) | st.text()))
def test_any_text_is_read(lines: list[str]) -> None:
    for name, value in find_trailers("\n".join(lines)):
        assert name
        assert value


@pytest.mark.parametrize(
    "line", ["a: b@c.de\n", "Fixes: 012345 (x\n", "@" * 900 + "\n", "x" * 900 + ": <\n", "a: " + " <" * 400]
)
def test_a_megabyte_of_hostile_text_is_read_in_one_pass(line: str) -> None:
    assert calls(lambda: find_trailers(line * (1_000_000 // len(line)))) < 20 * 1_000_000 // len(line) + 1000


def test_what_is_signed_in_an_attached_file_is_not_signed_for_the_patch_that_is_answered() -> None:
    said = "Try this.\n\nAcked-by: Bob Example <bob@example.org>\n"
    attached = (
        "From: Cy Example <cy@example.org>\n\nSigned-off-by: Cy Example <cy@example.org>\n---\ndiff --git a/x b/x\n"
    )
    text = f"{said}{ATTACHED}\n{attached}"
    assert find_trailers(text) == [("Acked-by", "Bob Example <bob@example.org>")]
    assert len(find_trailers(said + attached)) == 2
