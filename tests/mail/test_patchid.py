"""The name of a diff is the one that git gives it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.mail.patchid import patch_id

ONE = "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ f\n a\n-b\n+c\n"
TWO = "diff --git a/y b/y\nindex 3..4 100644\n--- a/y\n+++ b/y\n@@ -5 +5 @@\n-d\n+e\n@@ -9 +9 @@\n-f\n+g\n"


def git_patch_id(text: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    answer = subprocess.run(["git", "patch-id", "--stable"], input=raw, capture_output=True, check=True).stdout.split()
    return answer[0].decode() if answer else ""


CASES = {
    "one file": ONE,
    "two files": ONE + TWO,
    "with a message and a signature": f"fix it\n\n---\n x | 2 +-\n\n{ONE}-- \n2.39.5\n",
    "no newline": ONE + "\\ No newline at end of file\n",
    "new mode": "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n",
    "rename": "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n-- \n2.39\n",
    "new file": "diff --git a/n b/n\nnew file mode 100644\nindex 0..1\n"
    "--- /dev/null\n+++ b/n\n@@ -0,0 +1,2 @@\n+x\n+y\n",
    "binary": f"diff --git a/l b/l\nindex {'a' * 40}..{'b' * 40} 100644\nGIT binary patch\nliteral 1\nIcmZP\n\n{ONE}",
    "binary files differ": "diff --git a/l b/l\nindex 12..34 100644\nBinary files a/l and b/l differ\n",
    "a commit line before": f"From {'0' * 40} Mon Sep 17 00:00:00 2001\n\n{ONE}",
    "a commit line within": f"{ONE}{'1' * 40}\n{TWO}",
    "a lost blank": "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n-- \n2.39\n",
    "the word diff in prose": f"diff is below\n\n{ONE}",
    "no git header": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n+y\n",
    "no diff": "hello\n",
    "nothing": "",
}


@pytest.mark.parametrize("name", CASES)
def test_it_equals_gits(name: str) -> None:
    assert patch_id(CASES[name]) == git_patch_id(CASES[name])


def test_line_numbers_blanks_and_the_order_of_files_do_not_count() -> None:
    moved = ONE.replace("-1,2 +1,2", "-31,2 +41,2").replace(" a\n", "   a\n")
    assert patch_id(TWO + moved) == patch_id(ONE + TWO)


def test_a_changed_line_counts() -> None:
    assert patch_id(ONE.replace("+c", "+d")) != patch_id(ONE)


LINES = st.sampled_from([*"".join(CASES.values()).splitlines(), "@@ -1,x +2 @@", "@@ -", "\\ x", "@@ -2 +0,0 @@"])


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES | st.text(alphabet="ad+- @\u00e4\0\t\x0b", max_size=8), max_size=25))
def test_it_equals_gits_on_shuffled_lines(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in ["diff --git a/x b/x", "index 1..2", *lines])
    assert patch_id(text) == git_patch_id(text)
