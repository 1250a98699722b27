"""What a thread is taken to say about a finding: too little rather than what nobody said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reviewbot.findings import Finding, Location, Severity
from reviewbot.mail.message import Address, Message
from reviewbot.series.discussion import Discussion
from reviewbot.series.model import Patch
from reviewbot.series.remarks import Remark

FILE = "mm/late.c"
DIFF = "\n".join(
    (
        "diff --git a/mm/late.c b/mm/late.c",
        "--- a/mm/late.c",
        "+++ b/mm/late.c",
        "@@ -10,2 +10,5 @@ static int late_map(struct mm_struct *mm)",
        " \tstruct ptdesc *table = pagetable_alloc(GFP_KERNEL, 0);",
        "+\tif (!table)",
        "+\t\treturn -ENOMEM;",
        "+\tpagetable_pte_ctor(mm, table);",
        " \tlate_fill(table);",
        "",
    )
)
SENT = datetime(2026, 3, 2, tzinfo=UTC)


def mail(name: str, who: str, body: str, parent: str = "") -> Message:
    return Message(
        message_id=f"{name}@example.org",
        subject="[PATCH] mm: map late" if name == "patch" else "Re: [PATCH] mm: map late",
        author=Address(who.title(), f"{who}@example.org"),
        date=SENT + timedelta(hours=len(name)),
        in_reply_to=parent and f"{parent}@example.org",
        body=body,
    )


def quoted(text: str) -> str:
    return "".join(f"> {line}\n" for line in text.splitlines())


def ignored() -> Finding:
    place = Location(FILE, 13, "late_map", "\tpagetable_pte_ctor(mm, table);")
    return Finding("C01", Severity.ERROR, place, "The result of pagetable_pte_ctor() is ignored. It can fail.")


def leaked() -> Finding:
    place = Location(FILE, 10, "late_map", "\tstruct ptdesc *table = pagetable_alloc(GFP_KERNEL, 0);")
    return Finding("C08", Severity.ERROR, place, "The table is never freed on this path: it leaks.")


def remarks(finding: Finding, *replies: Message) -> list[Remark]:
    posted = mail("patch", "mira", f"Map it late.\n---\n{DIFF}")
    patch = Patch(number=1, message=posted, subject="mm: map late", diff=DIFF)
    return [one.remark for one in Discussion([patch], replies, "mira@example.org").about(finding)]


TO_THE_LINE = quoted("\n".join(DIFF.splitlines()[:8]))
TO_THE_END = quoted(DIFF)


@pytest.mark.parametrize(
    ("quote", "words"),
    [
        (TO_THE_LINE, "This can fail."),
        (TO_THE_LINE, "The result is ignored here."),
        (TO_THE_LINE, "pagetable_pte_ctor() can fail, you have to check what it returns."),
        (TO_THE_END, "You have to check what pagetable_pte_ctor() returns, that is an error otherwise."),
        (TO_THE_END, "Nice.\n\nShould it goto out if pagetable_pte_ctor() fails?"),
    ],
)
def test_a_finding_is_raised_by_a_sentence_that_says_what_is_wrong_of_what(quote: str, words: str) -> None:
    assert remarks(ignored(), mail("reply", "tomas", f"{quote}\n{words}\n", "patch")) == [Remark.RAISED]


@pytest.mark.parametrize(
    ("quote", "words"),
    [
        (TO_THE_LINE, "Why pagetable_pte_ctor() and not the one with mm, could the name be shorter?"),
        (TO_THE_LINE, "pagetable_pte_ctor() is a better name. The build of the next patch fails with it, though."),
        (TO_THE_LINE, "pagetable_pte_ctor() will fail to compile for nommu."),
        (TO_THE_LINE, "Looks good to me.\n\nThanks.\n\nUnrelated: that test of yours can fail."),
        (TO_THE_END, "This can fail."),
        (TO_THE_END, "late_fill() can fail."),
        (TO_THE_LINE, "I find this error handling hard to follow."),
        (TO_THE_LINE, "This is what I get:\n\n" + "[ 7.81] pagetable_pte_ctor+0x1/0x2 failed\n" * 30),
    ],
)
def test_what_speaks_of_something_else_raises_nothing(quote: str, words: str) -> None:
    assert remarks(ignored(), mail("reply", "tomas", f"{quote}\n{words}\n", "patch")) == []


def test_another_fault_of_the_same_line_is_another_finding() -> None:
    first = quoted("\n".join(DIFF.splitlines()[:5]))
    reply = mail("reply", "tomas", f"{first}\nThis leaks when the constructor says no.\n", "patch")
    assert remarks(leaked(), reply) == [Remark.RAISED]
    reply = mail("reply", "tomas", f"{first}\nDoes this need GFP_KERNEL_ACCOUNT, and is it free of locks?\n", "patch")
    assert remarks(leaked(), reply) == []


def test_the_author_raises_nothing_and_answers_and_promises() -> None:
    words = "The result of the constructor is ignored here."
    raised = mail("reply", "tomas", f"{TO_THE_LINE}\n{words}\n", "patch")
    own = mail("own-reply", "mira", f"{TO_THE_LINE}\nThis can fail.\n", "patch")
    answer = mail("answer-to-it", "mira", f"> {words}\n\nI will fix it in v2.\n", "reply")
    assert remarks(ignored(), own) == []
    assert remarks(ignored(), raised, answer) == [Remark.RAISED, Remark.PROMISED]
