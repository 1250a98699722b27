/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef __ASM_PGTABLE_H
#define __ASM_PGTABLE_H

#include <linux/mm_types.h>

#define PMD_SHIFT	21
#define PMD_SIZE	(1UL << PMD_SHIFT)
#define PMD_MASK	(~(PMD_SIZE - 1))
#define PUD_SHIFT	30
#define PUD_SIZE	(1UL << PUD_SHIFT)
#define PTRS_PER_PTE	512
#define PTRS_PER_PMD	512

#define TABLE_BITS	3ULL
#define BLOCK_BITS	1ULL
#define PAGE_BITS	3ULL
#define ADDRESS_BITS	0x0000fffffffff000ULL

static inline bool pmd_sect(pmd_t pmd)
{
	return (pmd.pmd & 3) == BLOCK_BITS;
}

static inline bool pud_sect(pud_t pud)
{
	return (pud.pud & 3) == BLOCK_BITS;
}

static inline bool pmd_none(pmd_t pmd)
{
	return !pmd.pmd;
}

static inline void pmd_clear(pmd_t *pmdp)
{
	pmdp->pmd = 0;
}

static inline void set_pte(pte_t *ptep, u64 val)
{
	ptep->pte = val;
}

static inline void set_pmd(pmd_t *pmdp, u64 val)
{
	pmdp->pmd = val;
}

pud_t *pud_offset_k(unsigned long addr);
pmd_t *pmd_offset(pud_t *pudp, unsigned long addr);
pte_t *pte_offset_kernel(pmd_t *pmdp, unsigned long addr);
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

#endif
