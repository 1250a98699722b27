"""The bytes of a reply, and that nothing can be smuggled into them."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.errors import OperatorError
from reviewbot.mail.compose import compose_reply, quote, quote_hunk, reply_subject, to_wire, wrap
from reviewbot.mail.diff import parse_diff
from reviewbot.mail.message import Address, Message
from reviewbot.mail.parse import parse_message
from tests.mail.letters import PATCH_BODY, mail

WHEN = datetime(2025, 3, 5, 9, 30, tzinfo=timezone(timedelta(hours=1)))
SENDER = Address("Review Bot", "bot@example.org")
PARENT = mail(
    PATCH_BODY,
    message_id="<v2-1@example.org>",
    subject="[PATCH v2 1/2] mm: check the constructor",
    references="<v1-0@example.org> <v2-0@example.org>",
    in_reply_to="<v2-0@example.org>",
)


def compose(body: str = "Text.\n", parent: Message = PARENT, **changes: Any) -> bytes:
    arguments: dict[str, Any] = {
        "sender": SENDER,
        "to": [PARENT.author],
        "cc": [Address("", "list@example.org")],
        "message_id": "report-1@example.org",
        "date": WHEN,
    }
    return compose_reply(parent, body, **arguments | changes)


GOLDEN = b"""\
From: Review Bot <bot@example.org>
To: Ada Example <ada@example.org>
Cc: list@example.org
Subject: Re: [PATCH v2 1/2] mm: check the constructor
Date: Wed, 05 Mar 2025 08:30:00 +0000
Message-ID: <report-1@example.org>
In-Reply-To: <v2-1@example.org>
References: <v1-0@example.org> <v2-0@example.org> <v2-1@example.org>
Auto-Submitted: auto-generated
Precedence: bulk
MIME-Version: 1.0
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: 7bit

