"""Tables whose fate hangs on a choice: which level, whose table, folded or not, the last of its page or not."""

from pathlib import Path

import pytest

from tests.checks.minitree import PMD_ALLOC, findings

_TABLE = """
static struct ptdesc *new_table(struct mm_struct *mm)
{
	struct ptdesc *pt = pagetable_alloc(GFP_PGTABLE_USER, 0);

	if (pt && !pagetable_pmd_ctor(pt)) {
		pagetable_free(pt);
		return NULL;
	}
	return pt;
}
"""


def _said(epoch: str, folder: Path, rule: str, **given: str) -> list[tuple[str, str]]:
    return [(found.location.function, found.location.text) for found in findings(epoch, folder, rules=[rule], **given)]


@pytest.mark.parametrize("name", ["alloc_%s_early_late", "alloc_%s_table"])
def test_a_table_is_of_the_level_of_the_allocator_that_hands_it_out(name: str, tmp_path: Path) -> None:
    def text(level: str) -> str:
        return _TABLE + f"\nvoid *{name % level}(struct mm_struct *mm)\n{{\n	return new_table(mm);\n}}\n"

    assert _said("E5", tmp_path, "C03", mmu=text("pmd")) == []
    assert _said("E5", tmp_path, "C03", mmu=text("pud")) == [(name % "pud", "return new_table(mm);")]


def test_one_table_for_two_levels_is_wrong_for_one_of_them(tmp_path: Path) -> None:
    one = "\nvoid *__%s_alloc_one(struct mm_struct *mm)\n{\n	return new_table(mm);\n}\n"
    assert _said("E5", tmp_path, "C03", mmu=_TABLE + one % "pmd") == []
    both = _TABLE + one % "pmd" + one % "pud"
    assert _said("E5", tmp_path, "C03", mmu=both) == [("__pud_alloc_one", "return new_table(mm);")]


def test_an_allocator_that_is_wrong_itself_is_told_once(tmp_path: Path) -> None:
    wrong = _TABLE.replace("new_table", "new_pte_table")
    caller = "\nvoid *alloc_pte_late(struct mm_struct *mm)\n{\n	return new_pte_table(mm);\n}\n"
    assert [function for function, _ in _said("E5", tmp_path, "C03", mmu=wrong + caller)] == ["new_pte_table"]


_BY_KIND = """
void toy_free(void *table, int kind)
{
	struct page *page = virt_to_page(table);

	if (kind %s TABLE_PMD)
		pgtable_pmd_page_dtor(page);
	__free_page(page);
}
"""


def test_a_test_that_rules_a_level_out_does_not_choose_it(tmp_path: Path) -> None:
    assert _said("E2", tmp_path, "C12", mmu=_BY_KIND % "==") == []
    assert _said("E2", tmp_path, "C12", mmu=_BY_KIND % "!=") == [("toy_free", "pgtable_pmd_page_dtor(page);")]
    made = (_BY_KIND % "!=").replace("pgtable_pmd_page_dtor(page)", "BUG_ON(!pgtable_pmd_page_ctor(page))")
    assert len(_said("E2", tmp_path, "C03", mmu=made)) == 1
    assert _said("E2", tmp_path, "C03", mmu=made.replace("!= T", "== T")) == []


_FLAGS = {"include/asm-generic/pgalloc.h": "#define GFP_PGTABLE_USER (GFP_KERNEL | __GFP_ACCOUNT | __GFP_ZERO)\n"}
_CHARGED = """
void *toy_table(struct mm_struct *mm, bool kernel)
{
	gfp_t gfp = %s;

	%s
	return pagetable_alloc(gfp, 0);
}
"""


