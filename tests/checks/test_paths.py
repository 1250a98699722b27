"""What tells the paths of one function apart, and what does not."""

from pathlib import Path

from tests.checks.minitree import findings, said

_FREE = """
static inline pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long address)
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
static void drop_pmds(pmd_t *pmds[], int count%s)
{
	int i;

	for (i = 0; i < count; i++) {
		struct ptdesc *ptdesc = virt_to_ptdesc(pmds[i]);

		%spagetable_pmd_dtor(ptdesc);
		pagetable_free(ptdesc);
	}
}
"""


def _found(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    return [(rule, function) for rule, function, _ in said(findings("E4", tmp_path, mmu=text))]


def _rules(tmp_path: Path, extra: str, test: str) -> list[tuple[str, str]]:
    return _found(tmp_path, _FREE % (extra, test))


def test_a_table_that_is_destroyed_on_other_paths_is_destroyed_on_all(tmp_path: Path) -> None:
    assert _rules(tmp_path, "", "") == []
    assert _rules(tmp_path, "", "if (current->mm)\n\t\t\t") == [("C06", "drop_pmds")]


def test_the_caller_may_say_that_a_table_is_of_another_kind(tmp_path: Path) -> None:
    assert _rules(tmp_path, ", bool is_vmemmap", "if (!is_vmemmap)\n\t\t\t") == []


def test_a_condition_of_the_configuration_chooses_no_level(tmp_path: Path) -> None:
    wrong = (_FREE % ("", "")).replace("pagetable_pmd_ctor", "pagetable_pte_ctor")
    text = f"#if CONFIG_PGTABLE_LEVELS == 3\n{wrong}\n#endif\n"
    assert ("C03", "pmd_alloc_one") in [
        (rule, function) for rule, function, _ in said(findings("E4", tmp_path, mmu=text))
    ]


def test_a_constructor_that_is_reached_without_memory_is_found_as_that(tmp_path: Path) -> None:
    text = (_FREE % ("", "")).replace("if (!ptdesc)\n\t\treturn NULL;", "if (!ptdesc)\n\t\tpr_warn(1);")
    assert ("C13", "pmd_alloc_one") in [
        (rule, function) for rule, function, _ in said(findings("E4", tmp_path, mmu=text))
    ]


def test_a_macro_hands_on_as_many_arguments_as_its_callee_takes(tmp_path: Path) -> None:
    macro = "#define table_begin(...) pagetable_pmd_ctor(__VA_ARGS__)\n"
    text = (_FREE % ("", "")).replace("if (!pagetable_pmd_ctor(ptdesc))", "if (!table_begin(mm, ptdesc))")
    new = (macro + text).replace("pagetable_pmd_dtor", "pagetable_dtor")
    assert said(findings("E6", tmp_path, mmu=new)) == []
    named = macro.replace("...", "args...").replace("__VA_ARGS__", "args")
    assert said(findings("E6", tmp_path, mmu=new.replace(macro, named))) == []


def test_the_generic_batch_destroys_for_every_architecture(tmp_path: Path) -> None:
    text = "static inline void __tlb_remove_table(void *table) { pagetable_free(table); }\n"
    found = said(findings("E5", tmp_path, **{"include/asm-generic/tlb.h": text}))
    assert ("C11", "__tlb_remove_table") in [(rule, function) for rule, function, _ in found]


def test_a_table_from_a_pool_does_not_go_to_the_page_allocator(tmp_path: Path) -> None:
    pool = """
static inline pte_t *pte_alloc_one_kernel(struct mm_struct *mm) { return pool_get(mm); }
static inline void pte_free_kernel(struct mm_struct *mm, pte_t *pte) { pool_put(pte, 1); }
"""
    user = """
pgtable_t pte_alloc_one(struct mm_struct *mm)
{
	pte_t *pte = pte_alloc_one_kernel(mm);
	struct page *page;

	if (!pte)
		return NULL;
	page = virt_to_page(pte);
	if (!pagetable_pte_ctor(page_ptdesc(page))) {
		%s;
		return NULL;
	}
	return page;
}
"""
    wrong = said(findings("E4", tmp_path, pgalloc=pool, mmu=user % "__free_page(page)"))
    assert [(rule, text) for rule, _, text in wrong] == [("C14", "__free_page(page);")]
    assert said(findings("E4", tmp_path, pgalloc=pool, mmu=user % "pte_free_kernel(mm, pte)")) == []
