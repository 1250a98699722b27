"""Why a configuration leaves an object out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.builds.makefiles import gates, mentioned, why_not

TREE = {
    "Kbuild": "obj-y += mm/ fs/\n",
    "mm/Makefile": """
        mmu-y := nommu.o
        mmu-$(CONFIG_MMU) := memory.o \\
                             mremap.o  # a comment
        obj-y := filemap.o $(mmu-y)
        obj-$(CONFIG_HUGETLBFS) += hugetlb.o
        obj-$(CONFIG_KASAN) += kasan/
        CFLAGS_filemap.o := -O2
    """,
    "mm/kasan/Makefile": "obj-$(CONFIG_GENERIC) += init.o\nobj-$(CONFIG_TAGS) += init.o\n",
    "fs/Makefile": "obj-$(CONFIG_EXT4) += ext4/\n",
    "fs/ext4/Makefile": "obj-$(CONFIG_EXT4) += ext4.o\next4-y := inode.o\next4-$(CONFIG_ACL) += acl.o\n",
    "loop/Makefile": "a-y := b.o $(b-y)\nb-y := a.o $(a-y)\n",
}
MMU = {"CONFIG_MMU": "y"}


def read(path: str) -> bytes | None:
    text = TREE.get(path)
    return None if text is None else text.encode()


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("mm/filemap.o", [set()]),
        ("mm/memory.o", [{"CONFIG_MMU"}]),
        ("mm/hugetlb.o", [{"CONFIG_HUGETLBFS"}]),
        ("mm/kasan/init.o", [{"CONFIG_KASAN", "CONFIG_GENERIC"}, {"CONFIG_KASAN", "CONFIG_TAGS"}]),
        ("fs/ext4/inode.o", [{"CONFIG_EXT4"}]),
        ("fs/ext4/acl.o", [{"CONFIG_EXT4", "CONFIG_ACL"}]),
        ("mm/nobody.o", []),
        ("nowhere/x.o", []),
        ("loop/c.o", []),
        ("loop/a.o", []),
    ],
)
def test_the_options_before_an_object(target: str, expected: list[set[str]]) -> None:
    assert gates(target, read) == [frozenset(way) for way in expected]


@pytest.mark.parametrize(
    ("target", "config", "reason"),
    [
        ("mm/hugetlb.o", MMU, "CONFIG_HUGETLBFS is not set"),
        ("mm/hugetlb.o", {"CONFIG_HUGETLBFS": "m"}, ""),
        ("mm/nommu.o", MMU, "another file takes its place"),
        ("mm/nommu.o", {}, ""),
        ("mm/memory.o", MMU, ""),
        ("mm/kasan/init.o", {"CONFIG_KASAN": "y"}, "CONFIG_GENERIC is not set"),
        ("mm/kasan/init.o", {"CONFIG_KASAN": "y", "CONFIG_TAGS": "y"}, ""),
        ("fs/ext4/acl.o", MMU, "CONFIG_ACL and CONFIG_EXT4 are not set"),
        ("mm/nobody.o", MMU, ""),
    ],
)
def test_the_reason_in_a_configuration(target: str, config: dict[str, str], reason: str) -> None:
    assert why_not(target, read, config) == reason


@given(st.text(alphabet="obj-ya.:+=$()CONFIG_X \\\n#", max_size=200))
def test_any_makefile_can_be_read(text: str) -> None:
    gates("d/a.o", lambda path: text.encode() if path == "d/Makefile" else None, {"CONFIG_X": "y"})


def test_an_object_is_mentioned_in_whatever_form() -> None:
    spoken = {"vdso/Makefile": "obj-vdso := note.o\n", "drivers/Makefile": "AMD = $(addprefix x/, dc/core.o)\n"}

    def read(path: str) -> bytes | None:
        return spoken[path].encode() if path in spoken else None

    assert mentioned("vdso/note.o", read)
    assert mentioned("drivers/dc/core.o", read)
    assert not mentioned("vdso/not.o", read)
    assert not mentioned("drivers/ore.o", read)
    assert not mentioned("/x.o", read), "what make says of paths outside ends, too"
