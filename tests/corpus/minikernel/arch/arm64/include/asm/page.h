/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef __ASM_PAGE_H
#define __ASM_PAGE_H

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))

phys_addr_t __pa(const void *address);
void *__va(phys_addr_t pa);

#endif
