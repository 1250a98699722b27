"""Several tables in one page, and tables from pools: the first is constructed, the last destroyed."""

from pathlib import Path

import pytest

from tests.checks.minitree import findings

_POOL = """
pte_t *pte_alloc_one_kernel(struct mm_struct *mm)
{
	return toy_pool_get(PTE_SIZE);
}
pgtable_t pte_alloc_one(struct mm_struct *mm)
{
	pte_t *pte = pte_alloc_one_kernel(mm);
	struct page *page;

	if (!pte)
		return NULL;
	page = pfn_to_page(__pa(pte) >> PAGE_SHIFT);
%s	return pte;
}
void pte_free(struct mm_struct *mm, pgtable_t pte)
{
	struct page *page = pfn_to_page(__pa(pte) >> PAGE_SHIFT);

%s	toy_pool_put(pte, PTE_SIZE);
}
"""
_FIRST = """	if (page_ref_inc_return(page) == 2 && !pagetable_pte_ctor(mm, page_ptdesc(page))) {
		page_ref_dec(page);
		pte = NULL;
	}
"""
_LAST = "	if (page_ref_dec_return(page) == 1)\n		pagetable_dtor(page_ptdesc(page));\n"


def _said(folder: Path, made: str, freed: str, more: str = "") -> set[tuple[str, str]]:
    found = findings("E6", folder, mmu=more + _POOL % (made, freed))
    return {(finding.rule, finding.location.function) for finding in found}


def test_the_first_is_constructed_and_the_last_destroyed(tmp_path: Path) -> None:
    assert _said(tmp_path, _FIRST, _LAST) == set()


@pytest.mark.parametrize(
    ("made", "freed", "rule", "function"),
    [
        (_FIRST.replace("page_ref_inc_return(page) == 2 && ", ""), _LAST, "C21", "pte_alloc_one"),
        (_FIRST, "	pagetable_dtor(page_ptdesc(page));\n", "C21", "pte_free"),
        (_FIRST, "	pagetable_dtor(page_ptdesc(page));\n	page_ref_dec_return(page);\n", "C21", "pte_free"),
        (_FIRST, "", "C06", "pte_free"),
        ("	page_ref_inc(page);\n", _LAST, "C02", "pte_alloc_one"),
    ],
)
def test_other_than_that_is_found(made: str, freed: str, rule: str, function: str, tmp_path: Path) -> None:
    assert (rule, function) in _said(tmp_path, made, freed)


def test_the_destructor_may_stand_in_a_helper_of_the_function_that_counts(tmp_path: Path) -> None:
    helper = "static void toy_end(struct page *page)\n{\n	pagetable_dtor(page_ptdesc(page));\n}\n"
    assert _said(tmp_path, _FIRST, _LAST.replace("pagetable_dtor(page_ptdesc(page))", "toy_end(page)"), helper) == set()


def test_a_pool_that_is_not_seen_may_construct(tmp_path: Path) -> None:
    text = (_POOL % ("", _LAST)).replace("toy_pool_get(", "toy_pool_alloc(")
    assert "C02" not in {found.rule for found in findings("E6", tmp_path, mmu=text)}
