"""The same mail read from other versions of the archives."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reviewbot.lore.html import ArchivedPage
from tests.lore import page_variants as variants
from tests.lore.pages import HYPERMAIL, read_page
from tests.lore.test_html import BODY

URL = "https://www.example.org/lists/linux-mm/msg00011.html"
ID = "20250304111500.2-bob@example.org"
PAGES = {
    "lkml": (variants.LKML, "mhonarc"),
    "spinics": (variants.SPINICS, "mhonarc"),
    "old MHonArc": (variants.OLD_MHONARC, "mhonarc"),
    "mail-archive": (variants.MAIL_ARCHIVE, "mhonarc"),
    "hypermail 3": (variants.HYPERMAIL_3, "hypermail"),
    "hypermail at": (variants.HYPERMAIL_AT, "hypermail"),
    "old marc": (variants.MARC_OLD, "marc"),
    "bare marc": (variants.MARC_BARE, "marc"),
}


def page(name: str) -> ArchivedPage:
    return read_page(PAGES[name][0], URL)


@pytest.mark.parametrize("name", PAGES)
def test_who_when_what_and_the_body_with_its_quotes(name: str) -> None:
    read = page(name)
    assert read.format == PAGES[name][1]
    assert read.subject == "Re: [PATCH 1/2] mm: check the constructor"
    assert read.author.name in ("Bob Example", 'Bob "B" Example')
    assert read.date == datetime(2025, 3, 4, 11, 15, tzinfo=UTC)
    assert read.body == BODY


@pytest.mark.parametrize("name", PAGES)
def test_the_message_id_is_taken_unless_its_domain_is_hidden(name: str) -> None:
    assert page(name).message_id == ("" if name == "lkml" else ID)


def test_whom_it_answers_by_message_id() -> None:
    answered = {name: page(name).in_reply_to for name in PAGES}
    known = ("spinics", "old MHonArc", "hypermail 3", "hypermail at")
    assert answered == {name: "20250304.1-ada@example.org" if name in known else "" for name in PAGES}


@pytest.mark.parametrize(
    ("name", "parent", "children"),
    [
        ("lkml", "0099.html", ()),  # the next in the thread need not be an answer
        ("spinics", "msg00010.html", ("msg00012.html",)),
        ("old MHonArc", "msg00010.html", ("msg00012.html",)),
        ("mail-archive", "msg00010.html", ("msg00012.html",)),
    ],
)
def test_links_to_parent_and_children(name: str, parent: str, children: tuple[str, ...]) -> None:
    folder = URL.rpartition("/")[0]
    assert page(name).parent == f"{folder}/{parent}"
    assert page(name).children == tuple(f"{folder}/{child}" for child in children)


@pytest.mark.parametrize("name", ["hypermail 3", "hypermail at"])
def test_links_of_hypermail(name: str) -> None:
    assert page(name).parent.endswith("/1903.0/0099.html")
    assert [child.rpartition("/")[2] for child in page(name).children] == ["0110.html"]


def test_quotes_that_are_drawn_as_boxes_get_their_marks_back() -> None:
    lines = read_page(variants.FANCY_MHONARC, URL).body.split("\n")
    assert [line for line in lines if line.startswith("> ") and line.strip("> ")] == [
        "> +\tif (!ctor(page)) {",
        "> +\t\treturn 0;",
    ]
    assert "Does this leak <page>?" in lines


def test_a_mail_cannot_write_the_header_of_its_page() -> None:
    forged = b'<!-- id="forged@example.com" --><!-- name="Eve" -->Does this'
    read = read_page(HYPERMAIL.replace(b"Does this", forged), URL)
    assert (read.message_id, read.author.name) == (ID, 'Bob "B" Example')
    forged = b"<!--X-Message-Id: forged@example.com --><!--X-References--><a href='evil.html'>x</a>"
    read = read_page(variants.SPINICS.replace(b"Does this", forged + b"Does this"), URL)
    assert (read.message_id, read.parent.rpartition("/")[2]) == (ID, "msg00010.html")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_was_cut_is_read_as_far_as_it_goes(name: str) -> None:
    html = PAGES[name][0]
    read = read_page(html[: html.index(b"Does this leak")], URL)
    assert "> +\tif (!ctor(page)) {" in read.body
    assert read.subject.startswith("Re: [PATCH 1/2]")
