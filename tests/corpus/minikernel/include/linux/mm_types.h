/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LINUX_MM_TYPES_H
#define _LINUX_MM_TYPES_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <asm/pgtable-types.h>

struct page {
	unsigned long flags;
	unsigned long private;
	struct list_head lru;
};

/* The descriptor of a page that holds a page table. */
struct ptdesc {
	unsigned long __page_flags;
	spinlock_t *ptl;
	struct list_head pt_list;
};

struct mm_struct {
	pgd_t *pgd;
	spinlock_t page_table_lock;
};

struct mmu_gather {
	struct mm_struct *mm;
};

extern struct mm_struct init_mm;

#define page_ptdesc(page)	((struct ptdesc *)(page))
#define ptdesc_page(ptdesc)	((struct page *)(ptdesc))

#endif
