"""A kernel-like tree of a few lines per epoch, written for these tests, and the check run on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.protocol import Coverage
from reviewbot.findings import Finding
from reviewbot.tree.files import Files
from reviewbot.tree.readers import DirectoryFiles, OverlayFiles

_OLD = """
static inline bool {pte}_ctor(struct page *page) {{ return true; }}
static inline void {pte}_dtor(struct page *page) {{ }}
{extra}
static inline bool pgtable_pmd_page_ctor(struct page *page) {{ return true; }}
static inline void pgtable_pmd_page_dtor(struct page *page) {{ }}
"""
_PTDESC = """
static inline struct ptdesc *pagetable_alloc(gfp_t gfp, unsigned int order)
{{
	return page_ptdesc(alloc_pages(gfp | __GFP_COMP, order));
}}
static inline void pagetable_free(struct ptdesc *pt) {{ __free_pages(ptdesc_page(pt), 0); }}
#define page_ptdesc(p) ((struct ptdesc *)(p))
#define ptdesc_page(pt) ((struct page *)(pt))
static inline struct ptdesc *virt_to_ptdesc(const void *x) {{ return page_ptdesc(virt_to_page(x)); }}
static inline void *ptdesc_address(const struct ptdesc *pt) {{ return page_address(ptdesc_page(pt)); }}
static inline bool pagetable_pte_ctor({mm}struct ptdesc *ptdesc) {{ return true; }}
static inline bool pagetable_pmd_ctor({mm}struct ptdesc *ptdesc) {{ return true; }}
"""
_PER_LEVEL = """
static inline void pagetable_pte_dtor(struct ptdesc *ptdesc) { }
static inline void pagetable_pmd_dtor(struct ptdesc *ptdesc) { }
"""
_COMMON = """
static inline void pagetable_dtor(struct ptdesc *ptdesc) { }
static inline void pagetable_dtor_free(struct ptdesc *ptdesc) { pagetable_dtor(ptdesc); pagetable_free(ptdesc); }
static inline void __pagetable_ctor(struct ptdesc *ptdesc) { }
static inline void pagetable_pud_ctor(struct ptdesc *ptdesc) { __pagetable_ctor(ptdesc); }
static inline void pagetable_p4d_ctor(struct ptdesc *ptdesc) { __pagetable_ctor(ptdesc); }
static inline void pagetable_pgd_ctor(struct ptdesc *ptdesc) { __pagetable_ctor(ptdesc); }
"""
_PUD = """
static inline void pagetable_pud_ctor(struct ptdesc *ptdesc) { }
static inline void pagetable_pud_dtor(struct ptdesc *ptdesc) { }
"""
#: allocators as they should be, of the first epoch and of the fifth, and one that does not look whether it worked
PTE_ALLOC = """
static inline pgtable_t pte_alloc_one(struct mm_struct *mm)
{
	struct page *pte = alloc_pages(GFP_KERNEL, 0);

	if (!pte)
		return NULL;
	if (!pgtable_page_ctor(pte)) {
		__free_page(pte);
		return NULL;
	}
	return pte;
}
"""
PTE_ALLOC_UNCHECKED = PTE_ALLOC.replace(
    "if (!pgtable_page_ctor(pte)) {\n		__free_page(pte);\n		return NULL;\n	}", "pgtable_page_ctor(pte);"
)
PMD_ALLOC = """
static inline pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)
{
	struct ptdesc *pt = pagetable_alloc(GFP_PGTABLE_USER, 0);

	if (!pt)
		return NULL;
	if (!pagetable_pmd_ctor(pt)) {
		pagetable_free(pt);
		return NULL;
	}
	return ptdesc_address(pt);
}
"""
MM_H = {
    "E0": _OLD.format(pte="pgtable_page", extra=""),
    "E1": _OLD.format(pte="pgtable_pte_page", extra=""),
    "E2": _OLD.format(pte="pgtable_pte_page", extra="bool pmd_ptlock_init(struct page *page);"),
    "E3": _PTDESC.format(mm="") + _PER_LEVEL,
    "E4": _PTDESC.format(mm="") + _PER_LEVEL + _PUD,
    "E5": _PTDESC.format(mm="") + _COMMON,
    "E6": _PTDESC.format(mm="struct mm_struct *mm, ") + _COMMON,
    "E7": _PTDESC.format(mm="struct mm_struct *mm, ").replace("return page", "NR_PAGETABLE; return page", 1)
    + _COMMON,
}  # fmt: skip
_TLB_OLD = "static inline void tlb_remove_page(struct mmu_gather *tlb, struct page *page) { }\n"
_TLB_NEW = """
static inline void __tlb_remove_table(void *table) { pagetable_dtor_free(table); }
static inline void tlb_remove_ptdesc(struct mmu_gather *tlb, void *pt) { tlb_remove_table(tlb, pt); }
static inline void tlb_remove_page_ptdesc(struct mmu_gather *tlb, struct ptdesc *pt) { tlb_remove_page(tlb, pt); }
"""


def tree(epoch: str, **files: str) -> dict[str, bytes | None]:
    """The files of a small tree: the API headers of an epoch, two architectures, and what is given.

    A file is given by keyword: ``pgalloc`` is arch/toy/include/asm/pgalloc.h, ``mmu`` arch/toy/mm/mmu.c.
    """
    places = {
        "pgalloc": "arch/toy/include/asm/pgalloc.h",
        "mmu": "arch/toy/mm/mmu.c",
        "tlb": "arch/toy/include/asm/tlb.h",
    }
    new = epoch in ("E5", "E6", "E7")
    content: dict[str, bytes | None] = {
        "include/linux/mm.h": MM_H[epoch].encode(),
        "include/asm-generic/tlb.h": (_TLB_NEW if new else _TLB_OLD).encode(),
        "arch/x86/Kconfig": b"config X86\n\tselect ARCH_ENABLE_SPLIT_PMD_PTLOCK\n",
    }
    content.update({places.get(name, name): text.encode() for name, text in files.items()})
    return content


def files(epoch: str, folder: Path, **given: str) -> Files:
    """The same as something that can be read; nothing is written to the folder."""
    return OverlayFiles(DirectoryFiles(folder), tree(epoch, **given))


def findings(
    epoch: str, folder: Path, *, paths: Sequence[str] = (), rules: Sequence[str] = (), **given: str
) -> list[Finding]:
    """Run the check over such a tree."""
    return list(PgtableCheck(rules).check(files(epoch, folder, **given), paths, Coverage()))


def said(found: list[Finding]) -> list[tuple[str, str, str]]:
    """Rule, function and source text of each finding."""
    return [(finding.rule, finding.location.function, finding.location.text) for finding in found]
