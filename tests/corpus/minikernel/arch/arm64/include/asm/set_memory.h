/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef __ASM_SET_MEMORY_H
#define __ASM_SET_MEMORY_H

struct page;

int set_direct_map_invalid_noflush(struct page *page);

#endif
