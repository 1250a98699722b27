// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes of single pages of the linear map. */

#include <linux/mm.h>
#include <asm/pgtable.h>
#include <asm/set_memory.h>

int set_direct_map_invalid_noflush(struct page *page)
{
	unsigned long addr = (unsigned long)page_address(page);
	pud_t *pudp = pud_offset_k(addr);
	pmd_t *pmdp;

	if (pud_sect(*pudp))
		return -EOPNOTSUPP;

	pmdp = pmd_offset(pudp, addr);
	if (pmd_sect(*pmdp))
		return -EOPNOTSUPP;

	set_pte(pte_offset_kernel(pmdp, addr), __pa((void *)addr));
	return 0;
}
