"""How a mail body is divided."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.mail.blocks import Kind, attributed_name, parse_blocks, unquote
from tests.effort import calls

REPLY = """\
Hi Ada,

On Tue, Mar 04, 2025 at 10:00:00AM +0100, Ada Example wrote:
> On Mon, Bob Example <bob@example.org> wrote:
> > deeper
> Check what the constructor says.

Why here?

Reviewed-by: Bob Example <bob@example.org>

-- 
Bob
"""  # noqa: W291


def test_each_part_of_a_reply_is_known() -> None:
    found = [(block.kind, block.level, block.who, block.text) for block in parse_blocks(REPLY)]
    assert found == [
        (Kind.COMMENT, 0, "", "Hi Ada,"),
        (Kind.ATTRIBUTION, 0, "", "On Tue, Mar 04, 2025 at 10:00:00AM +0100, Ada Example wrote:"),
        (Kind.ATTRIBUTION, 1, "", "On Mon, Bob Example <bob@example.org> wrote:"),
        (Kind.QUOTE, 2, "Bob Example", "deeper"),
        (Kind.QUOTE, 1, "Ada Example", "Check what the constructor says."),
        (Kind.COMMENT, 0, "", "Why here?"),
        (Kind.TRAILERS, 0, "", "Reviewed-by: Bob Example <bob@example.org>"),
        (Kind.SIGNATURE, 0, "", "-- \nBob"),
    ]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("On 2025-03-04 10:00, Ada Example wrote:", "Ada Example"),
        ("On Tue, 4 Mar 2025 10:00:00 +0100 Ada Example <ada@example.org> wrote:", "Ada Example"),
        ("On 04.03.25 10:00, Ada B. Example wrote:", "Ada B. Example"),
        ("On 3/4/25 1:00 PM, Example, Ada wrote:", "Example, Ada"),
        ("Ada Example <ada@example.org> writes:", "Ada Example"),
        ("* Ada Example <ada@example.org> [250304 10:00]:", "Ada Example"),
        ("Am 04.03.25 um 10:00 schrieb Ada Example:", "Ada Example"),
        ("On Tue, Mar 4, 2025 at 10:00 AM Ada Example <ada@example.org> wrote:", "Ada Example"),
    ],
)
def test_who_is_quoted(line: str, name: str) -> None:
    assert attributed_name(line) == name


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ("> text", 1, "text"),
        (">text", 1, "text"),
        (">", 1, ""),
        ("> > deep", 2, "deep"),
        (">> deep", 2, "deep"),
        (">  context", 1, " context"),
        ("> +\tadded", 1, "+\tadded"),
        (" > indented", 0, " > indented"),
        ("a > b", 0, "a > b"),
    ],
)
def test_quote_marks(line: str, level: int, text: str) -> None:
    assert unquote(line) == (level, text)


def test_an_attribution_may_be_wrapped() -> None:
    blocks = parse_blocks("On Tue, Ada Example\n<ada@example.org>\nwrote:\n\n> x\n")
    assert [block.kind for block in blocks] == [Kind.ATTRIBUTION, Kind.QUOTE]
    assert blocks[1].who == "Ada Example"


def test_prose_that_ends_in_wrote_is_no_attribution() -> None:
    blocks = parse_blocks("This is what he wrote:\nnothing of use.\n")
    assert [block.kind for block in blocks] == [Kind.COMMENT]


def test_a_diff_that_a_reply_proposes_is_no_comment() -> None:
    body = "How about this?\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n\nUntested.\n"
    assert [block.kind for block in parse_blocks(body)] == [Kind.COMMENT, Kind.DIFF, Kind.COMMENT]


@pytest.mark.parametrize("line", ["---8<---", "-- >8 --", "----------- 8< -----------", "--- %< ---"])
def test_scissors(line: str) -> None:
    assert parse_blocks(f"text\n{line}\nmore")[1].kind is Kind.SCISSORS


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("-" * 1_000_000, 1),
        ("- " * 500_000 + "x", 1),
        ("* a" + " <b>" * 12 + " " * 200 + ":x", 5_000),
        (" <@" * 26 + "a@" * 100 + " wrote:\n> x", 5_000),
        ("a" * 280 + " wrote:\n> x", 5_000),
    ],
)
def test_lines_that_are_made_to_be_read_again_and_again_are_read_once(line: str, count: int) -> None:
    """Where one of these is not, this takes minutes; ``benchmarks/hostile`` measures what they cost."""
    text = "\n".join([line] * count)
    assert calls(lambda: parse_blocks(text)) < 50 * (text.count("\n") + 1) + 1000


def test_below_an_original_message_everything_is_quoted() -> None:
    blocks = parse_blocks("Agreed.\n\n-----Original Message-----\nFrom: Ada\n\nText\n")
    assert [block.kind for block in blocks] == [Kind.COMMENT, Kind.QUOTE]


@given(st.text(alphabet=st.sampled_from("> \n-ab:@+8<"), max_size=200))
def test_no_line_is_lost_or_invented(body: str) -> None:
    lines = body.split("\n")
    for block in parse_blocks(body):
        for number, text in enumerate(block.lines, block.start):
            assert lines[number].endswith(text)
