"""The same mistake is found, and the same right code left alone, however it is written."""

from pathlib import Path

import pytest

from tests.checks.minitree import findings

_ALLOC = """
static inline pgtable_t pte_alloc_one(struct mm_struct *mm)
{
	struct ptdesc *pt = pagetable_alloc(GFP_PGTABLE_USER, 0);

	if (!pt)
		return NULL;
	if (!pagetable_pte_ctor(mm, pt)) {
		pagetable_free(pt);
		return NULL;
	}
	return ptdesc_page(pt);
}
"""
_FREE = "static inline void pte_free(struct mm_struct *mm, struct page *page)\n{\n%s}\n"


def _freed(folder: Path, body: str, before: str = "") -> set[str]:
    return {found.rule for found in findings("E6", folder, pgalloc=_ALLOC + before + _FREE % body)}


def _made(folder: Path, body: str) -> set[str]:
    text = f"static inline struct ptdesc *pte_alloc_one(struct mm_struct *mm)\n{{\n{body}}}\n"
    text += "static inline void pte_free(struct mm_struct *mm, struct ptdesc *pt)\n{\n	pagetable_dtor_free(pt);\n}\n"
    return {found.rule for found in findings("E6", folder, pgalloc=text)}


_CALLBACK = """
static void give_back(struct rcu_head *head)
{
	struct ptdesc *pt = container_of(head, struct ptdesc, pt_rcu_head);

%s}
"""


@pytest.mark.parametrize(
    "body",
    [
        "	__free_page(page);\n",
        "	(__free_page)(page);\n",
        "	void (*give)(struct page *) = __free_page;\n\n	give(page);\n",
        "	void (*give)(struct page *);\n\n	give = &__free_page;\n	(*give)(page);\n",
        "	page ? __free_page(page) : (void)0;\n",
        "	__free_pages(page, get_order(PAGE_SIZE));\n",
        "	free_unref_page(page, 0);\n",
        "	free_frozen_pages(page, 0);\n",
        "	folio_put(page_folio(page));\n",
        "	scoped_guard(spinlock, &mm->page_table_lock) {\n		__free_page(page);\n	}\n",
    ],
)
def test_a_free_without_destructor_is_found(body: str, tmp_path: Path) -> None:
    assert _freed(tmp_path, body) == {"C06"}


@pytest.mark.parametrize(
    "body",
    [
        "	pagetable_dtor_free(page_ptdesc(page));\n",
        "	void (*end)(struct ptdesc *) = pagetable_dtor;\n\n	end(page_ptdesc(page));\n	__free_page(page);\n",
        "	(pagetable_dtor)(page_ptdesc(page));\n	(__free_page)(page);\n",
        "	guard(spinlock)(&mm->page_table_lock);\n	pagetable_dtor(page_ptdesc(page));\n	__free_page(page);\n",
        "	struct folio *folio = page_folio(page);\n\n	pagetable_dtor(page_ptdesc(page));\n	folio_put(folio);\n",
    ],
)
def test_a_free_with_its_destructor_is_left_alone(body: str, tmp_path: Path) -> None:
    assert _freed(tmp_path, body) == set()


@pytest.mark.parametrize("later", ["call_rcu", "call_rcu_hurry"])
def test_what_happens_after_a_grace_period_counts(later: str, tmp_path: Path) -> None:
    body = f"	{later}(&page->rcu_head, give_back);\n"
    assert _freed(tmp_path, body, _CALLBACK % "	pagetable_free(pt);\n") == {"C06"}
    assert _freed(tmp_path, body, _CALLBACK % "	pagetable_dtor_free(pt);\n") == set()
    twice = "	pagetable_dtor(page_ptdesc(page));\n" + body
    assert "C07" in _freed(tmp_path, twice, _CALLBACK % "	pagetable_dtor_free(pt);\n")


_GOT = "	struct ptdesc *pt = pagetable_alloc(GFP_PGTABLE_USER, 0);\n\n	if (!pt)\n		return NULL;\n"


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("	(void)(pagetable_pte_ctor)(mm, pt);\n	return pt;\n", "C01"),
        ("	bool (*make)(void *, void *) = pagetable_pte_ctor;\n	make(mm, pt);\n	return pt;\n", "C01"),
        ("	VM_BUG_ON(!pagetable_pte_ctor(mm, pt));\n	return pt;\n", "C01"),
        ("	VM_WARN_ON(!pagetable_pte_ctor(mm, pt));\n	return pt;\n", "C01"),
        ("	return pagetable_pte_ctor(mm, pt) ? pt : NULL;\n", "C10"),
        ("	return !pagetable_pte_ctor(mm, pt) ? (struct ptdesc *)NULL : pt;\n", "C10"),
        ("	scoped_guard(mutex, &lock)\n		pagetable_pte_ctor(mm, pt);\n	return pt;\n", "C01"),
    ],
)  # fmt: skip
def test_a_constructor_that_is_not_heeded_is_found(body: str, rule: str, tmp_path: Path) -> None:
    assert _made(tmp_path, _GOT + body) == {rule}


