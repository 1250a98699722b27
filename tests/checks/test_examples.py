"""The example on the page of each rule: the wrong one is found by that rule, the right one by none."""

from pathlib import Path

import pytest

from reviewbot.checks.pgtable.rules import RULES
from tests.checks.minitree import findings

_PTE = (
    "pgtable_t pte_alloc_one(struct mm_struct *mm)\n"
    "{\n"
    "	struct %s = %s;\n"
    "\n"
    "	if (!%s)\n"
    "		return NULL;\n"
    "%%s\n"
    "}\n"
)
_NEW = _PTE % ("ptdesc *ptdesc", "pagetable_alloc(GFP_KERNEL, 0)", "ptdesc")
_NEW_PT = _PTE % ("ptdesc *pt", "pagetable_alloc(GFP_KERNEL, 0)", "pt")
_OLD = _PTE % ("page *pte", "alloc_pages(GFP_KERNEL, 0)", "pte")
_CTOR = (
    "	if (!pgtable_pte_page_ctor(pte)) {\n		__free_page(pte);\n		return NULL;\n	}\n	return pte;"
)
_RETURN = "\n	return ptdesc_page(%s);"
_GENERIC = "#define GFP_PGTABLE_USER (GFP_KERNEL | __GFP_ACCOUNT | __GFP_ZERO)\n#define GFP_PGTABLE_KERNEL GFP_KERNEL\n"
_ALLOC_PMD = RULES["C19"].good
_CRST = """
unsigned long *crst_table_alloc(struct mm_struct *mm)
{
	struct ptdesc *pt = pagetable_alloc(GFP_KERNEL, 2);

	return pt ? ptdesc_address(pt) : NULL;
}
void crst_table_free(struct mm_struct *mm, unsigned long *table)
{
	pagetable_free(virt_to_ptdesc(table));
}
"""
_PLAIN_KERNEL = (
    "static inline void pte_free_kernel(struct mm_struct *mm, pte_t *pte)\n{\n	free_page((unsigned long)pte);\n}\n"
)
_FREE_LATER = """
static void free_now(struct rcu_head *head)
{
	pagetable_free(container_of(head, struct ptdesc, pt_rcu_head));
}
static void dtor_and_free_now(struct rcu_head *head)
{
	pagetable_dtor_free(container_of(head, struct ptdesc, pt_rcu_head));
}
"""
_RACE = (
    "int grow(struct mm_struct *mm, pud_t *pud)\n"
    "{\n"
    "	pmd_t *new = pmd_alloc_one(mm, 0);\n"
    "	if (!new)\n"
    "		return -ENOMEM;\n"
    "%s\n"
    "	return 0;\n"
    "}\n"
)
_PMD_FREE = "void pmd_free(struct mm_struct *mm, pmd_t *pmd)\n{\n%s\n}\n"
_OLD_PMD = """
pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)
{
	struct ptdesc *ptdesc = pagetable_alloc(GFP_KERNEL, 0);

	if (!ptdesc)
		return NULL;
	if (!pagetable_pmd_ctor(ptdesc)) {
		pagetable_free(ptdesc);
		return NULL;
	}
	return ptdesc_address(ptdesc);
}
"""
_MAP = "int toy_map(pmd_t *pmd)\n{\n	struct ptdesc *pt;\n	pte_t *pte;\n\n%s\n	return 0;\n}\n"
_LEVELS = (
    "void *make(struct mm_struct *mm, int level)\n{\n	struct ptdesc *pt = pagetable_alloc(GFP_KERNEL, 0);\n"
    "	if (!pt)\n		return NULL;\n%s\n	return pt;\n}\n"
)
_FRAGMENTS = (
    "pgtable_t pte_alloc_one(struct mm_struct *mm)\n{\n	pte_t *ptep = pte_alloc_one_kernel(mm);\n"
    "	struct page *page;\n\n	if (!ptep)\n		return NULL;\n	page = pfn_to_page(__pa(ptep) >> PAGE_SHIFT);\n"
    "%s\n	return ptep;\n}\n"
)
_LAST_FRAGMENT = (
    "void pte_free(struct mm_struct *mm, struct page *page)\n{\n	if (page_ref_dec_return(page) == 1)\n"
    "		pgtable_pte_page_dtor(page);\n}\n"
)
_PUD_FREE = (
    "void pud_free(struct mm_struct *mm, pud_t *pud)\n"
    "{\n"
    "	if (!mm_pud_folded(mm))\n"
    "		crst_table_free(mm, (unsigned long *)pud);\n"
    "}\n"
)
_FREE = (
    "void pte_free(struct mm_struct *mm, pgtable_t pgtable)\n"
    "{\n"
    "%s\n"
    "	pagetable_pte_dtor(ptdesc);\n"
    "	pagetable_free(ptdesc);\n"
    "}\n"
)

