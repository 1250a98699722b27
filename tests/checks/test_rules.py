"""Each rule finds its bad example and is silent on the good one."""

from pathlib import Path

import pytest

from reviewbot.checks.pgtable.rules import RULES
from tests.checks.minitree import findings, said

_PTE = """
static inline pgtable_t pte_alloc_one(struct mm_struct *mm)
{
	struct page *pte;

	pte = alloc_pages(GFP_KERNEL, 0);
	if (!pte)
		return NULL;
%s
	return pte;
}
"""
_GOOD = "	if (!pgtable_page_ctor(pte)) {\n		__free_page(pte);\n		return NULL;\n	}"


def _pte(body: str, tmp_path: Path) -> list[tuple[str, str]]:
    return [(rule, text) for rule, _, text in said(findings("E0", tmp_path, pgalloc=_PTE % body))]


@pytest.mark.parametrize(
    "body",
    [
        _GOOD,
        "	BUG_ON(!pgtable_page_ctor(pte));",
        "	if (unlikely(!pgtable_page_ctor(pte)))\n		goto out;\n	return pte;\n"
        "out:\n	__free_page(pte);\n	return NULL;",
        "	if (pgtable_page_ctor(pte))\n		return pte;\n	__free_page(pte);\n	pte = NULL;",
        "	return pgtable_page_ctor(pte) ? pte : (__free_page(pte), NULL);",
        "	bool ok = pgtable_page_ctor(pte);\n	if (!ok) {\n		__free_page(pte);\n		pte = NULL;\n	}",
    ],
)
def test_right_ways_to_construct_are_silent(body: str, tmp_path: Path) -> None:
    assert _pte(body, tmp_path) == []


@pytest.mark.parametrize(
    ("body", "rule", "text"),
    [
        ("	pgtable_page_ctor(pte);", "C01", "pgtable_page_ctor(pte);"),
        ("	(void)pgtable_page_ctor(pte);", "C01", "(void)pgtable_page_ctor(pte);"),
        ("	int ok = pgtable_page_ctor(pte);", "C01", "int ok = pgtable_page_ctor(pte);"),
        (_GOOD.replace("!", ""), "C01", "if (pgtable_page_ctor(pte)) {"),
        ("	if (!pgtable_page_ctor(pte))\n		pr_warn(1);", "C01", "if (!pgtable_page_ctor(pte))"),
        ("", "C02", "pte = alloc_pages(GFP_KERNEL, 0);"),
        (_GOOD.replace("page_ctor", "pmd_page_ctor"), "C03", "if (!pgtable_pmd_page_ctor(pte)) {"),
        (_GOOD + "\n	pgtable_page_ctor(pte);", "C08", "pgtable_page_ctor(pte);"),
        (
            _GOOD.replace("__free_page", "pgtable_page_dtor(pte);\n		__free_page"),
            "C09",
            "pgtable_page_dtor(pte);",
        ),
        ("	if (!pgtable_page_ctor(pte))\n		return NULL;", "C10", "if (!pgtable_page_ctor(pte))"),
        ("	if (!pgtable_page_ctor(pte))\n		__free_page(pte);", "C22", "return pte;"),
        (_GOOD.replace("__free_page(pte)", "kfree(pte)"), "C14", "kfree(pte);"),
    ],
)
def test_wrong_ways_to_construct_are_found_at_their_line(body: str, rule: str, text: str, tmp_path: Path) -> None:
    assert (rule, text) in _pte(body, tmp_path)


def test_the_allocation_is_tested_before_the_constructor(tmp_path: Path) -> None:
    untested = (_PTE % _GOOD).replace("	if (!pte)\n		return NULL;\n", "")
    assert said(findings("E0", tmp_path, pgalloc=untested)) == [
        ("C13", "pte_alloc_one", "if (!pgtable_page_ctor(pte)) {")
    ]


_FREE = "static inline void pte_free(struct mm_struct *mm, struct page *pte)\n{\n%s\n}\n"


def test_a_free_is_held_against_its_allocator(tmp_path: Path) -> None:
    allocator = _PTE % _GOOD
    raw, right = _FREE % "	__free_page(pte);", _FREE % "	pgtable_page_dtor(pte);\n	__free_page(pte);"
    assert said(findings("E0", tmp_path, pgalloc=allocator + raw)) == [("C06", "pte_free", "__free_page(pte);")]
    assert findings("E0", tmp_path, pgalloc=allocator + right) == []


