"""What is told of a mistake: once, at the place where it is made, with what it leads to in this tree."""

from pathlib import Path

import pytest

from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.pgtable.told import either
from reviewbot.checks.series import check_series
from reviewbot.tree.readers import DirectoryFiles, OverlayFiles
from tests.checks.minitree import files, findings, said, tree

_NEW = """
static inline {type} {level}_alloc_one(struct mm_struct *mm, unsigned long address)
{{
	struct ptdesc *pt = pagetable_alloc(GFP_KERNEL, 0);

	if (!pt)
		return NULL;
	if (!pagetable_{level}_ctor({mm}pt)) {{
		pagetable_free(pt);
		return NULL;
	}}
	return {result};
}}
"""
_PMD = _NEW.format(type="pmd_t *", level="pmd", mm="", result="ptdesc_address(pt)")
_RIGHT_FREE = """
static inline void pmd_free(struct mm_struct *mm, pmd_t *pmd)
{
	pagetable_pmd_dtor(virt_to_ptdesc(pmd));
	pagetable_free(virt_to_ptdesc(pmd));
}
"""


def _messages(epoch: str, tmp_path: Path, **given: str) -> list[str]:
    return [finding.message for finding in findings(epoch, tmp_path, **given)]


_TWO_LEVELS = """
%s
static inline pgd_t *pgd_alloc(struct mm_struct *mm)
{
	struct ptdesc *pt = pagetable_alloc(GFP_KERNEL, 0);

	if (pt && %s!pagetable_pmd_ctor(pt)) {
		pagetable_free(pt);
		return NULL;
	}
	return pt ? ptdesc_address(pt) : NULL;
}
"""


@pytest.mark.parametrize(
    "asks",
    [
        "static inline bool top_is_pmd(struct mm_struct *mm)\n{\n\treturn mm->context.limit <= LIMIT_OF_TWO;\n}",
        "#define top_is_pmd(mm) ((mm)->context.limit == LIMIT_OF_TWO)",
        "static inline int top_is_pmd(struct mm_struct *mm)\n{\n\tif (mm->context.levels == TWO)\n\t\treturn 1;\n"
        "\treturn 0;\n}",
    ],
)
def test_a_test_is_the_same_by_a_name_of_its_own(asks: str, tmp_path: Path) -> None:
    named = _TWO_LEVELS % (asks, "top_is_pmd(mm) && ")
    assert said(findings("E4", tmp_path, pgalloc=named)) == []


def test_without_a_test_or_with_one_of_the_configuration_a_pgd_is_no_pmd(tmp_path: Path) -> None:
    folded = "#define top_is_pmd(mm) (CONFIG_PGTABLE_LEVELS == 2)"
    for text in (_TWO_LEVELS % ("", ""), _TWO_LEVELS % (folded, "top_is_pmd(mm) && ")):
        assert ("C03", "pgd_alloc") in [pair[:2] for pair in said(findings("E4", tmp_path, pgalloc=text))]


_HANDED = """
static void *begin_table(gfp_t gfp, bool (*begin)(struct ptdesc *))
{
	struct ptdesc *pt = pagetable_alloc(gfp, 0);

	if (!pt)
		return NULL;
	if (!begin(pt)) {
		pagetable_free(pt);
		return NULL;
	}
	return ptdesc_address(pt);
}
static inline void end_table(void *table, void (*end)(struct ptdesc *))
{
	end(virt_to_ptdesc(table));
	pagetable_free(virt_to_ptdesc(table));
}
pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long address)
{
	return begin_table(GFP_KERNEL, pagetable_pmd_ctor);
}
void pmd_free(struct mm_struct *mm, pmd_t *pmd)
{
	%s
}
"""


def test_a_constructor_that_is_handed_to_a_function_runs_there(tmp_path: Path) -> None:
    assert said(findings("E4", tmp_path, mmu=_HANDED % "end_table(pmd, pagetable_pmd_dtor);")) == []
    raw = _HANDED % "pagetable_free(virt_to_ptdesc(pmd));"
    assert ("C06", "pmd_free") in [pair[:2] for pair in said(findings("E4", tmp_path, mmu=raw))]


