"""Pages of web archives, read back into mails."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.errors import AuthorError
from reviewbot.lore.html import ArchivedPage, parse_pages, same_mail
from reviewbot.mail.message import Address
from tests.lore.pages import (
    HYPERMAIL,
    HYPERMAIL_PARAGRAPHS,
    MARC,
    MHONARC,
    PUBLIC_INBOX,
    PUBLIC_INBOX_THREAD,
    read_page,
)
from tests.mail.letters import mail

PAGES = {
    "hypermail": (HYPERMAIL, "https://lkml.example.org/hypermail/linux/kernel/2503.0/0101.html"),
    "public-inbox": (PUBLIC_INBOX, "https://lore.example.org/linux-mm/20250304111500.2-bob@example.org/"),
    "mhonarc": (MHONARC, "https://www.example.org/lists/linux-mm/msg00011.html"),
    "marc": (MARC, "https://marc.example.org/?l=linux-mm&m=3&w=2"),
}
BODY = """\
On Tue, Mar 04, 2025 at 10:00:00AM +0100, Ada Example wrote:
> +\tif (!ctor(page)) {
> +\t\treturn 0;

Does this leak <page>?
"""


def page(name: str) -> ArchivedPage:
    return read_page(*PAGES[name])


@pytest.mark.parametrize("name", PAGES)
def test_who_when_what_and_the_body_with_its_quotes(name: str) -> None:
    read = page(name)
    assert read.format == name
    assert read.message_id == "20250304111500.2-bob@example.org"
    assert read.subject == "Re: [PATCH 1/2] mm: check the constructor"
    assert read.author.name in ("Bob Example", "Bob B Example", 'Bob "B" Example')
    assert read.date == datetime(2025, 3, 4, 11, 15, tzinfo=UTC)
    assert read.body == BODY


def test_what_an_archive_does_not_hide_of_the_address() -> None:
    addresses = {name: page(name).author.email for name in PAGES}
    shown = "bob@example.org"
    assert addresses == {"hypermail": "bob@xxxxxxxxxxx", "public-inbox": shown, "mhonarc": shown, "marc": shown}


def test_links_to_parent_and_children() -> None:
    assert page("hypermail").parent == "https://lkml.example.org/hypermail/linux/kernel/1903.0/0099.html"
    assert page("hypermail").children == ("https://lkml.example.org/hypermail/linux/kernel/2503.0/0110.html",)
    assert page("public-inbox").parent == "https://lore.example.org/linux-mm/20250304.1-ada@example.org/"
    assert page("public-inbox").children == (
        "https://lore.example.org/linux-mm/20250304.3-ada@example.org/",
        "https://lore.example.org/linux-mm/20250304.5-carol@example.org/",
    )
    assert page("mhonarc").parent == "https://www.example.org/lists/linux-mm/msg00010.html"
    assert page("mhonarc").children == ("https://www.example.org/lists/linux-mm/msg00012.html",)
    assert (page("marc").parent, page("marc").children) == ("", ())
    for name in ("hypermail", "public-inbox", "mhonarc"):
        assert page(name).in_reply_to == "20250304.1-ada@example.org"


def test_hypermail_with_paragraphs_keeps_lines_and_indentation() -> None:
    read = read_page(HYPERMAIL_PARAGRAPHS, PAGES["hypermail"][1])
    assert read.body.split("\n")[1:3] == ["> + if (!ctor(page)) {", "> +   return 0;"]
    assert read.body.endswith("\n\nDoes this leak <page>?\n")


def test_what_public_inbox_writes_above_the_parts_of_a_mail_is_none_of_its_text() -> None:
    parts = PUBLIC_INBOX.replace(
        b"\n\nOn Tue,", b"\n\n[-- Attachment #1: Type: text/plain, Size: 120 bytes --]\n\nOn Tue,"
    ).replace(b"</pre><hr><pre>", b"[-- Attachment #2: signature.asc --]\n[-- Type: x --]\n\n</pre><hr><pre>")
    assert read_page(parts, PAGES["public-inbox"][1]).body.strip("\n") == BODY.strip("\n")


def test_hypermail_pages_whose_message_id_is_hidden_have_none() -> None:
    hidden = HYPERMAIL.replace(b'id="20250304111500.2-bob@example.org"', b'id="20250304111500.2-bob@xxxxxxxxxxx"')
    read = read_page(hidden, PAGES["hypermail"][1])
    assert read.message_id == ""
    assert read.as_message().message_id == read_page(hidden, "https://mirror.example.org/x").as_message().message_id


def test_links_that_leave_the_web_are_no_links() -> None:
    evil = HYPERMAIL.replace(b'href="../1903.0/0099.html"', b'href="javascript:alert(1)"').replace(
        b"0110.html", b"file:///etc"
    )
    read = read_page(evil, PAGES["hypermail"][1])
    assert (read.parent, read.children) == ("", ())


def test_the_charset_of_the_answer_counts_before_that_of_the_page() -> None:
    latin = MARC.replace(b"Bob", "Zoë".encode("latin-1"))
    assert read_page(latin, PAGES["marc"][1], "text/html; charset=iso-8859-1").author.name == "Zoë Example"


def test_a_page_is_tied_to_the_same_mail_when_that_arrives() -> None:
    arrived = mail(
        BODY,
        **{"from": "Bob Example <bob@example.org>"},
        subject="Re: [PATCH 1/2]  mm: check the constructor",
        date="Tue, 4 Mar 2025 11:15:00 +0000",
        message_id="<20250304111500.2-bob@example.org>",
    )
    assert all(same_mail(page(name), arrived) for name in PAGES)
    nameless = replace(page("marc"), message_id="")
    assert same_mail(nameless, arrived)
    assert not same_mail(nameless, replace(arrived, date=arrived.date + timedelta(hours=1)))
    assert not same_mail(nameless, replace(arrived, subject="Re: another"))
    assert not same_mail(nameless, replace(arrived, author=Address("Carol Example", "carol@example.org")))


@pytest.mark.parametrize(
    "html", [b"", b"<html><body>Not found</body></html>", b"\xff\xfe\0", b"<pre>Subject: x\n</pre>"]
)
def test_a_page_without_a_mail_is_refused(html: bytes) -> None:
    with pytest.raises(AuthorError, match="shows no mail"):
        read_page(html, "https://example.org/")


@given(st.sampled_from(sorted(PAGES)), st.data())
@settings(max_examples=80, deadline=None)
def test_damaged_pages_are_read_or_refused(name: str, data: st.DataObject) -> None:
    html, url = PAGES[name]
    damaged = bytearray(html)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 60))] = data.draw(st.binary(max_size=20) | st.just(b"<!--"))
        damaged += b"\n"
    try:
        read = read_page(bytes(damaged), url)
    except AuthorError:
        return
    assert read.date.tzinfo is UTC
    assert "\n" not in read.subject + read.message_id + str(read.author)
    assert all(link.startswith(("http://", "https://")) for link in read.children)


THREAD_URL = "https://lore.example.org/linux-mm/20250304.1-ada@example.org/T/"


def test_the_page_of_a_thread_is_all_its_mails() -> None:
    patch, answer, quoting, stray = parse_pages(PUBLIC_INBOX_THREAD, THREAD_URL)
    assert (answer.message_id, answer.subject) == (
        "20250304111500.2-bob@example.org",
        "Re: [PATCH 1/2] mm: check the constructor",
    )
    assert (answer.author, answer.date) == (
        Address('Bob "B" Example', ""),
        datetime(2025, 3, 4, 11, 15, tzinfo=UTC),
    )
    assert answer.body == BODY
    assert answer.url == "https://lore.example.org/linux-mm/20250304111500.2-bob@example.org/"
    assert patch.body.startswith("Check <it>.\n---\n mm/a.c | 2 +-\n\ndiff --git a/mm/a.c b/mm/a.c\n")
    assert patch.body.endswith("\n-a\n+b\n-- \n2.39.5\n")
    assert (quoting.message_id, quoting.author.name) == ("20250304.3/x+y@example.org", "Carol Example")
    assert quoting.body == "From: Mallory @ 2025-01-01 10:00 UTC (permalink / raw)\n\nNo.\n"
    assert stray.message_id == "20250305.4-dan@example.org"


def test_who_answers_whom_is_taken_from_the_drawing_below_a_thread() -> None:
    patch, answer, quoting, stray = parse_pages(PUBLIC_INBOX_THREAD, THREAD_URL)
    assert [page.in_reply_to for page in (patch, answer, quoting)] == ["", patch.message_id, answer.message_id]
    assert (patch.children, answer.parent) == ((answer.url,), patch.url)
    assert (stray.in_reply_to, stray.parent) == ("", ""), "its parent is not on the page"


def test_a_mail_that_a_cut_page_shows_in_part_is_left_out() -> None:
    html = PUBLIC_INBOX_THREAD[: PUBLIC_INBOX_THREAD.index(b"No.\n")]
    assert [page.message_id for page in parse_pages(html, THREAD_URL)] == [
        "20250304.1-ada@example.org",
        "20250304111500.2-bob@example.org",
    ]


def test_a_page_of_very_many_anchors_costs_no_more_than_its_length() -> None:
    html = b"<pre>" + b"".join(b"<a id=m%040x>*</a> <b>x</b>" % number for number in range(4_000)) + b"</pre>"
    started = time.thread_time()
    with pytest.raises(AuthorError):
        parse_pages(html, THREAD_URL)
    assert time.thread_time() - started < 10
