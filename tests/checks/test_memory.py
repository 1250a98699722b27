"""What is kept from one state of a tree to the next: never another answer, and nothing followed twice for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.pgtable.walk import Report, Walk
from reviewbot.checks.protocol import Coverage
from reviewbot.findings import Finding
from reviewbot.tree.files import Files
from tests.checks.minitree import MM_H, files

_GENERIC = """
static inline pgtable_t __pte_alloc_one(struct mm_struct *mm, gfp_t gfp)
{
	struct ptdesc *ptdesc = pagetable_alloc(gfp, 0);

	if (!ptdesc)
		return NULL;
	if (!pagetable_pte_ctor(ptdesc)) {
		pagetable_free(ptdesc);
		return NULL;
	}
	return ptdesc_page(ptdesc);
}
static inline void pte_free(struct mm_struct *mm, struct page *page)
{
	struct ptdesc *ptdesc = page_ptdesc(page);

	pagetable_dtor(ptdesc); /* first the lock */
	pagetable_free(ptdesc);
}
"""
_OWN = """
static inline pgtable_t pte_alloc_one(struct mm_struct *mm)
{
	return __pte_alloc_one(mm, GFP_PGTABLE_USER);
}
static inline pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)
{
	struct ptdesc *ptdesc = pagetable_alloc(GFP_PGTABLE_USER, 0);

	if (!ptdesc)
		return NULL;
	if (!pagetable_pmd_ctor(ptdesc)) {
		pagetable_free(ptdesc);
		return NULL;
	}
	return ptdesc_address(ptdesc);
}
static inline void toy_release(struct ptdesc *ptdesc)
{
	pagetable_dtor(ptdesc);
	pagetable_free(ptdesc);
}
static inline void pmd_free(struct mm_struct *mm, pmd_t *pmd)
{
	toy_release(virt_to_ptdesc(pmd));
}
"""
_LATE = """
static phys_addr_t toy_late_alloc(int shift)
{
	struct ptdesc *ptdesc = pagetable_alloc(GFP_KERNEL, 0);

	BUG_ON(!ptdesc);
	BUG_ON(!pagetable_pmd_ctor(ptdesc));
	return page_to_phys(ptdesc_page(ptdesc));
}
static void toy_map(pud_t *pudp, phys_addr_t (*alloc)(int))
{
	phys_addr_t pmd = alloc(PMD_SHIFT);

	__pud_populate(pudp, pmd, PUD_TYPE_TABLE);
}
void toy_init(pud_t *pudp)
{
	toy_map(pudp, toy_late_alloc);
}
int toy_count(int a) { return a + 1; }
int toy_clear(int a) { return toy_count(toy_clear(a)); }
"""


def _edits(text: str, *replaced: tuple[str, str]) -> list[str]:
    changed = [text.replace(old, new, 1) for old, new in replaced]
    assert text not in changed
    return [text, "\n\n" + text, *changed]


_STATES: dict[str, list[str]] = {
    "include/linux/mm.h": _edits(MM_H["E5"], ("pagetable_dtor(ptdesc); pagetable_free", "pagetable_free")),
    "include/asm-generic/pgalloc.h": _edits(
        _GENERIC,
        ("/* first the lock */", "/* the lock, first */"),
        ("	pagetable_dtor(ptdesc); /* first the lock */\n", ""),
        ("!pagetable_pte_ctor(ptdesc)", "pagetable_pte_ctor(ptdesc)"),
        ("__pte_alloc_one(struct mm_struct *mm, gfp_t gfp)", "__pte_alloc(struct mm_struct *mm, gfp_t gfp)"),
    ),
    "pgalloc": _edits(
        _OWN,
        ("return __pte_alloc_one(mm, GFP_PGTABLE_USER)", "return alloc_page(GFP_PGTABLE_USER)"),
        ("	pagetable_dtor(ptdesc);\n", ""),
        ("	if (!ptdesc)\n		return NULL;\n", ""),
        ("pagetable_pmd_ctor", "pagetable_pte_ctor"),
        ("static inline void toy_release", "#define toy_release(p) toy_forget(p)\nstatic inline void toy_forget"),
    ),
    "mmu": _edits(
        _LATE,
        ("BUG_ON(!pagetable_pmd_ctor(ptdesc))", "pagetable_pmd_ctor(ptdesc)"),
        ("alloc(PMD_SHIFT)", "alloc(PUD_SHIFT)"),
        ("__pud_populate", "__pmd_populate"),
        ("return a + 1", "return toy_clear(a)"),
    ),
}
_PATHS = ("include/asm-generic/pgalloc.h", "arch/toy/include/asm/pgalloc.h", "arch/toy/mm/mmu.c")


def _state(folder: Path, chosen: dict[str, int]) -> Files:
    return files("E5", folder, **{name: texts[chosen.get(name, 0) % len(texts)] for name, texts in _STATES.items()})


def _answer(check: PgtableCheck, state: Files) -> tuple[list[Finding], Coverage]:
    coverage = Coverage()
    return list(check.check(state, _PATHS, coverage)), coverage


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(sorted(_STATES)), st.integers(0, 6)), min_size=1, max_size=6))
def test_a_state_is_told_the_same_whatever_was_seen_before_it(tmp_path: Path, edits: list[tuple[str, int]]) -> None:
    check, chosen = PgtableCheck(), dict[str, int]()
    _answer(check, _state(tmp_path, chosen))
    for name, number in edits:
        chosen[name] = number
        state = _state(tmp_path, chosen)
        assert _answer(check, state) == _answer(PgtableCheck(), state)


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions that are followed, in order."""
    names: list[str] = []
    run = Walk.run

    def noted(walk: Walk) -> Report:
        names.append(walk.piece.name)
        return run(walk)

    monkeypatch.setattr(Walk, "run", noted)
    return names


@pytest.mark.parametrize(
    ("name", "number", "again"),
    [
        ("mmu", 0, set()),
        ("include/linux/mm.h", 1, set()),  # the same further down
        ("include/asm-generic/pgalloc.h", 1, {"__pte_alloc_one", "pte_free"}),  # who calls them is told other lines
        ("include/asm-generic/pgalloc.h", 2, {"pte_free"}),  # a comment is shown as evidence
        ("pgalloc", 3, {"toy_release", "pmd_free"}),
        ("mmu", 2, {"toy_late_alloc"}),
    ],
)
def test_only_what_a_change_reaches_is_followed_again(
    tmp_path: Path, followed: list[str], name: str, number: int, again: set[str]
) -> None:
    check = PgtableCheck()
    _answer(check, _state(tmp_path, {}))
    followed.clear()
    _answer(check, _state(tmp_path, {name: number}))
    assert set(followed) == again
