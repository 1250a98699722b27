/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef __ASM_PGALLOC_H
#define __ASM_PGALLOC_H

#include <linux/mm.h>
#include <asm/pgtable.h>
#include <asm-generic/pgalloc.h>

static inline void pud_populate(struct mm_struct *mm, pud_t *pudp, pmd_t *pmdp)
{
	pudp->pud = __pa(pmdp) | TABLE_BITS;
}

static inline void pmd_populate_kernel(struct mm_struct *mm, pmd_t *pmdp, pte_t *ptep)
{
	pmdp->pmd = __pa(ptep) | TABLE_BITS;
}

static inline void pmd_populate(struct mm_struct *mm, pmd_t *pmdp, pgtable_t ptep)
{
	pmdp->pmd = __pa(page_address(ptep)) | TABLE_BITS;
}

#endif
