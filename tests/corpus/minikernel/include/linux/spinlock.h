/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LINUX_SPINLOCK_H
#define _LINUX_SPINLOCK_H

typedef struct {
	unsigned int owner;
} spinlock_t;

#define DEFINE_SPINLOCK(name)	spinlock_t name

void spin_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);

#endif
