/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LINUX_BUG_H
#define _LINUX_BUG_H

#define BUG()			__builtin_trap()
#define BUG_ON(condition)	do { if (__builtin_expect(!!(condition), 0)) BUG(); } while (0)

#endif