_PUD = """
static inline pud_t *pud_alloc_one(struct mm_struct *mm, unsigned long address)
{
	pud_t *pud = (pud_t *)get_zeroed_page(GFP_KERNEL);

	if (pud)
		pagetable_pud_ctor(virt_to_ptdesc(pud));
	return pud;
}
static inline void pud_free(struct mm_struct *mm, pud_t *pud) { free_page((unsigned long)pud); }
#define __pud_free_tlb(tlb, pud, address) tlb_remove_page(tlb, virt_to_page(pud))
"""


def test_a_constructor_that_the_tree_does_not_have_asks_for_no_destructor(tmp_path: Path) -> None:
    assert [pair[0] for pair in said(findings("E3", tmp_path, pgalloc=_PUD))] == ["C18"]
    assert _messages("E3", tmp_path, pgalloc=_PUD)[0].endswith("in this tree, in which pud tables have no constructor.")
    assert {"C06", "C11"} <= {pair[0] for pair in said(findings("E4", tmp_path, pgalloc=_PUD))}


def test_what_has_to_be_called_instead_is_named(tmp_path: Path) -> None:
    late = _PMD + _RIGHT_FREE.replace(
        "pagetable_pmd_dtor(virt_to_ptdesc(pmd));\n\tpagetable_free", "pagetable_dtor_free"
    )
    (message,) = _messages("E4", tmp_path, pgalloc=late)
    assert "pagetable_pmd_dtor() (include/linux/mm.h:" in message
    assert message.endswith("to be followed by pagetable_free().")


_BY_LEVEL = """
static phys_addr_t late_table(int shift)
{
	struct ptdesc *pt = pagetable_alloc(GFP_KERNEL, 0);

	BUG_ON(!pt);
	if (shift == PMD_SHIFT)
		BUG_ON(!pagetable_pmd_ctor(pt));
	else if (shift == PAGE_SHIFT)
		BUG_ON(%spagetable_pte_ctor(pt));
	return __pa(ptdesc_address(pt));
}
"""


def test_of_several_constructors_the_one_on_the_path_is_named(tmp_path: Path) -> None:
    assert said(findings("E4", tmp_path, mmu=_BY_LEVEL % "!")) == []
    (found,) = findings("E4", tmp_path, mmu=_BY_LEVEL % "")
    assert (found.rule, found.location.text.strip()) == ("C01", "BUG_ON(pagetable_pte_ctor(pt));")
    assert found.message.startswith("The test of pagetable_pte_ctor() is the wrong way round")


def test_the_result_of_a_function_around_the_constructor_can_be_ignored_too(tmp_path: Path) -> None:
    begin = "static bool pmd_begin(struct ptdesc *pt)\n{\n\treturn pagetable_pmd_ctor(pt);\n}\n"
    test = "if (!pagetable_pmd_ctor(pt)) {\n\t\tpagetable_free(pt);\n\t\treturn NULL;\n\t}"
    (message,) = _messages("E4", tmp_path, pgalloc=begin + _PMD.replace(test, "pmd_begin(pt);") + _RIGHT_FREE)
    assert message.startswith("The result of pmd_begin() is ignored.")


_RAW = """
void shrink(struct mm_struct *mm)
{
	pmd_t *pmd = pmd_alloc_one(mm, 0);

	if (pmd)
		free_page((unsigned long)pmd);
}
"""
_OLD_PMD = """
static inline pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long address)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);

	if (!page)
		return NULL;
	if (!pgtable_pmd_page_ctor(page)) {
		__free_page(page);
		return NULL;
	}
	return (pmd_t *)page_address(page);
}
static inline void pmd_free(struct mm_struct *mm, pmd_t *pmd)
{
	pgtable_pmd_page_dtor(virt_to_page(pmd));
	free_page((unsigned long)pmd);
}
"""


@pytest.mark.parametrize(
    ("epoch", "place", "lost"),
    [
        ("E1", "x86", "its split lock is leaked; pmd_free() destroys and frees it."),
        ("E2", "x86", "its split lock is leaked and it stays accounted as a page table; pmd_free()"),
        ("E2", "toy", "it stays accounted as a page table; pmd_free() destroys"),
    ],
)
def test_what_a_lost_table_costs_depends_on_the_tree(epoch: str, place: str, lost: str, tmp_path: Path) -> None:
    given = {f"arch/{place}/include/asm/pgalloc.h": _OLD_PMD, f"arch/{place}/mm/grow.c": _RAW}
    (message,) = [one.message for one in findings(epoch, tmp_path, **given) if one.location.function == "shrink"]
    assert "that was constructed by pmd_alloc_one() at line 4 and not destroyed: " in message
    assert lost in message


