// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's own page tables. */

#include <linux/mm.h>
#include <asm/pgalloc.h>
#include <asm/tlb.h>

static phys_addr_t pgd_pgtable_alloc(int shift)
{
	struct ptdesc *ptdesc = pagetable_alloc(GFP_PGTABLE_KERNEL, 0);

	BUG_ON(!ptdesc);
	if (shift == PAGE_SHIFT)
		BUG_ON(!pagetable_pte_ctor(ptdesc));
	else if (shift == PMD_SHIFT)
		BUG_ON(!pagetable_pmd_ctor(ptdesc));

	return __pa(ptdesc_address(ptdesc));
}

void create_pgd_mapping(struct mm_struct *mm, phys_addr_t phys, unsigned long virt, unsigned long size)
{
	unsigned long addr;

	for (addr = virt; addr < virt + size; addr += PAGE_SIZE, phys += PAGE_SIZE) {
		pmd_t *pmdp = pmd_offset(pud_offset_k(addr), addr);

		if (pmd_none(*pmdp))
			set_pmd(pmdp, pgd_pgtable_alloc(PAGE_SHIFT) | TABLE_BITS);
		set_pte(pte_offset_kernel(pmdp, addr), phys | PAGE_BITS);
	}
}

/* A table for mappings that firmware asks for. */
pgtable_t firmware_table_alloc(struct mm_struct *mm)
{
	struct ptdesc *ptdesc;

	ptdesc = pagetable_alloc(GFP_PGTABLE_USER, 0);
	if (!ptdesc)
		return NULL;
	pagetable_pte_ctor(ptdesc);

	return ptdesc_page(ptdesc);
}

#ifdef CONFIG_MEMORY_HOTPLUG
void free_empty_pte_table(pmd_t *pmdp, unsigned long addr)
{
	pte_t *ptep = pte_offset_kernel(pmdp, addr & PMD_MASK);

	pmd_clear(pmdp);
	flush_tlb_kernel_range(addr, addr + PMD_SIZE);
	free_page((unsigned long)ptep);
}
#endif