def test_a_role_is_followed_to_another_file(tmp_path: Path) -> None:
    header = "static inline void pte_free(struct mm_struct *mm, struct page *pte)\n{\n	toy_free(pte);\n}\n"
    found = findings(
        "E0", tmp_path, pgalloc=_PTE % _GOOD + header, mmu="void toy_free(struct page *p)\n{\n	__free_page(p);\n}\n"
    )
    assert ("C06", "toy_free", "__free_page(p);") in said(found)


def test_the_destructor_runs_once(tmp_path: Path) -> None:
    twice = _FREE % "	pagetable_dtor(page_ptdesc(pte));\n	pagetable_dtor_free(page_ptdesc(pte));"
    assert said(findings("E5", tmp_path, pgalloc=twice)) == [
        ("C07", "pte_free", "pagetable_dtor_free(page_ptdesc(pte));")
    ]


_TLB = "#define __pte_free_tlb(tlb, pte, addr)	\\\ndo {	\\\n%s	%s((tlb), %s);	\\\n} while (0)\n"


def test_who_destroys_on_a_batched_free_depends_on_the_tree(tmp_path: Path) -> None:
    old = _PTE % _GOOD
    plain = _TLB % ("", "tlb_remove_page", "(pte)")
    paired = _TLB % ("	pgtable_page_dtor(pte);	\\\n", "tlb_remove_page", "(pte)")
    assert [rule for rule, _, _ in said(findings("E0", tmp_path, pgalloc=old + plain))] == ["C11"]
    assert findings("E0", tmp_path, pgalloc=old + paired) == []
    new = _TLB % ("	pagetable_dtor(page_ptdesc(pte));	\\\n", "tlb_remove_ptdesc", "page_ptdesc(pte)")
    own = _TLB % ("	pagetable_dtor(page_ptdesc(pte));	\\\n", "tlb_remove_page_ptdesc", "page_ptdesc(pte)")
    assert [rule for rule, _, _ in said(findings("E5", tmp_path, pgalloc=new))] == ["C07"]
    assert findings("E5", tmp_path, pgalloc=own) == []


def test_one_constructor_for_all_levels_is_found_through_the_callback(tmp_path: Path) -> None:
    source = """
static phys_addr_t late_table(void)
{
	void *ptr = (void *)__get_free_page(GFP_KERNEL);
	if (!ptr || !pgtable_page_ctor(virt_to_page(ptr)))
		BUG();
	return __pa(ptr);
}
static void map_pmd(pud_t *pudp, phys_addr_t (*table)(void))
{
	phys_addr_t pmd_phys = table();
	__pud_populate(pudp, pmd_phys, PUD_TYPE_TABLE);
}
static void map_pte(pmd_t *pmdp, phys_addr_t (*table)(void))
{
	phys_addr_t pte_phys = table();
	__pmd_populate(pmdp, pte_phys, PMD_TYPE_TABLE);
}
static void map(pud_t *pudp, pmd_t *pmdp, phys_addr_t (*table)(void))
{
	map_pmd(pudp, table);
	map_pte(pmdp, table);
}
void map_efi(pud_t *pudp, pmd_t *pmdp)
{
	map(pudp, pmdp, late_table);
}
"""
    found = findings("E0", tmp_path, mmu=source)
    assert said(found) == [("C03", "late_table", "if (!ptr || !pgtable_page_ctor(virt_to_page(ptr)))")]
    assert "pte, pmd tables alike" in found[0].message
    chosen = source.replace("pgtable_page_ctor(virt", "(shift == PAGE_SHIFT) && !pgtable_page_ctor(virt")
    assert all(rule != "C10" for rule, _, _ in said(findings("E0", tmp_path, mmu=chosen)))


def test_levels_are_read_from_case_labels(tmp_path: Path) -> None:
    source = """
static struct ptdesc *make(struct mm_struct *mm, int level)
{
	struct ptdesc *pt = pagetable_alloc(GFP_KERNEL, 0);

	if (!pt)
		return NULL;
	switch (level) {
	case TABLE_PTE:
		BUG_ON(!pagetable_pte_ctor(mm, pt));
		break;
	case TABLE_PMD:
		BUG_ON(!pagetable_%s_ctor(mm, pt));
		break;
	}
	return pt;
}
"""
    assert findings("E6", tmp_path, mmu=source % "pmd") == []
    assert [rule for rule, _, _ in said(findings("E6", tmp_path, mmu=source % "pte"))] == ["C03"]
    through = (source % "pmd").replace("pte_ctor(mm, pt));\n		break;", "pte_ctor(mm, pt));")
    assert "C08" in [rule for rule, _, _ in said(findings("E6", tmp_path, mmu=through))]


