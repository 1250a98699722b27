"""Which line of a patch a reply speaks about."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.mail.diff import parse_diff
from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message
from reviewbot.mail.quoting import Quote, quoted_hunks
from tests.mail.letters import PATCH_BODY, large_patch, mail

PATCH = mail(PATCH_BODY)


def quotes(body: str) -> tuple[Quote, ...]:
    return quoted_hunks(mail(body, subject="Re: [PATCH] mm: check the constructor"), PATCH)


def test_a_comment_beneath_an_added_line() -> None:
    (found,) = quotes("> +\t\t__free_page(page);\n\nIs it yours to free?\n")
    assert (found.file, found.line, found.old_line) == ("mm/late.c", 24, 0)
    assert found.comment == "Is it yours to free?"
    assert found.quoted == ("+\t\t__free_page(page);",)


def test_a_comment_beneath_a_removed_line_is_at_the_old_line() -> None:
    (found,) = quotes("> -\tctor(page);\nGood.\n")
    assert (found.file, found.line, found.old_line) == ("mm/late.c", 0, 23)


def test_of_equal_lines_the_one_with_the_quoted_lines_above_is_meant() -> None:
    inner, outer = "> +\t\t__free_page(page);\n> +\t\treturn 0;\n", "> \tif (!page)\n> \t\treturn 0;\n"
    assert quotes(f"{inner}A\n")[0].line == 25
    assert quotes(outer.replace("> ", ">  ") + "B\n")[0].line == 29


def test_comments_go_forward_through_the_patch() -> None:
    found = quotes("> @@ -20,9 +20,13 @@\n>  }\nfirst\n> @@ -60,4 +64,5 @@\n>  }\nsecond\n")
    assert [quote.comment for quote in found] == ["first", "second"]
    assert found[0].position < found[1].position


def test_a_comment_beneath_the_commit_message_has_no_file() -> None:
    (found,) = quotes("> Check what the constructor says, and give the page back when it fails.\n\nWhy?\n")
    assert (found.file, found.line) == ("", 0)


def test_quotes_are_found_through_another_reply() -> None:
    (found,) = quotes("> > +\tdtor(page);\n> Is this late enough?\n\nIt is.\n")
    assert (found.file, found.line) == ("mm/late.c", 66)
    assert found.comment == "It is."


def test_what_mailers_do_to_white_space_is_tolerated() -> None:
    (found,) = quotes(">+    if (!ctor(page)) {\nx\n")
    assert found.line == 23


def test_what_is_left_out_is_no_comment() -> None:
    (found,) = quotes("> +\tdtor(page);\n[...]\n> \n>  }\n[snip]\nDone?\n")
    assert found.comment.endswith("Done?")


@pytest.mark.parametrize(
    "body",
    [
        "Looks good.\n",
        "> something that the patch does not have\nwhat?\n",
        "Top posting.\n\n> +\tdtor(page);\n",
        ">  }\nfurniture alone tells nothing\n",
    ],
)
def test_what_cannot_be_told_is_not_claimed(body: str) -> None:
    assert quotes(body) == ()


@given(st.integers(0, 17))
@settings(deadline=None)
def test_a_comment_below_the_whole_patch_up_to_a_line_is_at_that_line(number: int) -> None:
    lines = [line for file in parse_diff(PATCH_BODY).files for hunk in file.hunks for line in hunk.lines]
    target = lines[number]
    shown = PATCH_BODY.split("\n")[: target.position + 1]
    (found,) = quotes("".join(f"> {line}\n" for line in shown) + "Here.\n")
    if target.text.strip():
        assert (found.position, found.line, found.old_line) == (target.position, target.new, target.old)


@given(st.lists(st.sampled_from([*PATCH_BODY.split("\n"), "comment", "> x", ""]), max_size=40))
@settings(deadline=None)
def test_no_reply_breaks_it(lines: list[str]) -> None:
    reply: Message = mail("\n".join(f"> {line}" if "c" not in line else line for line in lines))
    for quote in quoted_hunks(reply, PATCH):
        assert 0 <= quote.position < len(PATCH_BODY.split("\n"))


def test_the_answers_to_a_patch_of_40_000_lines_find_their_lines() -> None:
    patch = parse_message(large_patch("".join(f"\tentry({number}),\n" for number in range(40_000))))
    first = patch.body.split("\n").index("+\tentry(0),")
    for number in (17, 39_999):
        (quote,) = quoted_hunks(mail(f"> +\tentry({number}),\nWhy?\n"), patch)
        assert (quote.file, quote.line, quote.old_line, quote.position) == (
            "lib/table.h",
            number + 1,
            0,
            first + number,
        )
