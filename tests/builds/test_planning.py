"""What is built for a change, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewbot.builds import Kind, NotBuilt, Plan, toolchains
from reviewbot.builds.includers import identifiers, include_names
from reviewbot.builds.planning import plan, plan_everywhere
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
    "arch/riscv/mm/Makefile": "obj-y := init.o\n",
    "arch/riscv/mm/init.c": "\n",
    "include/linux/mm.h": "int zap_pte(void);\n",
    "include/asm-generic/rare.h": "\n",
    "include/linux/middle.h": "#include <asm-generic/rare.h>\n",
    "kernel/far.c": "#include <linux/middle.h>\n",
    "arch/arm64/Kconfig": "config ARM64_64K_PAGES\nconfig ARM64_16K_PAGES\nconfig ARM64_4K_PAGES\n"
    "config ARM64_VA_BITS_52\nconfig ARM64_VA_BITS_47\nconfig ARM64_VA_BITS_48\nconfig ARM64_VA_BITS_39\n",
    "mm/Kconfig.debug": "config DEBUG_VM\nconfig PAGE_TABLE_CHECK\n",
    "lib/Kconfig.debug": "config PROVE_LOCKING\nconfig DEBUG_SPINLOCK\n",
}


@pytest.fixture
def files(tmp_path: Path) -> DirectoryFiles:
    for path, text in TREE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return DirectoryFiles(tmp_path)


def objects(found: Plan) -> tuple[str, ...]:
    return found.builds[0].objects


def names(found: Plan) -> list[str]:
    return [build.configuration.name for build in found.builds]


def test_touched_sources_are_built_for_the_default_configuration(files: DirectoryFiles) -> None:
    found = plan(["mm/gup.c", "kernel/fork.c"], files)
    assert names(found) == ["defconfig"]
    assert objects(found) == ("kernel/fork.o", "mm/gup.o")
    assert found.builds[0].why == "2 touched source files"
    assert found.left_out == found.labels == ()


def test_code_of_page_tables_is_also_built_where_it_folds_otherwise_and_where_constructors_can_fail(
    files: DirectoryFiles,
) -> None:
    found = plan(["arch/arm64/mm/mmu.c"], files)
    assert names(found) == ["defconfig", "defconfig-64k", "defconfig-debug"]
    assert found.builds[1].why == "64K pages: three levels, other folding (for arch/arm64/mm/mmu.c)"


def test_a_tree_is_not_built_with_options_that_it_does_not_have(files: DirectoryFiles, tmp_path: Path) -> None:
    (tmp_path / "lib/Kconfig.debug").unlink()
    assert names(plan(["arch/arm64/mm/mmu.c"], files)) == ["defconfig", "defconfig-64k"]
    (tmp_path / "arch/arm64/Kconfig").unlink()
    assert names(plan(["arch/arm64/mm/mmu.c"], files, thorough=True))[0] == "defconfig"


def test_for_a_header_its_includers_are_built_the_nearest_first(files: DirectoryFiles) -> None:
    found = plan(["include/linux/mm.h"], files)
    assert objects(found) == ("mm/gup.o", "mm/memory.o", "arch/arm64/mm/mmu.o", "kernel/fork.o")
    assert found.builds[0].why == "4 that include include/linux/mm.h"


def test_includers_that_use_what_changed_come_first(files: DirectoryFiles) -> None:
    found = plan(["include/linux/mm.h"], files, identifiers=["zap_pte"])
    assert objects(found)[0] == "mm/memory.o"


def test_of_those_beyond_the_budget_the_syntax_is_checked_and_the_rest_is_counted(files: DirectoryFiles) -> None:
    found = plan(["include/linux/mm.h", "mm/gup.c"], files, includers=1, syntax=1)
    assert objects(found) == ("mm/gup.o", "mm/memory.o")
    syntax = found.builds[1]
    assert (syntax.configuration.name, syntax.configuration.kind) == ("defconfig-syntax", Kind.SYNTAX)
    assert syntax.configuration.title == "arm64 defconfig, syntax only"
    assert syntax.objects == found.builds[0].spare == ("arch/arm64/mm/mmu.o",)
    assert syntax.why == "the syntax of 1 more that include include/linux/mm.h"
    assert found.left_out == (NotBuilt("include/linux/mm.h", "1 more files use it, beyond the budget of 2"),)


def test_a_header_that_few_include_is_followed_through_the_headers_that_do(files: DirectoryFiles) -> None:
    assert objects(plan(["include/asm-generic/rare.h"], files)) == ("kernel/far.o",)


def test_the_names_that_a_diff_changes_in_headers() -> None:
    diff = (
        b"--- a/include/linux/x.h\n+++ b/include/linux/x.h\n@@ -1,2 +1,2 @@\n-#define PTE_MARK 1\n"
        b"+static inline void pte_mark(struct ptdesc *p)\n context_line(1);\n"
        b"--- a/mm/x.c\n+++ b/mm/x.c\n@@ -1 +1 @@\n+not_a_header();\n"
    )
    assert identifiers(diff) == {"PTE_MARK", "pte_mark", "ptdesc"}
    assert identifiers(b"") == identifiers(b"+++ b/x.h\n--- \xff\n+\xff(") == set()


def test_more_kinds_of_work_are_builds_of_their_own(files: DirectoryFiles) -> None:
    found = plan(["mm/gup.c"], files, more=[Kind.SPARSE, Kind.EXTRA_WARNINGS])
    assert names(found) == ["defconfig", "defconfig-w1", "defconfig-sparse"]
    assert {build.objects for build in found.builds} == {("mm/gup.o",)}


class TestOtherArchitectures:
    """Where their own code is touched and their compiler is installed."""

    def test_they_are_built_beside_arm64(self, files: DirectoryFiles, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(toolchains, "installed", lambda arch, compiler: True)
        found = plan_everywhere(["arch/riscv/mm/init.c", "mm/gup.c"], files)
        assert [(build.configuration.arch, build.configuration.name) for build in found.builds] == [
            ("arm64", "defconfig"),
            ("riscv", "riscv-defconfig"),
        ]
        assert found.builds[1].objects == ("arch/riscv/mm/init.o",)
        assert found.left_out == ()

    def test_a_compiler_that_is_missing_is_named(self, files: DirectoryFiles, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(toolchains, "installed", lambda arch, compiler: False)
        found = plan_everywhere(["arch/riscv/mm/init.c", "mm/gup.c"], files)
        assert [build.configuration.arch for build in found.builds] == ["arm64"]
        (left,) = found.left_out
        assert left.reason == "belongs to riscv, and gcc-riscv64-linux-gnu is not installed"

    def test_an_architecture_that_is_not_known_is_left_out(self, files: DirectoryFiles) -> None:
        found = plan_everywhere(["arch/hexagon/mm/init.c"], files)
        assert found.left_out == (NotBuilt("arch/hexagon/mm/init.c", "belongs to hexagon, this build is for arm64"),)


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
        ("arch/arm64/kernel/vmlinux.lds.S", "is a linker script"),
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


def test_a_thorough_plan_has_the_configurations_that_page_tables_fold_in(
    files: DirectoryFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchains, "installed", lambda arch, compiler: compiler == "gcc")
    found = names(plan(["arch/arm64/mm/mmu.c"], files, thorough=True))
    assert found[:3] == ["defconfig", "defconfig-64k", "defconfig-16k"]
    assert {"defconfig-39bit", "defconfig-48bit", "defconfig-debug", "allnoconfig"} <= set(found)
    assert names(plan(["kernel/fork.c"], files, thorough=True)) == ["defconfig", "allnoconfig", "allmodconfig"]
    monkeypatch.setattr(toolchains, "installed", lambda arch, compiler: True)
    assert "defconfig-clang" in names(plan(["kernel/fork.c"], files, thorough=True))


def test_the_names_of_a_header() -> None:
    assert include_names("include/linux/mm.h") == ["linux/mm.h", "mm.h"]
    assert include_names("arch/arm64/include/asm/tlb.h") == ["asm/tlb.h", "tlb.h"]
    assert include_names("mm/internal.h") == ["internal.h"]
