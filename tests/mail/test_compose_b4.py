"""What b4's review mode makes of a reply in the form that is written here: the same comment at the same line."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from typing import Any

import pytest

from reviewbot.mail.compose import compose_reply, quote_hunk
from reviewbot.mail.diff import DiffLine, FileDiff, Hunk, parse_diff
from reviewbot.mail.message import Address
from reviewbot.mail.parse import parse_message
from reviewbot.mail.quoting import quoted_hunks
from tests.mail.letters import PATCH_BODY, mail

b4_mbox = pytest.importorskip("b4.mbox")
review = pytest.importorskip("b4.review._review")

PATCH = mail(PATCH_BODY)
COMMENT = "The constructor fails here, and the page stays charged.\n\nA second paragraph."
# Nobody comments beneath an empty line, and b4 drops one that ends a quote.
PLACES = [
    (file, hunk, line)
    for file in parse_diff(PATCH_BODY).files
    for hunk in file.hunks
    for line in hunk.lines
    if line.text.strip()
]


def reply(file: FileDiff, hunk: Hunk, line: DiffLine) -> bytes:
    body = "\n".join(["Hello Ada,", "", *quote_hunk(file, hunk, [line])[0], "", COMMENT, "", "-- ", "A footer", ""])
    return compose_reply(
        PATCH,
        body,
        sender=Address("Review Bot", "bot@example.org"),
        to=[PATCH.author],
        message_id="r@example.org",
        date=datetime(2025, 3, 5, tzinfo=UTC),
    )


def comments_that_b4_reads(raw: bytes) -> list[dict[str, Any]]:
    """Go the way of ``b4 review``: the reply is minimised, read, and put at its place in the real diff."""
    (minimised,) = b4_mbox.minimize_thread([email.message_from_bytes(raw, policy=b4_mbox.b4.emlpolicy)])
    comments: list[dict[str, Any]] = review._extract_comments_from_quoted_reply(
        minimised.get_payload(decode=True).decode()
    )
    review._resolve_comment_positions(PATCH_BODY[PATCH_BODY.index("diff --git") :].partition("\n-- \n")[0], comments)
    return comments


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[2].kind + place[2].text.strip())
def test_b4_finds_the_comment_at_its_line(place: tuple[FileDiff, Hunk, DiffLine]) -> None:
    file, _, line = place
    (comment,) = comments_that_b4_reads(reply(*place))
    side, number = ("a", line.old) if line.kind == "-" else ("b", line.new)
    assert (comment["path"], comment["line"], comment["text"]) == (f"{side}/{file.path}", number, COMMENT)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[2].kind + place[2].text.strip())
def test_this_project_finds_it_there_too(place: tuple[FileDiff, Hunk, DiffLine]) -> None:
    _, _, line = place
    found = [quote for quote in quoted_hunks(parse_message(reply(*place)), PATCH) if quote.comment == COMMENT]
    assert [(quote.position, quote.line, quote.old_line) for quote in found] == [(line.position, line.new, line.old)]
