"""The epoch of a tree is read from its headers."""

from pathlib import Path

import pytest

from reviewbot.checks.pgtable.facts import read_facts
from reviewbot.errors import NotFoundError
from reviewbot.tree.readers import DirectoryFiles
from tests.checks.minitree import MM_H, files


@pytest.mark.parametrize("epoch", MM_H)
def test_each_epoch_is_told_from_its_declarations(epoch: str, tmp_path: Path) -> None:
    assert read_facts(files(epoch, tmp_path)).epoch == epoch


def test_hooks_have_level_arity_and_result(tmp_path: Path) -> None:
    hooks = read_facts(files("E6", tmp_path)).hooks
    pte, dtor = hooks["pagetable_pte_ctor"], hooks["pagetable_dtor"]
    assert (pte.level, pte.arity, pte.table, pte.mm, pte.fails) == ("pte", 2, 1, 0, True)
    assert (dtor.level, dtor.constructs, dtor.fails) == ("", False, False)
    assert not hooks["pagetable_pud_ctor"].fails


def test_the_old_pte_constructor_has_no_level_in_its_name(tmp_path: Path) -> None:
    assert read_facts(files("E0", tmp_path)).hooks["pgtable_page_ctor"].level == "pte"


def test_who_destroys_on_a_batched_free_is_read_from_tlb_h(tmp_path: Path) -> None:
    assert not read_facts(files("E4", tmp_path)).queues
    queues = read_facts(files("E5", tmp_path)).queues
    assert "tlb_remove_ptdesc" in queues
    assert "tlb_remove_page_ptdesc" not in queues


def test_pmd_tables_are_constructed_early_only_where_the_lock_is_split(tmp_path: Path) -> None:
    facts = read_facts(files("E1", tmp_path, **{"arch/mips/Kconfig": "config MIPS\n"}))
    assert facts.must_construct("pmd", "x86")
    assert not facts.must_construct("pmd", "mips")
    assert read_facts(files("E2", tmp_path)).must_construct("pmd", "mips")


def test_a_folder_that_is_no_kernel_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"include/linux/mm\.h"):
        read_facts(DirectoryFiles(tmp_path))


def test_what_a_pgtable_t_points_to_is_read_from_the_header_that_says_so(tmp_path: Path) -> None:
    either = "#ifdef A\ntypedef pte_t *pgtable_t;\n#else\ntypedef struct page *pgtable_t;\n#endif\n"
    given = {
        "arch/x86/include/asm/pgtable_types.h": "typedef struct page *pgtable_t;\n",
        "arch/powerpc/Kconfig": "config PPC\n",
        "arch/powerpc/include/asm/mmu.h": "typedef pte_t *pgtable_t;\n",
        "arch/m68k/Kconfig": "config M68K\n",
        "arch/m68k/include/asm/page.h": either,
    }
    facts = read_facts(files("E6", tmp_path, **given))
    assert facts.pgtable_forms == {"x86": "page", "powerpc": "virt"}
    assert "pgtable_t points to the entries themselves: powerpc" in facts.describe()