#: rule -> epoch, what stands around the example, and the generic header
_AROUND: dict[str, tuple[str, str, str]] = {
    "C01": ("E6", _NEW, ""),
    "C02": ("E6",
        _CRST
        + "int up(struct mm_struct *mm, pgd_t *pgd)\n"
        "{\n"
        "	unsigned long *table;\n"
        "\n"
        "%s\n"
        "	return 0;\n"
        "}\n",
        ""),
    "C03": ("E6", "%s", ""),
    "C04": ("E2",
        "pmd_t *toy_pmd(struct mm_struct *mm)\n"
        "{\n"
        "	struct page *page;\n"
        "	pmd_t *pmd;\n"
        "\n"
        "%s\n"
        "}\n",
        ""),
    "C05": ("E6", _MAP, ""),
    "C06": ("E4", _OLD_PMD + _PMD_FREE, ""),
    "C07": ("E6", "void pte_free(struct mm_struct *mm, struct ptdesc *ptdesc)\n{\n%s\n}\n", ""),
    "C08": ("E6", _LEVELS, ""),
    "C09": ("E6", _NEW_PT.replace("%s", "%s" + _RETURN % "pt"), ""),
    "C10": ("E6", _NEW.replace("%s", "%s" + _RETURN % "ptdesc"), ""),
    "C11": ("E2", (_OLD % _CTOR).replace("%", "%%") + "%s\n", ""),
    "C12": ("E4", _OLD_PMD + "%s", ""),
    "C13": ("E6",
        "pgtable_t pte_alloc_one(struct mm_struct *mm)\n"
        "{\n"
        "	struct ptdesc *ptdesc;\n"
        "\n"
        "%s"
        + _RETURN %  "ptdesc"
        + "\n"
        "}\n",
        ""),
    "C14": ("E2", "pgd_t *pgd_alloc(struct mm_struct *mm)\n{\n%s\n}\n", ""),
    "C15": ("E4", "%s", _GENERIC),
    "C16": ("E4", _CRST + _PUD_FREE + "%s", ""),
    "C17": ("E6", _ALLOC_PMD + "\n" + _PMD_FREE % "	pagetable_dtor_free(virt_to_ptdesc(pmd));" + _RACE, ""),
    "C18": ("E2", "void f(struct page *pte)\n{\n%s\n}\n", ""),
    "C19": ("E6", "%s", ""),
    "C20": ("E6", _NEW_PT.replace("%s", "%s" + _RETURN % "pt"), ""),
    "C21": ("E2", _FRAGMENTS + _LAST_FRAGMENT, ""),
    "C22": ("E0", _OLD, ""),
    "C23": ("E6",
        _FREE_LATER
        + "void pte_free_defer(struct mm_struct *mm, pgtable_t p)\n"
        "{\n"
        "	struct ptdesc *ptdesc = page_ptdesc(p);\n"
        "\n"
        "%s\n"
        "}\n",
        ""),
    "C24": ("E4", _FREE, ""),
    "C25": ("E4", "%s", _GENERIC + _PLAIN_KERNEL),
}  # fmt: skip


@pytest.mark.parametrize("code", _AROUND)
def test_the_example_on_its_page_is_what_the_rule_finds(code: str, tmp_path: Path) -> None:
    epoch, around, generic = _AROUND[code]

    def found(example: str) -> set[str]:
        given = {"include/asm-generic/pgalloc.h": generic} if generic else {}
        rules = list(RULES) if code == "C15" else []
        source = around.replace("%%", "%").replace("%s", example)
        return {one.rule for one in findings(epoch, tmp_path, rules=rules, mmu=source, **given)}

    assert code in found(RULES[code].bad)
    assert code not in found(RULES[code].good)
