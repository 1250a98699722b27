"""Small invented kernel-like sources: the state before a series, and after each of its patches."""

MMU = "arch/arm64/mm/mmu.c"
PGALLOC = "arch/arm64/include/asm/pgalloc.h"

_HEAD = """\
// SPDX-License-Identifier: GPL-2.0-only
/* Invented for the tests: page tables that are made late. */

#include <linux/mm.h>
#include <asm/pgalloc.h>

static DEFINE_MUTEX(late_lock);

static void free_hotplug_page(struct page *page, size_t size)
{
	WARN_ON(PageReserved(page));
	free_pages((unsigned long)page_address(page), 0);
}

"""

_TAIL = """\

void *map_late(phys_addr_t phys, size_t size, pgprot_t prot)
{
	void *where;

	mutex_lock(&late_lock);
	where = __map_late(phys, size, prot, late_pgtable_alloc);
	mutex_unlock(&late_lock);
	return where;
}
"""

BEFORE = {
    MMU: _HEAD
    + """\
static phys_addr_t late_pgtable_alloc(void)
{
	struct page *page = alloc_page(GFP_PGTABLE_KERNEL);

	if (!page)
		return 0;
	return page_to_phys(page);
}
"""
    + _TAIL,
}

AFTER = {
    1: _HEAD
    + """\
enum late_level { LATE_PTE, LATE_PMD, LATE_PUD };

static phys_addr_t late_pgtable_alloc(enum late_level level)
{
	struct page *page = alloc_page(GFP_PGTABLE_KERNEL);

	if (!page)
		return 0;
	return page_to_phys(page);
}
"""
    + _TAIL,
    2: _HEAD
    + """\
enum late_level { LATE_PTE, LATE_PMD, LATE_PUD };

static phys_addr_t late_pgtable_alloc(enum late_level level)
{
	struct ptdesc *ptdesc;
	int order = 0;

	ptdesc = pagetable_alloc(GFP_PGTABLE_KERNEL, 0);
	if (!ptdesc)
		return 0;
	if (level == LATE_PTE)
		pagetable_pte_ctor(ptdesc);
	else if (level == LATE_PMD && !pagetable_pmd_ctor(ptdesc)) {
		pagetable_free(ptdesc);
		return 0;
	}
	return __pa(ptdesc_address(ptdesc));
}
"""
    + _TAIL,
    3: _HEAD
    + """\
enum late_level { LATE_PTE, LATE_PMD, LATE_PUD };

static phys_addr_t late_pgtable_alloc(enum late_level level)
{
	struct ptdesc *ptdesc;

	ptdesc = pagetable_alloc(GFP_PGTABLE_KERNEL, 0);
	if (!ptdesc)
		return 0;
	if (level == LATE_PTE)
		pagetable_pte_ctor(ptdesc);
	else if (level == LATE_PMD && !pagetable_pmd_ctor(ptdesc)) {
		goto fail;
	}
	return __pa(ptdesc_address(ptdesc));
fail:
	__free_page(ptdesc_page(ptdesc));
	return 0;
}

static void late_pgtable_free(phys_addr_t phys)
{
	struct ptdesc *ptdesc = page_ptdesc(phys_to_page(phys));

	pagetable_free(ptdesc);
}
"""
    + _TAIL,
}
