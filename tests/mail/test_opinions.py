"""What a reply is taken to do, and what it is not."""

from __future__ import annotations

import pytest

from reviewbot.mail.opinions import Stance, opinions, points
from reviewbot.mail.thread import build_thread
from tests.mail.letters import PATCH_BODY, mail


def stances(text: str) -> list[Stance]:
    return [opinion.stance for opinion in opinions(mail(text, subject="Re: x"))]


@pytest.mark.parametrize(
    "text",
    ["Why is the constructor called here?", "Doesn't this leak the page?", "Could you say why in the commit message?"],
)
def test_asking(text: str) -> None:
    assert stances(text) == [Stance.ASKS]


@pytest.mark.parametrize(
    "text",
    ["NAK.", "This is wrong.", "Sorry, this is still racy.", "Please don't add another flag.",
     "This doesn't compile on arm64.", "No, that breaks the RCU case.",
     "Nacked-by: Bob <bob@example.org>", "I disagree."],
)  # fmt: skip
def test_objecting(text: str) -> None:
    assert stances(text) == [Stance.OBJECTS]


@pytest.mark.parametrize(
    "text",
    [
        "LGTM",
        "Looks good to me.",
        "Makes sense.",
        "Agreed.",
        "Good point.",
        "Reviewed-by: Bob <bob@example.org>",
        "Fair enough.",
    ],
)
def test_agreeing(text: str) -> None:
    assert stances(text) == [Stance.AGREES]


@pytest.mark.parametrize(
    "text",
    ["Will fix.", "I'll drop this hunk.", "OK, I will send a v3 with that changed.", "Yes, and will remove it.",
     "Will do.", "Fixed in v3.", "Changed in the next version."],
)  # fmt: skip
def test_promising(text: str) -> None:
    assert stances(text) == [Stance.PROMISES]


@pytest.mark.parametrize(
    "text",
    [
        "I would look at the other callers.",
        "If this is wrong, we will see it.",
        "It looks good except for the second hunk.",
        "Looks good, but the error path leaks.",
        "Not sure this is a bug.",
        "I won't fix this.",
        "I will not change the type.",
        "I'll take a look.",
        "Will test it tomorrow.",
        "This might be wrong.",
        "Nothing wrong with that.",
        "That does not look good.",
        "With that fixed:",
        "Really?",
        "Allocating memory that will never be used is wrong.",
        "> This is wrong.",
        "diff --git a/x b/x\n+/* Will fix. */",
        "Naked pointers are everywhere.",
        "Please don't burn out on this.",
        "That is a bug, which is fixed in [9/20].",
        "It breaks down like this:",
        "I'll do some debugging.",
        "I'll move the v3 series into mm-new for now.",
        "The code of current kernels does that, which is wrong.",
        "The upstream code is wrong.",
        "As you say in another mail, this is a bug.",
        "And when it reads the entry, it crashes:",
        "The build robot tells me that this breaks arm64.",
        "Here is another one that breaks on arm64.",
        "0x10 -> this is the address where it crashes",
        "Unfortunately it can't work with signal stacks.",
        "Queued for v5.11, thanks!",
        "Fixed in v6.2.",
        "I'll do that in a separate mail.",
    ],
)
def test_what_is_hedged_negated_quoted_or_code_is_no_opinion(text: str) -> None:
    assert stances(text) == []


def test_an_opinion_knows_the_line_it_is_about() -> None:
    (opinion,) = opinions(mail("> +\tdtor(page);\n\nIs this late enough?\n"), mail(PATCH_BODY))
    assert opinion.quote is not None
    assert (opinion.quote.file, opinion.quote.line) == ("mm/late.c", 66)


PATCH = mail(PATCH_BODY, message_id="<p@x>")
QUESTION = mail(
    "> +\tdtor(page);\n\nIs this late enough?\n\n> \n",
    **{"from": "Bob <bob@example.org>"},
    message_id="<q@x>",
    in_reply_to="<p@x>",
    subject="Re: [PATCH] mm: check the constructor",
)


def answer(body: str, sender: str = "Ada Example <ada@example.org>") -> list[tuple[str, bool]]:
    reply = mail(body, **{"from": sender}, message_id="<a@x>", in_reply_to="<q@x>", subject="Re: [PATCH] mm: x")
    return [(point.answered_by, point.promised) for point in points(build_thread([PATCH, QUESTION, reply]), PATCH)]


def test_a_question_without_an_answer_is_open() -> None:
    (point,) = points(build_thread([PATCH, QUESTION]), PATCH)
    assert (point.message_id, point.author, point.answered_by) == ("q@x", "Bob <bob@example.org>", "")


def test_a_question_is_answered_by_who_quotes_it_and_says_something() -> None:
    assert answer("> Is this late enough?\n\nIt is.\n") == [("a@x", False)]
    assert answer("> Is this late enough?\n\nNo. I'll move it.\n") == [("a@x", True)]


def test_it_stays_open_when_the_answer_is_about_something_else() -> None:
    assert answer("> +\tdtor(page);\n\nThis line is fine.\n") == [("", False)]
    assert answer("> Is this late enough?\n") == [("", False)]
    assert answer("> Is this late enough?\n\nPing.\n", "Bob <bob@example.org>") == [("", False)]


def test_the_discussion_of_a_later_version_is_its_own() -> None:
    later = mail(PATCH_BODY, message_id="<v2@x>", in_reply_to="<p@x>", subject="[PATCH v2] mm: check the constructor")
    below = mail(
        "Why?\n",
        **{"from": "bob@example.org"},
        message_id="<b@x>",
        in_reply_to="<v2@x>",
        subject="Re: [PATCH v2] mm: x",
    )
    assert points(build_thread([PATCH, later, below]), PATCH) == ()
