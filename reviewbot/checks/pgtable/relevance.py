"""Whether a function may have to do with the life of a table, told from its names alone.

Most functions of the page-table code do not, and are never parsed.
"""

from __future__ import annotations

import re
from functools import lru_cache

from reviewbot.checks.c.source import Piece
from reviewbot.checks.pgtable import vocabulary as words

_LIFE = re.compile(
    r"_{0,2}(?:pgtable|pagetable)_(?:\w*[cd]tor\w*|alloc|free)|tlb_remove_(?:table|ptdesc|page_ptdesc)|"
    r"_{0,3}p(?:te|md|ud|4d)_(?:alloc_one|free|populate)\w*|_{0,2}pgd_(?:alloc|free|populate)\w*"
)
_MEMORY = re.compile(
    r"(?:(?:__)?(?:alloc_pages?|get_(?:free|dma)_pages?|free_pages?)(?:_(?:exact|node|nolock|current|vma|mpol|bulk|and_swap)\w*)?|"
    r"get_zeroed_page|tlb_remove_page|"
    r"free_(?:unref_page|frozen_pages)|free_reserved_p\w+|memblock_(?:phys_)?alloc\w*|"
    r"folio_batch_add|pagevec_add|release_pages|put_pages_list|"
    r"quicklist_(?:alloc|free(?:_page)?)|(?:__)?folio_alloc(?:_\w+)?|(?:__)?folio_put|put_page)"
)
#: what gives back any page, those of users most of all
_PUTS = frozenset(words.REFERENCE)
_FROM_TABLES = re.compile(r"p(?:md|ud|4d|gd)_(?:page|pgtable)(?:_vaddr)?|virt_to_(?:page|folio|head_page|ptdesc)")
_PUT_BY_MEMBER = re.compile(r"(?:->|\.)put_page\b")
_SLAB = re.compile(r"kmem_cache_z?(?:alloc|free)\w*|kv?free|kmem\w*|kv?[mzc]alloc\w*|mempool_\w+|dma_pool_\w+")
_TABLE_TYPE = re.compile(
    r"struct (?:page|ptdesc|folio|rcu_head)\s*\*|p(?:te|md|ud|4d|gd)_t\s*\*|pgtable_t|void\s*\*|long\s*\*|phys_addr_t"
)
_TABLE_WORD = re.compile(
    r"\bp(?:te|md|ud|4d|gd)_t\b|pgtable|pagetable|ptdesc|page_table|remove_table|(?:->|\.)\w+_p(?:te|md|ud)\b"
)


@lru_cache(maxsize=65536)
def _kind(name: str) -> str:
    """``life``, ``memory`` or ``slab``: what a called name does, as far as it tells; "" otherwise."""
    if _LIFE.fullmatch(name):
        return "life"
    if _MEMORY.fullmatch(name):
        return "memory"
    return "slab" if _SLAB.fullmatch(name) else ""


@lru_cache(maxsize=32768)
def changes_tables(piece: Piece) -> bool:
    """It calls what makes, installs, destroys or frees tables."""
    return any(_kind(name) == "life" for name in piece.called)


@lru_cache(maxsize=32768)
def takes_memory(piece: Piece) -> bool:
    """It allocates or frees pages, or boot memory; to drop a reference is to free where the page may be a table."""
    used = {name for name in piece.called if _kind(name) == "memory"}
    if not used <= _PUTS:
        return True
    if not used:
        return False
    own = any(map(_FROM_TABLES.fullmatch, piece.called)) or _PUT_BY_MEMBER.search(piece.body) is not None
    return own or "pgtable_t" in _signature(piece)


def takes_tables(piece: Piece) -> bool:
    """It does any of these, or is named after a level and allocates or frees objects of a slab."""
    wanted = ("life", "memory", "slab") if words.levels_in_name(piece.name) else ("life", "memory")
    return any(_kind(name) in wanted for name in piece.called)


def named_after_tables(piece: Piece) -> bool:
    """Its name speaks of a level or of page tables."""
    return bool(words.levels_in_name(piece.name)) or _TABLE_WORD.search(piece.name) is not None


def speaks_of_tables(piece: Piece) -> bool:
    """Its name, signature or body speaks of page tables."""
    return named_after_tables(piece) or any(map(_TABLE_WORD.search, (_signature(piece), piece.body)))


def _signature(piece: Piece) -> str:
    return f"{piece.result} {' '.join(parameter.type for parameter in piece.parameters)}"


def may_hold_table(piece: Piece) -> bool:
    """It is a macro, or its name or signature lets a table in or out."""
    if piece.kind != "function" or words.levels_in_name(piece.name) or any(map(words.is_hook_name, piece.called)):
        return True
    return any(map(_TABLE_TYPE.search, (piece.result, *(parameter.type for parameter in piece.parameters))))
