"""The mmu_gather: who destroys what is freed in batches, and what an architecture puts before or behind it."""

from pathlib import Path

import pytest

from tests.checks.minitree import PMD_ALLOC, findings

_HELPER = """
static inline void toy_tlb_remove_ptdesc(struct mmu_gather *tlb, void *pt)
{
	if (toy_broadcasts()) {
		tlb_remove_ptdesc(tlb, pt);
	} else {
%s		tlb_remove_page_ptdesc(tlb, pt);
	}
}
static inline void __pmd_free_tlb(struct mmu_gather *tlb, pmd_t *pmd, unsigned long addr)
{
%s	toy_tlb_remove_ptdesc(tlb, virt_to_ptdesc(pmd));
}
"""


def _said(folder: Path, epoch: str = "E5", **given: str) -> set[tuple[str, str]]:
    return {(found.rule, found.location.function) for found in findings(epoch, folder, **given)}


def test_a_helper_before_the_batch_destroys_where_the_batch_does_not(tmp_path: Path) -> None:
    assert _said(tmp_path, pgalloc=PMD_ALLOC + _HELPER % ("		pagetable_dtor(pt);\n", "")) == set()
    assert ("C11", "toy_tlb_remove_ptdesc") in _said(tmp_path, pgalloc=PMD_ALLOC + _HELPER % ("", ""))


def test_a_helper_whose_callers_destroy_is_left_alone(tmp_path: Path) -> None:
    caller = "	pagetable_dtor(virt_to_ptdesc(pmd));\n"
    said = _said(tmp_path, pgalloc=PMD_ALLOC + _HELPER % ("", caller))
    assert ("C11", "toy_tlb_remove_ptdesc") not in said
    assert ("C07", "__pmd_free_tlb") in said  # on the path on which the batch destroys


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("	free_page_and_swap_cache(table);\n", True),
        ("	pagetable_free(table);\n", True),
        ("	pagetable_dtor_free(table);\n", False),
        ("	pagetable_dtor(table);\n	pagetable_free(table);\n", False),
    ],
)
def test_an_architecture_may_end_the_batch_itself(body: str, wrong: bool, tmp_path: Path) -> None:
    own = f"#define __HAVE_ARCH_TLB_REMOVE_TABLE\nstatic inline void __tlb_remove_table(void *table)\n{{\n{body}}}\n"
    assert (("C11", "__tlb_remove_table") in _said(tmp_path, tlb=own)) is wrong


def test_before_e5_the_end_of_the_batch_need_not_destroy(tmp_path: Path) -> None:
    own = "static inline void __tlb_remove_table(void *table)\n{\n	free_page_and_swap_cache(table);\n}\n"
    assert _said(tmp_path, "E4", tlb=own) == set()


def test_without_batches_the_generic_code_destroys_before_it_queues(tmp_path: Path) -> None:
    text = "static inline void tlb_remove_table(struct mmu_gather *tlb, void *table)\n{\n"
    text += "	struct page *page = table;\n\n%s	tlb_remove_page(tlb, page);\n}\n"
    place = "include/asm-generic/tlb.h"
    wrong = _said(tmp_path, **{place: text % ""})
    assert wrong == {("C11", "tlb_remove_table")}
    assert _said(tmp_path, **{place: text % "	pagetable_dtor(page_ptdesc(page));\n"}) == set()
