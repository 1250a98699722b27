/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H

typedef unsigned long long u64;
typedef u64 phys_addr_t;
typedef unsigned int gfp_t;
typedef _Bool bool;

#define true	1
#define false	0
#define NULL	((void *)0)

struct list_head {
	struct list_head *next, *prev;
};

#endif