def test_a_table_of_the_kernel_has_no_lock_to_lose(tmp_path: Path) -> None:
    maker = _NEW.format(type="pmd_t *", level="pmd", mm="mm, ", result="ptdesc_address(pt)")
    kernel = _RAW.replace("(struct mm_struct *mm)", "(void)").replace("pmd_alloc_one(mm", "pmd_alloc_one(&init_mm")
    given = {"arch/x86/include/asm/pgalloc.h": maker, "arch/x86/mm/grow.c": kernel}
    (message,) = [one.message for one in findings("E6", tmp_path, **given) if one.location.function == "shrink"]
    assert "not destroyed: it stays accounted as a page table" in message


_HELPER = """
static void give_back(pmd_t *pmd)
{
	pagetable_free(virt_to_ptdesc(pmd));
}
void pmd_free(struct mm_struct *mm, pmd_t *pmd)
{
	give_back(pmd);
}
void __pmd_free_tlb(struct mmu_gather *tlb, pmd_t *pmd, unsigned long address)
{
	pmd_free(tlb->mm, pmd);
}
"""


def test_who_calls_a_function_with_a_mistake_makes_no_other_one(tmp_path: Path) -> None:
    assert [pair[:2] for pair in said(findings("E4", tmp_path, mmu=_PMD + _HELPER))] == [("C06", "give_back")]


def test_a_macro_that_one_function_uses_is_part_of_it(tmp_path: Path) -> None:
    macro = "#define pmd_begin(pt) do { pagetable_pmd_ctor(pt); } while (0)\n"
    test = "if (!pagetable_pmd_ctor(pt)) {\n\t\tpagetable_free(pt);\n\t\treturn NULL;\n\t}"
    found = findings("E4", tmp_path, pgalloc=macro + _PMD.replace(test, "pmd_begin(pt);") + _RIGHT_FREE)
    assert [pair[:2] for pair in said(found)] == [("C01", "pmd_alloc_one")]


def test_a_destructor_after_the_free_is_one_mistake(tmp_path: Path) -> None:
    late = """
static void drop(struct ptdesc *pt)
{
	pagetable_free(pt);
	pagetable_pmd_dtor(pt);
}
"""
    assert [pair[0] for pair in said(findings("E4", tmp_path, mmu=late))] == ["C22"]


@pytest.mark.parametrize(
    ("conditions", "brief"),
    [
        (["A && B", "A && !B"], "A"),
        (["A && B", "A && !B", "!A"], ""),
        (["defined(A)", "defined(A) && defined(B)"], "defined(A)"),
        (["A && B", "!A && C"], "A && B || !A && C"),
        (["A", ""], ""),
        (["A == 2", "!(A || B)"], "A == 2 || !(A || B)"),
        (["B && A"], "B && A"),
    ],
)
def test_conditions_are_joined_as_briefly_as_is_plain(conditions: list[str], brief: str) -> None:
    assert either(conditions) == brief


_FLAGS = """
#define GFP_PGTABLE_USER (GFP_KERNEL | __GFP_ACCOUNT | __GFP_ZERO)
#define GFP_PGTABLE_KERNEL GFP_KERNEL
"""


def test_an_allocation_that_is_written_in_another_line_is_no_new_one(tmp_path: Path) -> None:
    declared = "struct ptdesc *pt = pagetable_alloc(GFP_KERNEL | __GFP_ZERO, 0);\n"
    old = _PMD.replace("struct ptdesc *pt = pagetable_alloc(GFP_KERNEL, 0);\n", declared)
    moved = old.replace(declared, "struct ptdesc *pt;\n\n\tpt = pagetable_alloc(GFP_KERNEL | __GFP_ZERO, 0);\n")
    other = moved.replace("GFP_KERNEL | __GFP_ZERO", "GFP_KERNEL")
    generic = {"include/asm-generic/pgalloc.h": _FLAGS}

    def rules(after: str) -> list[str]:
        path = "arch/toy/include/asm/pgalloc.h"
        base = files("E4", tmp_path, pgalloc=old + _RIGHT_FREE, **generic)
        then = OverlayFiles(DirectoryFiles(tmp_path), tree("E4", pgalloc=after + _RIGHT_FREE, **generic))
        return [one.finding.rule for one in check_series(PgtableCheck(), [base, then], [[path]]).traced if one.born]

    assert rules(moved) == []
    assert rules(other) == ["C15"]
