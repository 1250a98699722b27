// SPDX-License-Identifier: GPL-2.0-or-later
/* Counts the blocks of the linear map; not part of the default configuration. */

#include <linux/mm.h>
#include <asm/pgtable.h>

unsigned long count_blocks(unsigned long start, unsigned long end)
{
	unsigned long addr, blocks = 0;

	for (addr = start; addr < end; addr += PMD_SIZE)
		blocks += pmd_sect(*pmd_offset(pud_offset_k(addr), addr));
	return blocks;
}