Text.
"""


def test_the_same_input_gives_the_same_bytes() -> None:
    assert compose(headers={"Precedence": "bulk"}) == GOLDEN


def test_there_is_one_re_however_many_the_parent_has() -> None:
    assert reply_subject("Re: RE: Aw: [PATCH] x") == "Re: [PATCH] x"
    assert reply_subject("[PATCH] re: x") == "Re: [PATCH] re: x"


def test_the_parent_is_named_even_when_its_chain_is_broken() -> None:
    lone = mail(in_reply_to="<up@example.org>")
    assert parse_message(compose(parent=lone)).references == ("up@example.org", "one@example.org")


def test_a_long_chain_is_folded_and_whole() -> None:
    chain = " ".join(f"<{'x' * 60}{number}@example.org>" for number in range(40))
    raw = compose(parent=mail(references=chain))
    assert max(map(len, raw.split(b"\n"))) < 100
    assert len(parse_message(raw).references) == 41


def test_text_that_is_not_ascii_is_sent_as_utf8() -> None:
    raw = compose(
        "Grüße\n", sender=Address("Zoë, the Bot", "bot@example.org"), parent=mail(subject="[PATCH] Grüße " * 9)
    )
    assert b"Content-Transfer-Encoding: 8bit" in raw
    head, _, body = raw.partition(b"\n\n")
    assert head.isascii()
    assert body.decode() == "Grüße\n"
    read = parse_message(raw)
    assert read.author == Address("Zoë, the Bot", "bot@example.org")
    assert read.subject == "Re: " + " ".join(["[PATCH] Grüße"] * 9)


def test_long_lines_and_from_lines_survive_transport() -> None:
    body = "From here on\n" + "x" * 5000 + "\n> From there\n"
    raw = compose(body)
    assert max(map(len, raw.split(b"\n"))) <= 998
    assert not any(line.startswith(b"From ") for line in raw.split(b"\n"))
    assert parse_message(raw).body == body


def test_control_characters_in_the_body_are_replaced() -> None:
    assert compose("a\x1b[31mb\0c\td\x0be\n").endswith("a\ufffd[31mb\ufffdc\td\ufffde\n".encode())


def test_recipients_are_used_once_and_only_when_they_can_be_written() -> None:
    ada, again, broken = PARENT.author, Address("Ada", "ADA@example.org"), Address("x", "a b\n@example.org")
    read = parse_message(compose(to=[ada, again, broken, SENDER], cc=[ada, Address("", "list@example.org")]))
    assert read.to == (ada,)
    assert read.cc == (Address("", "list@example.org"),)


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": Address("x", "not an address")},
        {"message_id": "a@b>\nBcc: <x@example.org"},
        {"message_id": "nothing"},
        {"headers": {"X-A\nBcc": "x"}},
        {"headers": {"References": "<a@b>"}},
    ],
)
def test_what_cannot_be_written_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(OperatorError):
        compose(**changes)


ANYTHING = st.text(alphabet=st.characters(), max_size=80) | st.sampled_from(
    ["\r\nBcc: x@example.org\r\n\r\nx", '"', "\\", "=?", "<>"]
)


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING, st.lists(ANYTHING, max_size=3))
@settings(max_examples=300, deadline=None)
def test_nothing_can_be_smuggled_into_the_header(
    subject: str, name: str, value: str, body: str, ids: list[str]
) -> None:
    parent = Message("p@x", subject, Address(name, "a@example.org"), WHEN, references=tuple(ids))
    raw = compose(
        body,
        parent,
        to=[Address(name, "a@example.org"), Address("", f"no address {name}")],
        headers={"X-Reviewbot": value},
    )
    head, _, content = raw.partition(b"\n\n")
    assert head.isascii()
    assert b"\r" not in raw
    names = [line.partition(b":")[0].decode() for line in head.split(b"\n") if not line.startswith(b" ")]
    expected = ["From", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted"]
    assert names == [*expected, "X-Reviewbot", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]
    assert all(line.strip() for line in head.split(b"\n"))
    assert max(map(len, raw.split(b"\n"))) <= 998
    standard = email.message_from_bytes(raw, policy=email.policy.default)
    assert standard["Message-ID"] == "<report-1@example.org>"
    assert "Bcc" not in standard
    assert len(standard["To"].addresses) == 1
    assert content.endswith(b"\n")


def test_the_standard_library_reads_the_same() -> None:
    standard = email.message_from_bytes(compose("Grüße\n"), policy=email.policy.default)
    assert standard.get_content() == "Grüße\n"
    assert parsedate_to_datetime(standard["Date"]) == WHEN.astimezone(UTC)
    assert not standard.defects


def test_line_ends_of_smtp() -> None:
    assert to_wire(b"a\nb\r\nc\n") == b"a\r\nb\r\nc\r\n"


def test_prose_is_wrapped_and_paths_are_not_broken() -> None:
    path = "arch/arm64/include/asm/" + "x" * 70
    assert wrap(f"The constructor in {path} fails.", 40) == ["The constructor in", path, "fails."]


def test_quoting_keeps_the_first_column() -> None:
    assert quote([" context", "", "+added"]) == [">  context", ">", "> +added"]


def test_a_place_is_quoted_with_little_around_it_beneath_the_header_of_its_hunk() -> None:
    (file,) = parse_diff(PATCH_BODY).files
    hunk = file.hunks[0]
    lines = [line for line in hunk.lines if line.text in ("\t\treturn 0;", "}")]
    first, second, third = quote_hunk(file, hunk, lines, context=1)
    assert first == [
        "> diff --git a/mm/late.c b/mm/late.c",
        "> --- a/mm/late.c",
        "> +++ b/mm/late.c",
        "> @@ -20,9 +20,13 @@ static phys_addr_t late_alloc(void)",
        "> [...]",
        "> +\t\t__free_page(page);",
        "> +\t\treturn 0;",
    ]
    assert second == ["> +\t}", "> +", ">  \tif (!page)", ">  \t\treturn 0;"]
    assert third == [">  ", ">  \treturn page_to_phys(page);", ">  }"]


def test_of_lines_that_read_alike_as_much_is_quoted_as_a_reader_who_counts_needs() -> None:
    """A reader that counts from the header takes the nearest line of the same text: enough is quoted to be right."""
    body = "--- a/a.c\n+++ b/a.c\n@@ -1,1 +1,41 @@\n" + "".join(
        f"+{'free(p);' if number in (19, 39) else f'line {number};'}\n" for number in range(40)
    )
    (file,) = parse_diff(body + " end\n").files
    hunk = file.hunks[0]
    (piece,) = quote_hunk(file, hunk, [hunk.lines[39]])
    skipped = 39 - (len(piece) - 5 - 1)  # without the names, the header, the elision, and the line itself
    counted = 40 - skipped
    assert abs(40 - counted) < abs(20 - counted)
    (lone,) = quote_hunk(file, hunk, [hunk.lines[38]])
    assert len(lone) == 5 + 6


HOSTILE = (
    "x\r\nBcc: eve@example.com", "x\n\n<body>", "x\u2028Bcc: eve@example.com", "x\x85Bcc: eve@example.com",
    "\u202etcejbuS", "\u0430da@\u0435xample.org", "=?utf-8?q?x=0D=0ABcc:_eve?=", "x" * 100_000, "\ud800", "\0",
    " " * 5000, "a,b;c:d", "<>", '"', "\\", "\t\tx",
)  # fmt: skip
NAMES = [
    *("from", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted"),
    *("x-reviewbot", "mime-version", "content-type", "content-transfer-encoding"),
]


def test_a_thousand_hostile_mails_have_our_headers_and_no_others() -> None:
    for number in range(1000):
        subject, name, value = (HOSTILE[number // len(HOSTILE) ** place % len(HOSTILE)] for place in range(3))
        parent = Message("p@x.example", f"[PATCH] {subject}", Address(name, "a@example.org"), WHEN, body=value)
        raw = compose(value[:2000], parent, to=[Address(name, "a@example.org")], headers={"X-Reviewbot": value})
        head = raw.partition(b"\n\n")[0]
        assert head.isascii()
        assert b"\r" not in raw
        assert max(map(len, head.split(b"\n"))) <= 998
        read = email.message_from_bytes(raw, policy=email.policy.compat32)
        assert [field.lower() for field in read.keys()] == NAMES  # noqa: SIM118 - each as often as it is there
        shown = parse_message(raw)
        assert [one.email for one in (*shown.to, *shown.cc)] == ["a@example.org", "list@example.org"]
        assert not {"\u202e", "\u2028", "\n"} & set(shown.subject)
