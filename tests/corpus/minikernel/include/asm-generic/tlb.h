/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_GENERIC_TLB_H
#define _ASM_GENERIC_TLB_H

/* Frees the page of a table after the TLBs are flushed; the destructor has run before. */
void tlb_remove_ptdesc(struct mmu_gather *tlb, void *pt);

#endif