@pytest.mark.parametrize(
    ("start", "choice", "right"),
    [
        ("GFP_PGTABLE_USER", "if (mm == &init_mm)\n		gfp = GFP_PGTABLE_KERNEL;", True),
        ("GFP_PGTABLE_USER", "if (mm != &init_mm)\n		gfp = GFP_PGTABLE_KERNEL;", False),
        ("GFP_PGTABLE_USER", "if (unlikely(&init_mm == mm))\n		gfp &= ~__GFP_ACCOUNT;", True),
        ("GFP_PGTABLE_USER", "if (!kernel)\n		gfp &= ~__GFP_ACCOUNT;", False),
        ("GFP_PGTABLE_KERNEL", "if (!(mm == &init_mm))\n		gfp |= __GFP_ACCOUNT;", True),
        ("GFP_PGTABLE_KERNEL", "if (mm_is_kernel(mm))\n		gfp |= __GFP_ACCOUNT;", False),
        ("mm == &init_mm ? GFP_PGTABLE_KERNEL : GFP_PGTABLE_USER", "", True),
        ("mm == &init_mm ? GFP_PGTABLE_USER : GFP_PGTABLE_KERNEL", "", False),
        ("GFP_PGTABLE_USER", "if (mm->locked)\n		gfp &= ~__GFP_ACCOUNT;", True),
        ("GFP_PGTABLE_USER", "if (mm != &init_mm)\n		gfp |= __GFP_NOWARN;", True),
    ],
)
def test_flags_that_are_chosen_by_whose_table_it_is(start: str, choice: str, right: bool, tmp_path: Path) -> None:
    found = findings("E6", tmp_path, rules=["C15"], mmu=_CHARGED % (start, choice), **_FLAGS)
    assert len(found) == (not right)
    assert all("the wrong way round" in one.message for one in found)


_FOLDED = """
static inline void p4d_populate(struct mm_struct *mm, p4d_t *p4d, pud_t *pud)
{
	if (pgtable_l4_enabled())
		set_p4d(p4d, __p4d(__pa(pud)));
}
static inline void __pud_free_tlb(struct mmu_gather *tlb, pud_t *pud, unsigned long addr)
{
	%stlb_remove_ptdesc(tlb, virt_to_ptdesc(pud));
}
static inline void __p4d_free_tlb(struct mmu_gather *tlb, p4d_t *p4d, unsigned long addr)
{
	if (pgtable_l5_enabled())
		tlb_remove_ptdesc(tlb, virt_to_ptdesc(p4d));
}
"""


def test_a_level_that_its_file_takes_for_optional_is_freed_where_it_exists(tmp_path: Path) -> None:
    plain = _FOLDED % ""
    assert _said("E6", tmp_path, "C16", pgalloc=_FOLDED % "if (pgtable_l4_enabled())\n		") == []
    assert [function for function, _ in _said("E6", tmp_path, "C16", pgalloc=plain)] == ["__pud_free_tlb"]
    assert _said("E6", tmp_path, "C16", pgalloc=plain.replace("if (pgtable_l4_enabled())", "")) == []


_UNPLUG = """
static void unplug_table(pud_t *pud, bool %s)
{
	struct ptdesc *pt = page_ptdesc(pud_page(*pud));

%s	pagetable_free(pt);
}
"""


@pytest.mark.parametrize(
    ("flag", "test", "found"),
    [
        ("is_vmemmap", "!is_vmemmap", 0),
        ("is_vmemmap", "is_vmemmap", 1),
        ("early", "early", 1),
        ("early", "!early", 0),
        ("wait", "wait", 1),
    ],
)
def test_what_is_never_constructed_is_not_the_only_one_to_be_destroyed(
    flag: str, test: str, found: int, tmp_path: Path
) -> None:
    body = f"	if ({test})\n		pagetable_dtor(pt);\n"
    assert len(_said("E5", tmp_path, "C06", mmu=_UNPLUG % (flag, body))) == found


