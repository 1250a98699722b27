/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LINUX_GFP_H
#define _LINUX_GFP_H

#include <linux/types.h>

#define __GFP_ZERO	0x1u
#define __GFP_ACCOUNT	0x2u
#define GFP_KERNEL	0x4u

struct page;

unsigned long __get_free_page(gfp_t gfp);
void free_page(unsigned long addr);
void free_pages(unsigned long addr, unsigned int order);
struct page *alloc_pages(gfp_t gfp, unsigned int order);
void __free_pages(struct page *page, unsigned int order);

#endif
