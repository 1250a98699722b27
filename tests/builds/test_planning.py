"""What is built for a change, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewbot.builds import NotBuilt, Plan
from reviewbot.builds.planning import include_names, plan
from reviewbot.tree.readers import DirectoryFiles

TREE = {
    "Kbuild": "obj-y += mm/ kernel/\n",
    "mm/Makefile": "obj-y := memory.o gup.o slab.o\nobj-y += vma.o\n",
    "mm/memory.c": '#include <linux/mm.h>\n#include "internal.h"\nint f(void) { return zap_pte(); }\n',
    "mm/gup.c": "#include <linux/mm.h>\n",
    "mm/slab.c": "/* linux/mm.h is not included */\n",
    "mm/vma.c": '#include "vma_parts.c"\n',
    "mm/vma_parts.c": "int part;\n",
    "mm/internal.h": "\n",
    "kernel/Makefile": "obj-y := fork.o\n",
    "kernel/fork.c": "# include <linux/mm.h>\n",
    "drivers/gpu/x.c": "#include <linux/mm.h>\n",
    "arch/x86/mm/init.c": "#include <linux/mm.h>\n",
    "arch/arm64/mm/Makefile": "obj-y := mmu.o\n",
    "arch/arm64/mm/mmu.c": "#include <linux/mm.h>\n",
    "arch/arm64/kvm/hyp/nvhe/mm.c": "\n",
    "include/linux/mm.h": "int zap_pte(void);\n",
}


@pytest.fixture
def files(tmp_path: Path) -> DirectoryFiles:
    for path, text in TREE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return DirectoryFiles(tmp_path)


def objects(found: Plan) -> tuple[str, ...]:
    return found.builds[0].objects


def test_touched_sources_are_built_for_the_default_configuration(files: DirectoryFiles) -> None:
    found = plan(["mm/gup.c", "arch/arm64/mm/mmu.c"], files)
    assert [build.configuration.name for build in found.builds] == ["defconfig"]
    assert objects(found) == ("arch/arm64/mm/mmu.o", "mm/gup.o")
    assert found.builds[0].why == "2 touched source files"
    assert found.left_out == found.labels == ()


def test_for_a_header_its_includers_are_built_the_nearest_first(files: DirectoryFiles) -> None:
    found = plan(["include/linux/mm.h"], files)
    assert objects(found) == ("mm/gup.o", "mm/memory.o", "arch/arm64/mm/mmu.o", "kernel/fork.o")
    assert found.builds[0].why == "4 that include include/linux/mm.h"


def test_includers_that_use_what_changed_come_first(files: DirectoryFiles) -> None:
    found = plan(["include/linux/mm.h"], files, identifiers=["zap_pte"])
    assert objects(found)[0] == "mm/memory.o"


def test_what_is_beyond_the_budget_is_counted(files: DirectoryFiles) -> None:
    found = plan(["include/linux/mm.h", "mm/gup.c"], files, includers=1)
    assert objects(found) == ("mm/gup.o", "mm/memory.o")
    assert found.left_out == (NotBuilt("include/linux/mm.h", "2 more files use it, beyond the budget of 1"),)


def test_a_source_that_others_include_is_built_with_them(files: DirectoryFiles) -> None:
    assert objects(plan(["mm/vma_parts.c"], files)) == ("mm/vma.o",)


def test_a_header_in_quotes_is_found_beside_its_users(files: DirectoryFiles) -> None:
    assert objects(plan(["mm/internal.h"], files)) == ("mm/memory.o",)


def test_objects_with_names_of_their_own(files: DirectoryFiles) -> None:
    assert objects(plan(["arch/arm64/kvm/hyp/nvhe/mm.c"], files)) == ("arch/arm64/kvm/hyp/nvhe/mm.nvhe.o",)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("arch/x86/mm/init.c", "belongs to x86, this build is for arm64"),
        ("Documentation/mm/index.rst", "not part of the kernel image"),
        ("tools/testing/x.c", "not part of the kernel image"),
        ("mm/Kconfig", "configures the build"),
        ("MAINTAINERS", "is not compiled"),
        ("mm/removed.c", "no object stands for it"),
    ],
)
def test_what_is_not_built_has_a_reason(files: DirectoryFiles, path: str, reason: str) -> None:
    found = plan([path], files)
    assert found.builds == ()
    assert found.left_out == (NotBuilt(path, reason),)


def test_changes_of_the_build_itself_are_labelled(files: DirectoryFiles) -> None:
    touched = ["mm/Kconfig", "mm/Makefile", "arch/arm64/configs/defconfig", "scripts/mod/modpost.c"]
    assert plan(touched, files).labels == (
        "touches Kconfig",
        "touches Makefiles",
        "touches a default configuration",
        "touches programs that run during the build",
    )


def test_a_thorough_plan_has_the_configurations_that_page_tables_fold_in(files: DirectoryFiles) -> None:
    names = [build.configuration.name for build in plan(["arch/arm64/mm/mmu.c"], files, thorough=True).builds]
    assert names[:3] == ["defconfig", "defconfig-64k", "defconfig-16k"]
    assert {"defconfig-39bit", "defconfig-48bit", "defconfig-debug", "allnoconfig"} <= set(names)
    assert [build.configuration.name for build in plan(["kernel/fork.c"], files, thorough=True).builds] == [
        "defconfig",
        "allnoconfig",
        "allmodconfig",
    ]


def test_the_names_of_a_header() -> None:
    assert include_names("include/linux/mm.h") == ["linux/mm.h", "mm.h"]
    assert include_names("arch/arm64/include/asm/tlb.h") == ["asm/tlb.h", "tlb.h"]
    assert include_names("mm/internal.h") == ["internal.h"]
