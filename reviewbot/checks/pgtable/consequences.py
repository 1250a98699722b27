"""What a mistake leads to in one tree: a constructor sees to a lock, to the accounting, to both or to neither."""

from __future__ import annotations

from dataclasses import dataclass

from reviewbot.checks.pgtable.facts import Facts

#: from which epoch on the tables of a level are accounted by their constructor; in E7 that is the allocator's part
_ACCOUNTED = {"pte": 0, "pmd": 2, "pud": 4, "p4d": 5, "pgd": 5}
_BY_ALLOCATOR = 7


@dataclass(frozen=True, slots=True)
class Care:
    """What constructor and destructor of a table take care of: its split lock, its accounting."""

    lock: bool
    account: bool

    @property
    def lost(self) -> str:
        """What becomes of a table that is freed without its destructor."""
        return self._said(
            "its split lock is leaked and it stays accounted as a page table",
            "its split lock is leaked",
            "it stays accounted as a page table",
            "constructor and destructor are no pair then, though neither does anything for it on this architecture",
        )

    @property
    def missing(self) -> str:
        """What a table lacks that was not constructed."""
        return self._said(
            "it is not accounted and has no lock", "it has no lock", "it is not accounted", "its destructor has no pair"
        )

    @property
    def unpaired(self) -> str:
        """What a destructor without constructor does."""
        return self._said(
            "it frees a lock that was never allocated and makes the page-table accounting too low",
            "it frees a lock that was never allocated",
            "it makes the page-table accounting too low",
            "it has no pair, though it does nothing for such a table on this architecture",
        )

    @property
    def overwritten(self) -> str:
        """What happens to a struct page that is not the table's own."""
        return self._said(
            "the lock and the accounting overwrite what the allocator keeps there",
            "the lock overwrites what the allocator keeps there",
            "the accounting overwrites what the allocator keeps there",
            "a split lock would overwrite what the allocator keeps there, where the architecture has one",
        )

    @property
    def twice(self) -> str:
        """What a second constructor does."""
        return self._said(
            "its lock is initialised, and the page accounted, twice",
            "its lock is initialised twice",
            "the page is accounted twice",
            "a table is constructed once, though the second time has no effect on this architecture",
        )

    def _said(self, both: str, lock: str, account: str, neither: str) -> str:
        if self.lock:
            return both if self.account else lock
        return account if self.account else neither

    def __and__(self, other: Care) -> Care:
        return Care(self.lock and other.lock, self.account and other.account)


def care(facts: Facts, level: str, architecture: str, mm: str = "") -> Care:
    """What the constructor of a level does in this tree for a table of an mm; of no known level it is the accounting.

    Source: pagetable_pte_ctor() and its like in include/linux/mm.h, ARCH_ENABLE_SPLIT_PMD_PTLOCK in Kconfig.
    """
    splits = architecture in facts.split_pmd if architecture else bool(facts.split_pmd)
    lock = level == "pte" or (level == "pmd" and splits)
    account = _ACCOUNTED.get(level, 0) <= facts.number < _BY_ALLOCATOR
    return Care(lock and mm != "&init_mm", account)