@pytest.mark.parametrize(
    "body",
    [
        "	return pagetable_pte_ctor(mm, pt) ? pt : (pagetable_free(pt), NULL);\n",
        "	return !pagetable_pte_ctor(mm, pt) ? ({ pagetable_free(pt); (struct ptdesc *)NULL; }) : pt;\n",
        "	VM_BUG_ON(!pt);\n	BUG_ON(!pagetable_pte_ctor(mm, pt));\n	return pt;\n",
        "	if (WARN_ON(!pagetable_pte_ctor(mm, pt)))\n		return (pagetable_free(pt), NULL);\n	return pt;\n",
    ],
)  # fmt: skip
def test_a_constructor_that_is_heeded_is_left_alone(body: str, tmp_path: Path) -> None:
    assert _made(tmp_path, _GOT + body) == set()


_FOLIO = """
	struct folio *folio = {0};

	if (!folio)
		return NULL;
	if (!pagetable_pte_ctor(mm, page_ptdesc(&folio->page))) {{
{1}		return NULL;
	}}
	return page_ptdesc(&folio->page);
"""


@pytest.mark.parametrize(
    "call", ["folio_alloc(GFP_USER, 0)", "folio_alloc_noprof(GFP_USER, 0)", "__folio_alloc(GFP_USER, 0, nid, NULL)"]
)
def test_a_table_may_be_allocated_as_a_folio(call: str, tmp_path: Path) -> None:
    assert _made(tmp_path, _FOLIO.format(call, "		folio_put(folio);\n")) == set()
    assert _made(tmp_path, _FOLIO.format(call, "")) == {"C10"}


@pytest.mark.parametrize(
    ("call", "free"),
    [
        ("kmem_cache_alloc_lru(cache, lru, GFP_KERNEL)", "kmem_cache_free(cache, p)"),
        ("kmemdup(zero, PAGE_SIZE, GFP_KERNEL)", "kfree(p)"),
        ("kmalloc_array(512, 8, GFP_KERNEL)", "kfree(p)"),
        ("kzalloc_objs(pte_t, 512, GFP_KERNEL)", "kfree(p)"),
        ("kvmalloc_array(512, 8, GFP_KERNEL)", "kvfree(p)"),
        ("__vmalloc(PAGE_SIZE, GFP_KERNEL)", "vfree(p)"),
        ("memblock_alloc(PAGE_SIZE, PAGE_SIZE)", "memblock_free(p, PAGE_SIZE)"),
        ("mempool_alloc(pool, GFP_KERNEL)", "mempool_free(p, pool)"),
        ("dma_pool_alloc(pool, GFP_KERNEL, &dma)", "dma_pool_free(pool, p, dma)"),
    ],
)
def test_memory_without_a_page_of_its_own_is_not_constructed(call: str, free: str, tmp_path: Path) -> None:
    body = f"	void *p = {call};\n\n	if (!p)\n		return NULL;\n"
    body += f"	if (!pagetable_pte_ctor(mm, virt_to_ptdesc(p))) {{\n		{free};\n		return NULL;\n	}}\n"
    assert "C04" in _made(tmp_path, body + "	return virt_to_ptdesc(p);\n")


@pytest.mark.parametrize("kind", ["pte_t *", "unsigned long "])
def test_the_address_of_a_variable_is_not_that_of_the_table(kind: str, tmp_path: Path) -> None:
    body = f"	{kind}p = ({kind})__get_free_page(GFP_KERNEL);\n\n	if (!p)\n		return NULL;\n"
    body += "	BUG_ON(!pagetable_pte_ctor(mm, virt_to_ptdesc((void *)%sp)));\n	return virt_to_ptdesc((void *)p);\n"
    assert "C24" in _made(tmp_path, body % "&")
    assert _made(tmp_path, body % "") == set()


def test_a_descriptor_is_no_address_and_an_address_no_descriptor(tmp_path: Path) -> None:
    assert "C24" in _freed(tmp_path, "	pagetable_dtor_free(virt_to_ptdesc(page));\n")
    assert "C24" in _freed(tmp_path, "	pte_t *pte = page_address(page);\n\n	pagetable_dtor_free((void *)pte);\n")
