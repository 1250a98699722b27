"""What reading a diff promises."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.mail import diff
from reviewbot.mail.diff import Change, DiffLine, find_diff, parse_diff

PATCH = """\
From: Ada <ada@example.org>

Check what the constructor returns.

diff of the log: none
---
 mm/a.c | 3 ++-
 1 file changed, 2 insertions(+), 1 deletion(-)

diff --git a/mm/a.c b/mm/a.c
index 1111111..2222222 100644
--- a/mm/a.c
+++ b/mm/a.c
@@ -10,3 +10,4 @@ static int f(void)
 \tint ret;
-\tctor(page);
+\tif (!ctor(page))
+\t\treturn -ENOMEM;
 }
--\x20
2.39.5
"""


def test_files_hunks_and_lines_carry_their_numbers() -> None:
    result = parse_diff(PATCH)
    (file,) = result.files
    (hunk,) = file.hunks
    assert (file.path, file.change, file.old_blob, file.new_blob) == ("mm/a.c", Change.MODIFIED, "1111111", "2222222")
    assert (hunk.old_start, hunk.new_start, hunk.section, hunk.whole) == (10, 10, "static int f(void)", True)
    assert hunk.lines == (
        DiffLine(" ", "\tint ret;", 10, 10, 14),
        DiffLine("-", "\tctor(page);", 11, 0, 15),
        DiffLine("+", "\tif (!ctor(page))", 0, 11, 16),
        DiffLine("+", "\t\treturn -ENOMEM;", 0, 12, 17),
        DiffLine(" ", "}", 12, 13, 18),
    )


def test_positions_point_into_the_text_and_the_signature_is_left_out() -> None:
    result = parse_diff(PATCH)
    lines = PATCH.split("\n")
    assert lines[result.start].startswith("diff --git ")
    assert lines[result.end] == "-- "
    for line in result.files[0].hunks[0].lines:
        assert lines[line.position] == line.kind + line.text


def test_added_and_deleted_lines_are_counted() -> None:
    (file,) = parse_diff(PATCH).files
    assert (file.count("+"), file.count("-")) == (2, 1)


@pytest.mark.parametrize("text", ["", "no diff here\n", "---\n a | 1 +\n", "> diff --git a/x b/x\n", "--- only one\n"])
def test_a_text_without_a_diff_has_no_files(text: str) -> None:
    assert parse_diff(text).files == ()
    assert find_diff(text) == -1


HEADERS = {
    "new file": (
        "diff --git a/n b/n\nnew file mode 100755\nindex 0000000..1234567\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n",
        (Change.ADDED, "", "n", "", "100755"),
    ),
    "deleted file": (
        "diff --git a/o b/o\ndeleted file mode 100644\n"
        "index 1234567..0000000\n--- a/o\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n",
        (Change.DELETED, "o", "", "100644", ""),
    ),
    "rename without change": (
        "diff --git a/x y b/z b/w\nsimilarity index 100%\nrename from x y\nrename to z b/w\n",
        (Change.RENAMED, "x y", "z b/w", "", ""),
    ),
    "copy": (
        "diff --git a/o b/n\nsimilarity index 90%\ncopy from o\ncopy to n\nindex 1234567..2345678 100644\n",
        (Change.COPIED, "o", "n", "100644", "100644"),
    ),
    "mode change": (
        "diff --git a/s b/s\nold mode 100644\nnew mode 100755\n",
        (Change.MODIFIED, "s", "s", "100644", "100755"),
    ),
    "blanks in the name": (
        "diff --git a/a b c b/a b c\n--- a/a b c\t\n+++ b/a b c\t\n@@ -1 +1 @@\n-x\n+y\n",
        (Change.MODIFIED, "a b c", "a b c", "", ""),
    ),
    "quoted names": (
        'diff --git "a/\\303\\244\\t\\"q\\"" "b/\\303\\244\\t\\"q\\""\nold mode 100644\nnew mode 100755\n',
        (Change.MODIFIED, 'ä\t"q"', 'ä\t"q"', "100644", "100755"),
    ),
    "one quoted name": (
        'diff --git a/plain "b/\\377"\nrename from plain\nrename to "\\377"\n',
        (Change.RENAMED, "plain", "\udcff", "", ""),
    ),
    "no prefix": (
        "diff --git mm/a.c mm/a.c\n--- mm/a.c\n+++ mm/a.c\n@@ -1 +1 @@\n-x\n+y\n",
        (Change.MODIFIED, "mm/a.c", "mm/a.c", "", ""),
    ),
    "other prefixes": (
        "diff --git i/mm/a.c w/mm/a.c\n--- i/mm/a.c\n+++ w/mm/a.c\n@@ -1 +1 @@\n-x\n+y\n",
        (Change.MODIFIED, "mm/a.c", "mm/a.c", "", ""),
    ),
    "plain diff -u": (
        "--- linux.orig/mm/a.c\t2019-02-14 10:00:00 +0000\n"
        "+++ linux/mm/a.c  2019-02-15 10:00:00\n@@ -1 +1 @@\n-x\n+y\n",
        (Change.MODIFIED, "mm/a.c", "mm/a.c", "", ""),
    ),
    "plain diff -uN": (
        "--- o/n\t1970-01-01 00:00:00 +0000\n+++ n/n\t2019-02-15 10:00:00 +0000\n@@ -0,0 +1 @@\n+y\n",
        (Change.ADDED, "", "n", "", ""),
    ),
    "crlf": (
        "diff --git a/x b/x\r\nold mode 100644\r\nnew mode 100755\r\n--- a/x\r\n+++ b/x\r\n@@ -1 +1 @@\r\n-x\r\n+y\r\n",
        (Change.MODIFIED, "x", "x", "100644", "100755"),
    ),
}


@pytest.mark.parametrize("name", HEADERS)
def test_file_headers_of_every_kind_are_understood(name: str) -> None:
    text, expected = HEADERS[name]
    (file,) = parse_diff(text).files
    assert (file.change, file.old_path, file.new_path, file.old_mode, file.new_mode) == expected
    assert parse_diff(text).oddities == ()


def test_a_missing_line_end_at_the_end_of_the_file_is_told() -> None:
    text = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n\\ No newline at end of file\n"
    (file,) = parse_diff(text).files
    assert [line.newline for line in file.hunks[0].lines] == [False, False]


def test_carriage_returns_of_the_file_are_kept() -> None:
    (file,) = parse_diff("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\r\n+y\n").files
    assert [line.text for line in file.hunks[0].lines] == ["x\r", "y"]


def test_an_empty_line_is_context_that_lost_its_blank() -> None:
    (file,) = parse_diff("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n\n-x\n+y\n").files
    assert [(line.kind, line.text) for line in file.hunks[0].lines] == [(" ", ""), ("-", "x"), ("+", "y")]
    assert file.hunks[0].whole


def test_a_binary_patch_is_one_file_without_hunks() -> None:
    text = (
        "diff --git a/logo b/logo\nindex 1234567..2345678 100644\nGIT binary patch\nliteral 3\nKcmZQzU|?o?\n\n"
        "literal 2\nJcmZ=k00004\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n+y\n"
    )
    logo, other = parse_diff(text).files
    assert (logo.path, logo.binary, logo.hunks, other.path) == ("logo", True, (), "x")


def test_a_hunk_that_ends_early_is_kept_and_said() -> None:
    result = parse_diff("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\nbroken by a mailer\n@@ -9 +9 @@\n-c\n+d\n")
    assert [(len(hunk.lines), hunk.whole) for hunk in result.files[0].hunks] == [(2, False), (2, True)]
    assert result.oddities == ("the hunk at line 3 ends before its 3+3 lines",)


def test_a_combined_diff_is_named_as_what_cannot_be_applied() -> None:
    result = parse_diff(
        "diff --cc mm/a.c\nindex 1,2..3\n--- a/mm/a.c\n+++ b/mm/a.c\n@@@ -1,1 -1,1 +1,1 @@@\n--x\n++y\n"
    )
    assert "combined diff" in result.oddities[0]


def test_a_huge_diff_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "MAX_LINES", 50)
    monkeypatch.setattr(diff, "MAX_FILES", 5)
    many = "".join(f"diff --git a/{n} b/{n}\nold mode 100644\nnew mode 100755\n" for n in range(9))
    long = "--- a/x\n+++ b/x\n@@ -0,0 +1,99 @@\n" + "+x\n" * 99
    assert (len(parse_diff(many).files), parse_diff(many).oddities) == (5, ("cut after 5 files",))
    assert len(parse_diff(long).files[0].hunks[0].lines) == 47
    assert "cut after 50 lines" in parse_diff(long).oddities


def test_a_long_diff_may_have_as_many_files_and_hunks_as_its_lines_can_honestly_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(diff, "MAX_FILES", 5)
    monkeypatch.setattr(diff, "MAX_HUNKS", 5)
    file = "diff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -1,6 +1,6 @@\n a\n b\n c\n-d\n+e\n f\n g\n"
    result = parse_diff("".join(file.format(number) for number in range(40)))
    assert (len(result.files), result.oddities) == (40, ())
    bare = parse_diff("diff --git a/x b/x\n" + "@@ -1 +1 @@\n-a\n+b\n" * 400)
    assert (len(bare.files[0].hunks), bare.oddities) == (240, ("cut after 240 hunks",))


def test_lines_get_their_numbers_only_when_they_are_asked_for() -> None:
    (file,) = parse_diff("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n+b\n\n\\ No newline at end of file\n").files
    (hunk,) = file.hunks
    assert [file.count(kind) for kind in "-+ "] == [1, 1, 1]
    assert "lines" not in vars(hunk)
    assert hunk.lines[-1] == DiffLine(" ", "", 2, 2, 5, newline=False)
    assert hunk.lines is hunk.lines


TEXT = st.lists(
    st.sampled_from(["a", "b", "-c", "+d", "", "@@ -1 +1 @@", "--- a/x", "diff --git a/x b/x"]), max_size=12
)


@given(TEXT, TEXT)
def test_applying_what_was_read_gives_the_new_file(old: list[str], new: list[str]) -> None:
    text = "\n".join(difflib.unified_diff(old, new, "a/f", "b/f", lineterm="", n=100))
    files = parse_diff(text).files
    if old == new:
        assert files == ()
        return
    (file,) = files
    (hunk,) = file.hunks
    assert [line.text for line in hunk.lines if line.kind != "+"] == old
    assert [line.text for line in hunk.lines if line.kind != "-"] == new
    assert [line.old for line in hunk.lines if line.old] == list(range(1, len(old) + 1))
    assert [line.new for line in hunk.lines if line.new] == list(range(1, len(new) + 1))


PIECES = st.sampled_from(
    [
        *("diff --git a/x b/x\n", 'diff --git "a/\\1" b/x\n', "--- a/x\n", "+++ b/x\n", "@@ -1,2 +1,3 @@\n"),
        *("@@ -0,0 +9999999 @@\n", "GIT binary patch\n", "literal 9\n", "\\ No newline\n", "+a\n", "-b\n", " c\n"),
        *("\n", "rename to \n", "index 1..2\n"),
    ]
)


@given(st.lists(PIECES | st.text(max_size=9), max_size=40).map("".join))
def test_anything_can_be_read(text: str) -> None:
    result = parse_diff(text)
    lines = text.split("\n")
    assert 0 <= result.start <= result.end <= len(lines)
    for file in result.files:
        for hunk in file.hunks:
            assert all(lines[line.position].endswith(line.text) for line in hunk.lines)