_POOL = """
static void *take_page(struct mm_struct *mm, int kernel)
{
	struct ptdesc *pt = pagetable_alloc(GFP_KERNEL, 0);

	if (!pt)
		return NULL;
	if (%s!pagetable_pte_ctor(pt)) {
		pagetable_free(pt);
		return NULL;
	}
	return ptdesc_address(pt);
}
void give_page(void *table, int kernel)
{
	struct ptdesc *pt = virt_to_ptdesc(table);

	%spagetable_pte_dtor(pt);
	pagetable_free(pt);
}
"""


@pytest.mark.parametrize(
    ("ctor", "dtor", "rules"),
    [
        ("!kernel && ", "if (!kernel)\n		", set()),
        ("", "", set()),
        ("", "if (!kernel)\n		", {"C06"}),
        ("!kernel && ", "", {"C09"}),
    ],
)
def test_both_sides_agree_on_the_tables_of_the_kernel(ctor: str, dtor: str, rules: set[str], tmp_path: Path) -> None:
    found = findings("E4", tmp_path, rules=["C06", "C09"], mmu=_POOL % (ctor, dtor))
    assert {one.rule for one in found} == rules


_PRUNE = """
static void prune(pte_t *first, pmd_t *pmd)
{
	struct ptdesc *pt = page_ptdesc(pmd_page(*pmd));

%s	if (memchr_inv(first, 0, PAGE_SIZE))
		return;
%s	pmd_clear(pmd);
	pagetable_free(pt);
}
"""
_DTOR = "	pagetable_dtor(pt);\n"


def test_a_table_that_may_stay_is_not_destroyed_yet(tmp_path: Path) -> None:
    assert _said("E5", tmp_path, "C22", mmu=_PRUNE % ("", _DTOR)) == []
    assert _said("E5", tmp_path, "C22", mmu=_PRUNE % (_DTOR, "")) == [("prune", "pagetable_dtor(pt);")]
    given = (_PRUNE % (_DTOR, "")).replace("		return;\n", "		return keep_for_later(pt);\n")
    assert _said("E5", tmp_path, "C22", mmu=given) == []


_SHARED = """
int put_slot(unsigned long table)
{
	unsigned long page = table & PAGE_MASK;
	struct slots *slots = slots_of(page);

	slots->free |= slot_bit(table);
%s	if (slots->free != ALL_SLOTS)
		return 0;
%s	free_page(page);
	return 1;
}
"""


def test_a_mask_of_free_slots_counts_the_tables_of_a_page(tmp_path: Path) -> None:
    dtor = "	pgtable_pte_page_dtor(virt_to_page((void *)page));\n"
    assert _said("E2", tmp_path, "C21", mmu=_SHARED % ("", dtor)) == []
    assert [function for function, _ in _said("E2", tmp_path, "C21", mmu=_SHARED % (dtor, ""))] == ["put_slot"]
    assert _said("E2", tmp_path, "C22", mmu=_SHARED % (dtor, "")) == []


_ROOT = """
pgd_t *pgd_alloc(struct mm_struct *mm)
{
	unsigned long *table = (unsigned long *)__get_free_page(GFP_KERNEL);

	if (table && mm->context.levels == TWO_LEVELS && !pgtable_pmd_page_ctor(virt_to_page(table)))
		return NULL;
	return (pgd_t *)table;
}
void drop_level(struct mm_struct *mm)
{
	pgd_t *old = mm->pgd;

	mm->pgd = (pgd_t *)pgd_val(*old);
%s	free_page((unsigned long)old);
}
"""


def test_the_top_level_is_destroyed_as_a_lower_one_only_where_it_is_one(tmp_path: Path) -> None:
    dtor = "	pgtable_pmd_page_dtor(virt_to_page(old));\n"
    assert _said("E0", tmp_path, "C09", mmu=_ROOT % "") == []
    assert [function for function, _ in _said("E0", tmp_path, "C09", mmu=_ROOT % dtor)] == ["drop_level"]
    asked = "	if (mm->context.levels == TWO_LEVELS)\n	" + dtor
    assert _said("E0", tmp_path, "C09", mmu=_ROOT % asked) == []


