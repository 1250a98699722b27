"""The kernel configurations that are worth building, and the code for which they are.

Page-table code is written once and folded at compile time: page size and
address width decide how many levels there are, and debugging options decide whether a page-table
lock is allocated (``Documentation/mm/split_page_table_lock.rst``), so that a constructor can fail.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from reviewbot.builds.model import Configuration

_PAGE_TABLES = re.compile(
    r"arch/arm64/(?:mm|include/asm|kvm/(?:mmu|hyp))|include/(?:asm-generic|linux)/\w*(?:pg|tlb|page|mm)\w*\.h|mm/"
)
_CONSTRUCTORS = re.compile(
    r"arch/arm64/(?:mm/|include/asm/(?:pg|tlb))|include/(?:asm-generic/pg|linux/ptdesc|linux/pgtable)|mm/(?:pgtable|page_table|memory|ptdump|sparse-vmemmap)"
)
_LOCKS = re.compile(r"arch/arm64/(?:mm|include/asm)|include/linux/(?:mm|mm_types\w*|ptdump|spinlock\w*)\.h|mm/")

_NEVER = re.compile(r"(?!)")


class Choice(NamedTuple):
    """A configuration, the paths that call for it, why in a few words, and for which paths it is always built."""

    configuration: Configuration
    paths: re.Pattern[str]
    why: str
    always: re.Pattern[str] = _NEVER


def _arm64(name: str, title: str, *fragment: str, target: str = "defconfig") -> Configuration:
    return Configuration(name, "arm64", target, fragment, f"arm64 {title}")


DEFCONFIG = _arm64("defconfig", "defconfig")

#: beyond the default configuration, the more telling first
EXTRA = (
    Choice(
        _arm64(
            "defconfig-64k",
            "defconfig, 64K pages, 52 bit addresses",
            "CONFIG_ARM64_64K_PAGES=y",
            "CONFIG_ARM64_VA_BITS_52=y",
        ),
        _PAGE_TABLES,
        "64K pages: three levels, other folding",
        _CONSTRUCTORS,
    ),
    Choice(
        _arm64(
            "defconfig-16k",
            "defconfig, 16K pages, 47 bit addresses",
            "CONFIG_ARM64_16K_PAGES=y",
            "CONFIG_ARM64_VA_BITS_47=y",
        ),
        _PAGE_TABLES,
        "16K pages: three levels",
    ),
    Choice(
        _arm64(
            "defconfig-39bit",
            "defconfig, 4K pages, 39 bit addresses",
            "CONFIG_ARM64_4K_PAGES=y",
            "CONFIG_ARM64_VA_BITS_39=y",
        ),
        _PAGE_TABLES,
        "39 bit addresses: the upper page-table levels are folded",
    ),
    Choice(
        _arm64(
            "defconfig-48bit",
            "defconfig, 4K pages, 48 bit addresses",
            "CONFIG_ARM64_4K_PAGES=y",
            "CONFIG_ARM64_VA_BITS_48=y",
        ),
        _PAGE_TABLES,
        "48 bit addresses: four levels, p4d folded",
    ),
    Choice(
        _arm64(
            "defconfig-debug",
            "defconfig with lockdep, debug spinlocks and page-table checks",
            "CONFIG_PROVE_LOCKING=y",
            "CONFIG_DEBUG_SPINLOCK=y",
            "CONFIG_DEBUG_VM=y",
            "CONFIG_PAGE_TABLE_CHECK=y",
        ),
        _LOCKS,
        "large spinlocks: page-table locks are allocated, so constructors can fail",
        _CONSTRUCTORS,
    ),
    Choice(
        Configuration("defconfig-clang", "arm64", title="arm64 defconfig with clang", compiler="clang"),
        re.compile(""),
        "the other compiler",
    ),
    Choice(_arm64("allnoconfig", "allnoconfig", target="allnoconfig"), re.compile(""), "nothing optional is there"),
    Choice(
        # It turns CONFIG_WERROR on, which would make an error of every warning.
        _arm64("allmodconfig", "allmodconfig", "# CONFIG_WERROR is not set", target="allmodconfig"),
        re.compile(""),
        "everything optional is there",
    ),
)


def default(arch: str) -> Configuration:
    """Return the default configuration of an architecture."""
    target = _TARGETS.get(arch, "defconfig")
    return DEFCONFIG if arch == "arm64" else Configuration(f"{arch}-defconfig", arch, target, (), f"{arch} {target}")


# Where the target defconfig depends on the machine that it is called on, or has another byte order than the compiler.
_TARGETS = {"powerpc": "ppc64le_defconfig", "x86": "x86_64_defconfig"}
