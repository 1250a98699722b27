"""The kernel's words for memory that may become a page table: who makes it, who frees it, who renames it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

#: page-table levels from the bottom up
LEVELS = ("pte", "pmd", "pud", "p4d", "pgd")


class Allocator(NamedTuple):
    """A function of the core kernel that hands out memory.

    :ivar family: ``pages`` (the buddy allocator), ``ptdesc``, ``exact``, ``slab``, ``vmalloc``, ``percpu``, ``pool``
        (memory that is set aside for one use) or ``boot``.
    :ivar form: how the result names the memory: ``virt page desc folio phys``.
    :ivar fails: whether it may return NULL.
    :ivar order: index of the argument that gives the order, -1 when it has none.
    """

    family: str
    form: str
    fails: bool = True
    order: int = -1


ALLOCATORS = {
    "alloc_page": Allocator("pages", "page"),
    "alloc_pages": Allocator("pages", "page", order=1),
    "alloc_pages_node": Allocator("pages", "page", order=2),
    "__alloc_pages_node": Allocator("pages", "page", order=2),
    "alloc_pages_current": Allocator("pages", "page", order=1),
    "alloc_pages_exact": Allocator("exact", "virt"),
    "alloc_pages_exact_nid": Allocator("exact", "virt"),
    "__alloc_pages": Allocator("pages", "page", order=1),
    "__alloc_pages_nodemask": Allocator("pages", "page", order=1),
    "__get_free_page": Allocator("pages", "virt"),
    "__get_free_pages": Allocator("pages", "virt", order=1),
    "get_zeroed_page": Allocator("pages", "virt"),
    "get_free_pages": Allocator("pages", "virt", order=1),
    "__get_dma_pages": Allocator("pages", "virt", order=1),
    "folio_alloc": Allocator("pages", "folio", order=1),
    "__folio_alloc": Allocator("pages", "folio", order=1),
    "__folio_alloc_node": Allocator("pages", "folio", order=1),
    "pagetable_alloc": Allocator("ptdesc", "desc", order=1),
    "quicklist_alloc": Allocator("pages", "virt"),
    "kmem_cache_alloc": Allocator("slab", "virt"),
    "kmem_cache_zalloc": Allocator("slab", "virt"),
    "kmem_cache_alloc_node": Allocator("slab", "virt"),
    "kmem_cache_alloc_lru": Allocator("slab", "virt"),
    **dict.fromkeys(
        ("kmalloc", "kzalloc", "kcalloc", "kmalloc_array", "kmalloc_node", "kzalloc_node", "krealloc", "kmemdup"),
        Allocator("slab", "virt"),
    ),
    **dict.fromkeys(("kmalloc_obj", "kmalloc_objs", "kzalloc_obj", "kzalloc_objs"), Allocator("slab", "virt")),
    **dict.fromkeys(
        ("vmalloc", "__vmalloc", "vzalloc", "vmalloc_node", "vzalloc_node", "vmalloc_user"),
        Allocator("vmalloc", "virt"),
    ),
    **dict.fromkeys(
        ("kvmalloc", "kvzalloc", "kvcalloc", "kvmalloc_array", "kvmalloc_node", "kvzalloc_node"),
        Allocator("vmalloc", "virt"),
    ),
    **dict.fromkeys(("alloc_percpu", "__alloc_percpu", "alloc_percpu_gfp"), Allocator("percpu", "virt")),
    **dict.fromkeys(
        ("mempool_alloc", "dma_pool_alloc", "dma_pool_zalloc", "dma_alloc_coherent", "gen_pool_alloc"),
        Allocator("pool", "virt"),
    ),
    "memblock_alloc": Allocator("boot", "virt"),
    "memblock_alloc_low": Allocator("boot", "virt"),
    "memblock_alloc_node": Allocator("boot", "virt"),
    "memblock_alloc_raw": Allocator("boot", "virt"),
    "memblock_alloc_from": Allocator("boot", "virt"),
    "memblock_alloc_try_nid": Allocator("boot", "virt"),
    "memblock_alloc_try_nid_raw": Allocator("boot", "virt"),
    "memblock_alloc_or_panic": Allocator("boot", "virt", fails=False),
    "memblock_phys_alloc": Allocator("boot", "phys"),
    "memblock_phys_alloc_range": Allocator("boot", "phys"),
    "memblock_phys_alloc_try_nid": Allocator("boot", "phys"),
    "vmemmap_alloc_block": Allocator("boot", "virt"),
    "vmemmap_alloc_block_zero": Allocator("boot", "virt"),
    "vmemmap_alloc_block_buf": Allocator("boot", "virt"),
}


#: memory that can carry a page-table constructor at all
PAGE_FAMILIES = ("pages", "ptdesc", "exact")


class Freer(NamedTuple):
    """A function that gives memory back: which argument, what form it takes, which families it is for."""

    argument: int
    form: str
    families: tuple[str, ...]


_BUDDY = ("pages", "ptdesc")
FREERS = {
    "__free_page": Freer(0, "page", _BUDDY),
    "__free_pages": Freer(0, "page", _BUDDY),
    "free_page": Freer(0, "virt", _BUDDY),
    "free_pages": Freer(0, "virt", _BUDDY),
    "free_unref_page": Freer(0, "page", _BUDDY),
    "free_frozen_pages": Freer(0, "page", _BUDDY),
    "free_pages_exact": Freer(0, "virt", ("exact", *_BUDDY)),
    "pagetable_free": Freer(0, "desc", _BUDDY),
    "pagetable_free_kernel": Freer(0, "desc", _BUDDY),
    "__pagetable_free": Freer(0, "desc", _BUDDY),
    "free_page_and_swap_cache": Freer(0, "page", _BUDDY),
    "put_page": Freer(0, "page", _BUDDY),
    "folio_put": Freer(0, "folio", _BUDDY),
    "__folio_put": Freer(0, "folio", _BUDDY),
    "folio_batch_add": Freer(1, "folio", _BUDDY),
    "pagevec_add": Freer(1, "page", _BUDDY),
    "quicklist_free": Freer(2, "virt", _BUDDY),
    "quicklist_free_page": Freer(2, "page", _BUDDY),
    "kmem_cache_free": Freer(1, "virt", ("slab",)),
    "kfree": Freer(0, "virt", ("slab",)),
    "kvfree": Freer(0, "virt", ("slab", "vmalloc")),
    "vfree": Freer(0, "virt", ("vmalloc",)),
    "free_percpu": Freer(0, "virt", ("percpu",)),
    "mempool_free": Freer(0, "virt", ("pool",)),
    "dma_pool_free": Freer(1, "virt", ("pool",)),
    "dma_free_coherent": Freer(2, "virt", ("pool",)),
    "gen_pool_free": Freer(1, "virt", ("pool",)),
    "memblock_free": Freer(0, "virt", ("boot",)),
    "memblock_phys_free": Freer(0, "phys", ("boot",)),
    "free_reserved_page": Freer(0, "page", ("boot",)),
    "free_reserved_ptdesc": Freer(0, "desc", ("boot",)),
}

#: functions that drop a reference: what they are given may be a table, and may live on
REFERENCE = {
    "put_page",
    "folio_put",
    "__folio_put",
    "folio_batch_add",
    "pagevec_add",
    "release_pages",
    "put_pages_list",
}

#: functions that hand a table to the mmu_gather: the table is the second argument
QUEUES = re.compile(r"\w*tlb_remove_(?:table|page|ptdesc|page_ptdesc)\w*")

CORE_QUEUES = {"tlb_remove_table", "tlb_remove_page", "tlb_remove_ptdesc", "tlb_remove_page_ptdesc"}

#: renaming one object: function -> form of the result ("" keeps the form of the argument)
CONVERSIONS = {
    "virt_to_page": "page", "virt_to_ptdesc": "desc", "virt_to_folio": "folio", "virt_to_head_page": "page",
    "page_ptdesc": "desc", "ptdesc_page": "page", "ptdesc_folio": "folio", "folio_ptdesc": "desc",
    "page_folio": "folio", "folio_page": "page",
    "ptdesc_address": "virt", "ptdesc_to_virt": "virt", "page_address": "virt", "lowmem_page_address": "virt",
    "folio_address": "virt", "page_to_virt": "virt", "kmap": "virt", "kmap_atomic": "virt", "kmap_local_page": "virt",
    "phys_to_page": "page", "page_to_phys": "phys", "__va": "virt", "__pa": "phys", "phys_to_virt": "virt",
    "virt_to_phys": "phys", "__phys_to_virt": "virt", "__virt_to_phys": "phys", "__pa_symbol": "phys",
    "pfn_to_page": "page", "page_to_pfn": "pfn", "pfn_to_virt": "virt", "virt_to_pfn": "pfn", "__nocache_pa": "phys",
    "ptdesc_pfn": "pfn", "pfn_to_phys": "phys", "phys_to_pfn": "pfn", "PFN_PHYS": "phys", "__pfn_to_phys": "phys",
    "PHYS_PFN": "pfn", "__phys_to_pfn": "pfn", "PFN_DOWN": "pfn", "compound_head": "page",
    "virt_to_pgtable": "", "PAGE_ALIGN_DOWN": "", "__phys_to_kimg": "virt", "lm_alias": "virt", "ERR_CAST": "",
    "kasan_reset_tag": "", "READ_ONCE": "", "WRITE_ONCE": "", "rcu_dereference": "", "alloc_hooks": "",
    "ACCESS_ONCE": "", "uncached_access": "", "PTR_ALIGN_DOWN": "", "round_down": "", "ALIGN_DOWN": "",
    "no_page_address": "virt", "pte_page_virt": "virt", "__nocache_va": "virt", "unlikely": "", "likely": "",
}  # fmt: skip

#: conversions whose argument must be an address of the table, and those that want its descriptor
WANTS_ADDRESS = {"virt_to_page", "virt_to_ptdesc", "virt_to_folio", "virt_to_phys", "__pa", "virt_to_head_page"}
WANTS_FORM = {
    "page_ptdesc": ("page",), "page_address": ("page",), "page_to_phys": ("page",), "page_to_pfn": ("page",),
    "ptdesc_page": ("desc",), "ptdesc_address": ("desc",), "ptdesc_folio": ("desc",), "ptdesc_to_virt": ("desc",),
    "page_folio": ("page",),
}  # fmt: skip

#: loading a table from an entry one level above: function -> (level of the table, form)
LOADS = {
    "pmd_page": ("pte", "page"), "pmd_pgtable": ("pte", "page"), "pmd_page_vaddr": ("pte", "virt"),
    "pmd_ptdesc_of_entry": ("pte", "desc"), "pte_offset_kernel": ("pte", "virt"),
    "pgtable_trans_huge_withdraw": ("pte", ""),
    "pud_page": ("pmd", "page"), "pud_pgtable": ("pmd", "virt"), "pud_page_vaddr": ("pmd", "virt"),
    "pmd_offset": ("pmd", "virt"), "pud_offset": ("pud", "virt"), "p4d_offset": ("p4d", "virt"),
    "p4d_page": ("pud", "page"), "p4d_pgtable": ("pud", "virt"), "p4d_page_vaddr": ("pud", "virt"),
    "pgd_page": ("p4d", "page"), "pgd_pgtable": ("p4d", "virt"), "pgd_page_vaddr": ("p4d", "virt"),
}  # fmt: skip
#: installing a table: function -> (level of the table, index of the table in the arguments)
_POPULATE = re.compile(r"_{0,2}(pmd|pud|p4d|pgd)_populate(?:_kernel)?(?:_safe|_init)?")
_BELOW = {"pmd": "pte", "pud": "pmd", "p4d": "pud", "pgd": "p4d"}


def installs(name: str, arguments: int) -> tuple[str, int] | None:
    """Say which level a populate call installs, and which argument is the table."""
    found = _POPULATE.fullmatch(name)
    if found is None or arguments < 3:
        return None
    return _BELOW[found.group(1)], 1 if name.startswith("__") else 2


#: calls that do not come back
STOPS = {
    "BUG", "panic", "do_exit", "unreachable", "__builtin_unreachable", "BUILD_BUG", "machine_halt", "prom_halt",
    "machine_power_off", "early_panic", "fatal", "__builtin_trap", "die", "BUG_ON_PAGE", "nmi_panic", "make_task_dead",
    "disabled_wait", "__bug_unreachable", "xen_raw_panic", "prom_panic",
}  # fmt: skip
ASSERTS_NOT = {"BUG_ON", "VM_BUG_ON", "BUILD_BUG_ON", "CHECK_DATA_CORRUPTION"}
#: left out of a kernel without CONFIG_DEBUG_VM, with whatever stands in their argument
DEBUG_ONLY = {"VM_BUG_ON", "VM_WARN_ON", "VM_WARN_ON_ONCE", "VM_BUG_ON_PAGE", "VM_WARN_ON_PAGE", "VM_BUG_ON_MM"}
VALUES_OF_TEST = {"unlikely", "likely", "WARN_ON", "WARN_ON_ONCE", "VM_WARN_ON", "VM_WARN_ON_ONCE", "__builtin_expect"}
#: with the constant 1 they mark a path that must not be taken
WARNINGS = {"WARN_ON", "WARN_ON_ONCE", "VM_WARN_ON", "VM_WARN_ON_ONCE"}
IS_ERROR = {"IS_ERR", "IS_ERR_OR_NULL", "IS_ERR_VALUE"}
#: values that stand for "no memory" where an allocator returns a number
NO_MEMORY = {"NULL", "0", "INVALID_PHYS_ADDR", "0UL", "~0UL"}

#: calls that take an object only to look at it or to write into the memory: they keep no reference
_BORROWERS = re.compile(
    r"mem(?:set|cpy|move|cmp|zero)\w*|clear_page|copy_page|clear_highpage|clean_dcache\w*|\w*flush\w*|\w*init_page_count|"
    r"crst_table_init|\w*_init_pg(?:d|table)\w*|pgd_init|pud_init|pmd_init|pte_init|p4d_init|pr_\w+|printk|WARN\w*|BUG\w*|"
    r"VM_\w+|page_ref_\w+|PageReserved|kmemleak_\w+|atomic_\w+|spin_\w+|\w*lock\w*|is_\w+|\w*(?:_none|_bad|_present)|"
    r"cache_page|nocache_page|init_new_context|clone_pgd_range|mm_(?:inc|dec)_nr_\w+|compound_order|PAGE_ALIGNED|"
    r"paravirt_(?:alloc|release)_\w+|mmu_page_[cd]tor|split_page|SetPage\w+|__SetPage\w+|ClearPage\w+|__ClearPage\w+|"
    r"(?:inc|dec|mod)_\w*(?:zone|node|lruvec)_\w*state|lruvec_stat_\w+|mod_\w+|set_page_\w+|ptdesc_\w*init\w*|memblock_is\w*"
)


@lru_cache(maxsize=65536)
def borrows(name: str) -> bool:
    """Say whether a call keeps no reference to what it is given, whatever the tree says."""
    return _BORROWERS.fullmatch(name) is not None


_HOOK = re.compile(r"_{0,2}(?:pgtable|pagetable)_(?:\w+_)?([cd]tor)(?:_\w+)?")


@lru_cache(maxsize=65536)
def is_hook_name(name: str) -> bool:
    """Say whether a name belongs to the family of page-table constructors and destructors."""
    return _HOOK.fullmatch(name) is not None


def is_primitive(name: str) -> bool:
    """Say whether a name is a function of the core kernel that makes, constructs, destroys or frees tables."""
    return name in ALLOCATORS or name in FREERS or is_hook_name(name)


_CONSTANT_LEVEL = {
    "PAGE_SHIFT": "pte", "PMD_SHIFT": "pmd", "PUD_SHIFT": "pud", "P4D_SHIFT": "p4d", "PGDIR_SHIFT": "pgd",
    "PTE_INDEX": "pte", "PMD_INDEX": "pmd", "PUD_INDEX": "pud", "PGD_INDEX": "pgd",
}  # fmt: skip
_LEVEL_CONSTANT = re.compile(r"(?:TABLE|PGTABLE_LEVEL|PG_LEVEL|LEVEL|PT_LEVEL|PGT)_(PTE|PMD|PUD|P4D|PGD)")


def level_of_constant(text: str) -> str:
    """Read a level from ``PMD_SHIFT``, ``TABLE_PMD`` or ``PGTABLE_LEVEL_PMD``; "" when it names none."""
    if text in _CONSTANT_LEVEL:
        return _CONSTANT_LEVEL[text]
    found = _LEVEL_CONSTANT.fullmatch(text)
    return found.group(1).lower() if found else ""


@lru_cache(maxsize=65536)
def levels_in_name(name: str) -> tuple[str, ...]:
    """List the levels that a function's name speaks of, e.g. ``pud_free_pmd_page``: pud, pmd."""
    parts = (word.removesuffix("s") for word in name.lower().split("_"))
    return tuple(word for word in parts if word in LEVELS)


@lru_cache(maxsize=16384)
def level_of_type(text: str) -> str:
    """Read the level of a table from the type of a pointer to its entries (``pmd_t *``)."""
    found = re.search(r"\b(pte|pmd|pud|p4d|pgd)_t\s*\*", text)
    return found.group(1) if found else ""


@lru_cache(maxsize=16384)
def form_of_type(text: str) -> str:
    """Read how a variable of this type names a table: ``page desc folio virt phys``, or ""."""
    if re.search(r"\bstruct page\s*\*(?!\s*\*)", text):
        return "page"
    if re.search(r"\bstruct ptdesc\s*\*(?!\s*\*)", text):
        return "desc"
    if re.search(r"\bstruct folio\s*\*(?!\s*\*)", text):
        return "folio"
    if re.search(r"\b(?:pte|pmd|pud|p4d|pgd)_t\s*\*(?!\s*[*\[])", text):
        return "virt"
    if re.search(r"\b(?:unsigned long|u64|u32|char)\s*\*(?!\s*[*\[])", text):
        return "virt"
    return "phys" if "phys_addr_t" in text else ""