_LEFT = """
static int prepare(%s)
{
	struct ptdesc *pt = pagetable_alloc(GFP_PGTABLE_USER, 0);

	if (!pt)
		return -ENOMEM;
	if (!pagetable_pte_ctor(pt)) {
		pagetable_free(pt);
		return -ENOMEM;
	}
	%s = pt;
	return 0;
}
int toy_map(struct mm_struct *mm, pmd_t *pmd)
{
	%s
	int error = prepare(%s);

	if (error)
		return error;
	if (pmd_none(*pmd)) {
		pmd_populate(mm, pmd, %s);
		return 0;
	}
%s	pagetable_free(%s);
	return -EAGAIN;
}
"""


@pytest.mark.parametrize(
    ("parameter", "there", "local", "argument", "here"),
    [
        ("struct work *work", "work->spare", "struct work job;", "&job", "job.spare"),
        ("struct work *work", "work->pt", "struct work *job = &shared;", "job", "job->pt"),
        ("struct work *work", "work->now.pt", "struct work job;", "&job", "job.now.pt"),
        ("struct ptdesc **out", "*out", "struct ptdesc *mine;", "&mine", "mine"),
    ],
)
def test_a_table_that_a_callee_leaves_is_its_callers(
    parameter: str, there: str, local: str, argument: str, here: str, tmp_path: Path
) -> None:
    raw = _LEFT % (parameter, there, local, argument, here, "", here)
    right = _LEFT % (parameter, there, local, argument, here, f"	pagetable_dtor({here});\n", here)
    assert {found.rule for found in findings("E5", tmp_path, mmu=right)} == set()
    assert {(found.rule, found.location.function) for found in findings("E5", tmp_path, mmu=raw)} == {
        ("C06", "toy_map")
    }


_MEMBERS = """
static void *late_pte(struct mm_struct *mm)
{
	struct ptdesc *pt = pagetable_alloc(GFP_PGTABLE_KERNEL, 0);

	BUG_ON(!pt || !pagetable_pte_ctor(pt));
	return ptdesc_address(pt);
}
static void *late_pmd(struct mm_struct *mm)
{
	return pmd_alloc_one(mm, 0);
}
static void set_late(void)
{
	ops.alloc_pte = late_pte;
	ops.alloc_pmd = %s;
}
"""


def test_a_member_of_a_table_of_functions_names_the_level_that_it_allocates(tmp_path: Path) -> None:
    assert _said("E5", tmp_path, "C03", mmu=_MEMBERS % "late_pmd") == []
    assert _said("E5", tmp_path, "C03", mmu=_MEMBERS % "late_pte") == [("set_late", "ops.alloc_pmd = late_pte;")]


_SET = """
static int toy_alloc_pmd(pud_t *pud)
{
	pmd_t *pmd = %s;

	if (!pmd)
		return -1;
	set_pud(pud, __pud(__pa(pmd) | _TABLE));
	return 0;
}
static void toy_free_pmd(pmd_t *pmd)
{
	%s;
}
"""


@pytest.mark.parametrize(
    ("made", "freed", "found"),
    [
        ("(pmd_t *)get_zeroed_page(GFP_KERNEL)", "free_page((unsigned long)pmd)", 0),
        ("pmd_alloc_one(&init_mm, 0)", "pmd_free(&init_mm, pmd)", 0),
        ("pmd_alloc_one(&init_mm, 0)", "free_page((unsigned long)pmd)", 1),
    ],
)
def test_what_a_constructing_allocator_gave_and_stays_installed_is_destroyed(
    made: str, freed: str, found: int, tmp_path: Path
) -> None:
    assert len(_said("E5", tmp_path, "C06", pgalloc=PMD_ALLOC, mmu=_SET % (made, freed))) == found