def test_slab_memory_is_not_constructed(tmp_path: Path) -> None:
    source = """
pmd_t *toy_pmd(struct mm_struct *mm)
{
	pmd_t *pmd = kmem_cache_alloc(cache, GFP_KERNEL);
	if (pmd && !pgtable_pmd_page_ctor(virt_to_page(pmd)))
		pmd = NULL;
	return pmd;
}
"""
    assert "C04" in [rule for rule, _, _ in said(findings("E2", tmp_path, mmu=source))]


def test_a_pointer_is_not_converted_into_itself(tmp_path: Path) -> None:
    source = (
        _FREE
        % "	struct ptdesc *ptdesc = virt_to_ptdesc(ptdesc);\n	pagetable_pte_dtor(ptdesc);\n	pagetable_free(ptdesc);"
    )
    found = findings("E4", tmp_path, pgalloc=source, rules=["C24"])
    assert said(found) == [("C24", "pte_free", "struct ptdesc *ptdesc = virt_to_ptdesc(ptdesc);")]


def test_a_name_or_arity_of_another_epoch_is_found(tmp_path: Path) -> None:
    body = "	pagetable_pte_dtor(page_ptdesc(pte));\n	tlb_remove_page(tlb, pte);"
    head = "void __pte_free_tlb(struct mmu_gather *tlb, struct page *pte)\n"
    found = findings("E2", tmp_path, tlb=head + "{\n" + body + "\n}\n")
    assert [(finding.rule, finding.location.line) for finding in found] == [("C18", 3)]
    assert "pgtable_pte_page_dtor() (include/linux/mm.h:" in found[0].message
    arity = "int f(struct ptdesc *pt)\n{\n	return pagetable_pte_ctor(pt);\n}\n"
    assert "takes 2 in this tree" in findings("E6", tmp_path, mmu=arity)[0].message


def test_a_name_that_the_series_defines_is_there(tmp_path: Path) -> None:
    source = "static void pagetable_toy_dtor(struct page *p)\n{\n}\n"
    source += "void g(struct page *p)\n{\n	pagetable_toy_dtor(p);\n}\n"
    assert findings("E2", tmp_path, mmu=source) == []


def test_the_loser_of_a_race_frees_its_table(tmp_path: Path) -> None:
    source = """
int grow(struct mm_struct *mm, pmd_t *pmd)
{
	pgtable_t new = pte_alloc_one(mm);
	if (!new)
		return -ENOMEM;
	if (pmd_none(*pmd))
		pmd_populate(mm, pmd, new);
	%s
	return 0;
}
"""
    allocator = _PTE % _GOOD + _FREE % "	pgtable_page_dtor(pte);\n	__free_page(pte);"
    assert findings("E0", tmp_path, pgalloc=allocator, mmu=source % "else\n		pte_free(mm, new);") == []
    assert [rule for rule, _, _ in said(findings("E0", tmp_path, pgalloc=allocator, mmu=source % ""))] == ["C17"]
    raw = findings("E0", tmp_path, pgalloc=allocator, mmu=source % "else\n		__free_page(new);")
    assert [rule for rule, _, _ in said(raw)] == ["C06"]


def test_the_mm_of_a_user_table_is_not_init_mm(tmp_path: Path) -> None:
    source = """
pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)
{
	struct ptdesc *pt = pagetable_alloc(GFP_KERNEL, 0);
	if (!pt)
		return NULL;
	if (!pagetable_pmd_ctor(%s, pt)) {
		pagetable_free(pt);
		return NULL;
	}
	return ptdesc_address(pt);
}
"""
    assert findings("E6", tmp_path, mmu=source % "mm") == []
    assert [rule for rule, _, _ in said(findings("E6", tmp_path, mmu=source % "&init_mm"))] == ["C19"]


def test_evidence_leads_from_allocation_to_free(tmp_path: Path) -> None:
    body = _GOOD + "\n	if (mm->broken) {\n		__free_page(pte);\n		return NULL;\n	}"
    found = findings("E0", tmp_path, pgalloc=_PTE % body)
    assert [finding.rule for finding in found] == ["C06"]
    assert [step.text.split(":")[0] for step in found[0].evidence] == ["allocates", "constructs", "frees"]


def test_a_finding_says_under_which_condition_it_exists(tmp_path: Path) -> None:
    body = "#ifdef CONFIG_TOY\n" + _GOOD + "\n#else\n	pgtable_page_ctor(pte);\n#endif"
    found = findings("E0", tmp_path, pgalloc=_PTE % body)
    assert [(finding.rule, finding.condition) for finding in found] == [("C01", "!defined(CONFIG_TOY)")]


@pytest.mark.parametrize("code", RULES)
def test_every_rule_has_a_page(code: str) -> None:
    page = RULES[code].page()
    assert page.startswith(code + " ")
    assert "Wrong:" in page
    assert "Source:" in page
