"""MAINTAINERS: which repository takes the patches to a file."""

from __future__ import annotations

import pytest

from reviewbot.tree.maintainers import people, read, responsible, same_repository

MAINTAINERS = b"""\
List of maintainers
===================

\tT: *SCM* tree type and location.
\tF:\tdrivers/net/\tall files in and below drivers/net

MEMORY
M:\tAda Example <ada@example.org>
T:\tgit git://git.example.org/pub/scm/linux/kernel/git/ada/mm
T:\tquilt https://git.example.org/ada/quilt
F:\tmm/
F:\tinclude/linux/mm_*.h

SLABS
T:\tgit https://git.example.org/slab.git for-next
F:\tmm/sl?b.c

PORT
T:\tgit git://git.example.org/port.git
F:\tarch/port/
N:\t[^a-z]port64
N:\t(broken
X:\tarch/port/dts/

WITHOUT A TREE
M:\tBen Example <Ben@example.org>
F:\tmm/secret.c

THE REST
M:\tEverybody <all@example.org>
T:\tgit git://git.example.org/linux.git
F:\t*
F:\t*/
"""


def names(path: str) -> list[str]:
    return [section.name for section in responsible(read(MAINTAINERS), path)]


@pytest.mark.parametrize(
    ("path", "sections"),
    [
        ("mm/memory.c", ["MEMORY"]),
        ("mm/deep/er.c", ["MEMORY"]),
        ("mm/slab.c", ["SLABS"]),
        ("mm/deep/slab.c", ["MEMORY"]),
        ("include/linux/mm_types.h", ["MEMORY"]),
        ("include/linux/mm_x/y.h", []),
        ("arch/port/mm/init.c", ["PORT"]),
        ("drivers/x-port64.c", ["PORT"]),
        ("arch/port/dts/board.dts", []),
        ("mm/secret.c", ["MEMORY"]),
        ("Makefile", []),
        ("kernel/fork.c", []),
    ],
)
def test_the_most_precise_section_with_a_repository_is_responsible(path: str, sections: list[str]) -> None:
    assert names(path) == sections


def test_addresses_and_branches_are_read() -> None:
    by_name = {section.name: section.trees for section in read(MAINTAINERS)}
    assert by_name["MEMORY"] == (("git://git.example.org/pub/scm/linux/kernel/git/ada/mm", ""),)
    assert by_name["SLABS"] == (("https://git.example.org/slab.git", "for-next"),)
    assert "WITHOUT A TREE" not in by_name


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0", b"T:\tgit\nF:\t", b"HEADING\nT:\tgit nowhere\nF:\t[\n"])
def test_what_is_no_such_file_names_nobody(content: bytes) -> None:
    assert read(content) == ()


def test_one_repository_has_many_addresses() -> None:
    assert same_repository("git://git.example.org/pub/scm/a/mm", "https://git.example.org/a/mm.git/")
    assert not same_repository("https://git.example.org/a/mm", "https://git.example.org/a/mm-next")
    assert not same_repository("", "")


def test_maintainers_are_those_who_are_named_for_a_file_and_not_who_is_named_for_all() -> None:
    assert people(MAINTAINERS, ["mm/secret.c"]) == {"ada@example.org", "ben@example.org"}
    assert people(MAINTAINERS, ["mm/slab.c", "mm/deep/slab.c"]) == {"ada@example.org"}
    assert people(MAINTAINERS, ["drivers/x.c"]) == frozenset()
    assert people(b"", ["mm/secret.c"]) == frozenset()
