/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LINUX_MM_H
#define _LINUX_MM_H

#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/mm_types.h>
#include <asm/page.h>

struct page *virt_to_page(const void *address);
void *page_address(const struct page *page);
struct page *phys_to_page(phys_addr_t pa);

static inline struct ptdesc *virt_to_ptdesc(const void *address)
{
	return page_ptdesc(virt_to_page(address));
}

static inline void *ptdesc_address(const struct ptdesc *ptdesc)
{
	return page_address(ptdesc_page(ptdesc));
}

/* A page for a table of any level; it needs the constructor of its level. */
static inline struct ptdesc *pagetable_alloc(gfp_t gfp, unsigned int order)
{
	return page_ptdesc(alloc_pages(gfp, order));
}

static inline void pagetable_free(struct ptdesc *ptdesc)
{
	__free_pages(ptdesc_page(ptdesc), 0);
}

bool ptlock_alloc(struct ptdesc *ptdesc);
void ptlock_free(struct ptdesc *ptdesc);
void __folio_set_pgtable(struct ptdesc *ptdesc);
void __folio_clear_pgtable(struct ptdesc *ptdesc);

static inline bool ptlock_init(struct ptdesc *ptdesc)
{
	return ptlock_alloc(ptdesc);
}

/* False when there is no memory for the lock of the table. */
static inline bool pagetable_pte_ctor(struct ptdesc *ptdesc)
{
	if (!ptlock_init(ptdesc))
		return false;
	__folio_set_pgtable(ptdesc);
	return true;
}

static inline void pagetable_pte_dtor(struct ptdesc *ptdesc)
{
	ptlock_free(ptdesc);
	__folio_clear_pgtable(ptdesc);
}

static inline bool pmd_ptlock_init(struct ptdesc *ptdesc)
{
	return ptlock_init(ptdesc);
}

static inline void pmd_ptlock_free(struct ptdesc *ptdesc)
{
	ptlock_free(ptdesc);
}

/* False when there is no memory for the lock of the table. */
static inline bool pagetable_pmd_ctor(struct ptdesc *ptdesc)
{
	if (!pmd_ptlock_init(ptdesc))
		return false;
	__folio_set_pgtable(ptdesc);
	return true;
}

static inline void pagetable_pmd_dtor(struct ptdesc *ptdesc)
{
	pmd_ptlock_free(ptdesc);
	__folio_clear_pgtable(ptdesc);
}

static inline void pagetable_pud_ctor(struct ptdesc *ptdesc)
{
	__folio_set_pgtable(ptdesc);
}

static inline void pagetable_pud_dtor(struct ptdesc *ptdesc)
{
	__folio_clear_pgtable(ptdesc);
}

#endif
