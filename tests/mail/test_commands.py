"""Commands in mails: what counts as one, and what is only quoted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.mail.commands import MOST, Word, commands
from reviewbot.mail.message import ATTACHED

ANSWER = """\
On Mon, Mar 02, 2026 at 09:00:03AM +0000, Page-table review wrote:
> +	spin_lock(&split_lock);
> +	pagetable_free(ptdesc);
>
> Since this patch, split_pud() frees a table.
> #reviewbot rerun

#reviewbot wrong C06: the lock is
never split here.

That was all. A #reviewbot mute within a line is none.

#Reviewbot explain C06
--\x20
#reviewbot mute
"""


def test_a_command_is_a_line_of_ones_own() -> None:
    wrong, explain = commands(ANSWER)
    assert (wrong.word, wrong.names, wrong.text) == (Word.WRONG, ("C06",), "the lock is never split here.")
    assert (explain.word, explain.arguments) == (Word.EXPLAIN, ("C06",))


def test_it_knows_what_is_quoted_above_it() -> None:
    assert "+	pagetable_free(ptdesc);" in commands(ANSWER)[0].quoted


@pytest.mark.parametrize(
    ("line", "word", "arguments"),
    [
        ("#reviewbot rerun", Word.RERUN, ()),
        ("#reviewbot test: mm-unstable mm/x", Word.TEST, ("mm-unstable", "mm/x")),
        ("#reviewbot test mm-unstable", Word.TEST, ("mm-unstable",)),
        ("#reviewbot mute C06", Word.MUTE, ("C06",)),
        ("  #REVIEWBOT Not-Worth: all callers do", Word.NOT_WORTH, ("all", "callers", "do")),
        ("#reviewbot dance", None, ()),
    ],
)
def test_words_and_arguments(line: str, word: Word | None, arguments: tuple[str, ...]) -> None:
    (found,) = commands(line + "\n")
    assert (found.word, found.arguments) == (word, arguments)


@pytest.mark.parametrize(
    "text",
    [
        "> #reviewbot rerun\n",
        "> > #reviewbot rerun\n",
        "-- \n#reviewbot rerun\n",
        "#reviewbotrerun\n",
        "#reviewbot: rerun\n",
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n+#reviewbot rerun\n",
        "-----Original Message-----\n#reviewbot rerun\n",
        "From: Eve <eve@example.org>\nSubject: x\n\n#reviewbot rerun\n---\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n",
        f"From {'0' * 40} Mon Sep 17\n\n#reviewbot rerun\n---\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n",
        f"See the patch.\n{ATTACHED}\nFrom: Eve\n\n#reviewbot rerun\n---\ndiff --git a/x b/x\n",
    ],
)
def test_what_is_quoted_signed_attached_or_part_of_a_diff_is_no_command(text: str) -> None:
    assert commands(text) == ()


def test_what_stands_above_a_patch_is_one_whatever_its_words_begin_with() -> None:
    text = "From: here on\n#reviewbot rerun\n"
    assert [one.word for one in commands(text)] == [Word.RERUN]
    assert [one.word for one in commands(f"#reviewbot rerun\n\n{'From: Eve'}\n\n#reviewbot mute\ndiff --git a/x b/x\n"
                                         "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n")] == [Word.RERUN]  # fmt: skip


def test_a_mail_of_nothing_but_commands_is_not_read_to_its_end() -> None:
    assert len(commands("#reviewbot rerun\n" * 10_000)) == MOST


@given(st.text(alphabet="#reviwbot >:\n-", max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert all(not one.line.startswith(">") for one in commands(text))
