"""The function around a line, in kernel style."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewbot.builds.source import Source, enclosing_function

TEXT = """\
#define TWICE(x) \\
	((x) + \\
	(x))

static int value;

static __always_inline int __must_check
first(int a,
	int b)
{
	if (a)
		goto out;
out:
	return b;
}

int after;

SYSCALL_DEFINE3(mprotect, unsigned long, start, size_t, len, unsigned long, prot)
{
	return 0;
}

void __attribute__((noinline)) second(void) {
	third();
}

static const struct ops table = {
	.call = second,
};

bool (*pointer)(int);
"""


@pytest.mark.parametrize(
    ("line", "function"),
    [
        (2, "TWICE"), (5, ""), (8, "first"), (11, "first"), (14, "first"), (15, "first"), (17, ""),
        (20, "mprotect"), (23, ""), (25, "second"), (26, "second"), (29, ""), (32, ""),
    ],
)  # fmt: skip
def test_the_function_of_a_line(line: int, function: str) -> None:
    assert enclosing_function(TEXT.splitlines(), line) == function


def test_a_place_is_read_from_the_tree_and_nowhere_else(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.c").write_text("int f(void)\n{\n\treturn  1;\n}\n")
    (tmp_path / "secret.c").write_text("int canary;\n")
    (tree / "link.c").symlink_to(tmp_path / "secret.c")
    source = Source(tree)
    assert source.place("a.c", 3) == ("f", "return  1;")
    for file, line in (("a.c", 0), ("a.c", 99), ("link.c", 1), ("../secret.c", 1), ("none.c", 1), ("", 1)):
        assert source.place(file, line) == ("", "")
