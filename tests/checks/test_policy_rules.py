"""The rules about kernel tables, allocation flags, grace periods and overrides, in the epochs where they hold."""

from pathlib import Path

import pytest

from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.pgtable.rules import RULES
from reviewbot.checks.series import check_series
from reviewbot.findings import Severity
from tests.checks.minitree import files, findings

_MAP = """
int toy_map(pmd_t *pmd)
{
	struct ptdesc *pt = pagetable_alloc(GFP_KERNEL | __GFP_ZERO, 0);

	if (!pt)
		return -ENOMEM;
%s	pmd_populate_kernel(&init_mm, pmd, ptdesc_address(pt));
	return 0;
}
"""
_CONSTRUCT = "	if (!pagetable_pte_ctor(%spt)) {\n		pagetable_free(pt);\n		return -ENOMEM;\n	}\n"


def _rules(epoch: str, folder: Path, rule: str, **given: str) -> list[tuple[str, str]]:
    return [(found.location.function, found.location.text) for found in findings(epoch, folder, rules=[rule], **given)]


def test_a_kernel_table_is_constructed_in_e6_and_only_there(tmp_path: Path) -> None:
    plain = [("toy_map", "struct ptdesc *pt = pagetable_alloc(GFP_KERNEL | __GFP_ZERO, 0);")]
    assert _rules("E6", tmp_path, "C05", mmu=_MAP % "") == plain
    assert _rules("E6", tmp_path, "C05", mmu=_MAP % (_CONSTRUCT % "&init_mm, ")) == []
    for epoch in ("E3", "E4", "E5", "E7"):
        assert _rules(epoch, tmp_path, "C05", mmu=_MAP % "") == []


@pytest.mark.parametrize("epoch", ["E3", "E4", "E5"])
def test_before_e6_a_constructed_kernel_table_leaks_its_lock(epoch: str, tmp_path: Path) -> None:
    constructed = _MAP % (_CONSTRUCT % "")
    (found,) = findings(epoch, tmp_path, rules=["C05"], mmu=constructed)
    assert found.severity is Severity.WARNING
    assert [step.text.split(":")[0] for step in found.evidence] == ["allocates", "constructs", "installs"]
    dtor = "pagetable_dtor" if epoch == "E5" else "pagetable_pte_dtor"
    paired = f"\nvoid toy_unmap(struct ptdesc *pt)\n{{\n	{dtor}(pt);\n	pagetable_free(pt);\n}}\n"
    assert _rules(epoch, tmp_path, "C05", mmu=constructed + paired) == []


def test_tables_of_the_boot_and_of_other_kernels_follow_no_policy(tmp_path: Path) -> None:
    assert _rules("E6", tmp_path, "C05", mmu=(_MAP % "").replace("int toy_map", "int __init toy_map")) == []
    assert _rules("E6", tmp_path, "C05", mmu=(_MAP % "").replace("toy_map", "kexec_map")) == []
    either = "void *toy_page(void)\n{\n	if (booted)\n		return (void *)get_zeroed_page(GFP_ATOMIC);\n"
    either += "	return memblock_alloc(PAGE_SIZE, PAGE_SIZE);\n}\n"
    own = either + "int toy_map(pmd_t *pmd)\n{\n	pte_t *pte = toy_page();\n"
    own += "	pmd_populate_kernel(&init_mm, pmd, pte);\n	return 0;\n}\n"
    assert _rules("E6", tmp_path, "C05", mmu=own) == []


_FLAGS = {"include/asm-generic/pgalloc.h": "#define GFP_PGTABLE_USER (GFP_KERNEL | __GFP_ACCOUNT | __GFP_ZERO)\n"}
_PMD = """
static inline pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)
{
	struct ptdesc *pt = pagetable_alloc(%s, 0);

	if (!pt)
		return NULL;
	if (!pagetable_pmd_ctor(pt)) {
		pagetable_free(pt);
		return NULL;
	}
	return ptdesc_address(pt);
}
"""


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("GFP_PGTABLE_USER", ""),
        ("GFP_KERNEL_ACCOUNT | __GFP_ZERO", ""),
        ("gfp", ""),
        ("GFP_PGTABLE_USER & ~__GFP_HIGHMEM", ""),
        ("GFP_PGTABLE_KERNEL", "does not charge the user table"),
        ("GFP_KERNEL | __GFP_ZERO", "does not charge the user table"),
        ("GFP_PGTABLE_USER | __GFP_HIGHMEM", "may return highmem"),
        ("GFP_KERNEL_ACCOUNT", "leaves old content"),
    ],
)
def test_flags_fit_what_the_table_is_for(flags: str, words: str, tmp_path: Path) -> None:
    found = findings("E4", tmp_path, rules=["C15"], pgalloc=_PMD % flags, **_FLAGS)
    assert [words in finding.message for finding in found] == ([True] if words else [])


def test_a_kernel_table_is_not_charged_to_whoever_asks_first(tmp_path: Path) -> None:
    source = "pte_t *pte_alloc_one_kernel(struct mm_struct *mm)\n{\n	return (pte_t *)get_zeroed_page(%s);\n}\n"
    (found,) = findings("E4", tmp_path, rules=["C15"], mmu=source % "GFP_PGTABLE_USER", **_FLAGS)
    assert "charges a kernel table" in found.message
    assert findings("E4", tmp_path, rules=["C15"], mmu=source % "GFP_PGTABLE_KERNEL", **_FLAGS) == []


def test_flags_are_a_matter_of_what_a_series_changes(tmp_path: Path) -> None:
    wrong, right = (_PMD % flags for flags in ("GFP_PGTABLE_KERNEL", "GFP_PGTABLE_USER"))
    assert findings("E4", tmp_path, pgalloc=wrong, **_FLAGS) == []
    place = "arch/toy/include/asm/pgalloc.h"

    def new(*texts: str) -> list[str]:
        states = [files("E4", tmp_path, pgalloc=text, **_FLAGS) for text in texts]
        result = check_series(PgtableCheck(), states, [[place]] * (len(texts) - 1))
        assert not result.preexisting
        return [life.finding.rule for life in result.new]

    assert new(right, wrong) == ["C15"]
    assert new(wrong, wrong.replace("addr", "address")) == []


def test_a_table_is_destroyed_when_it_is_freed_and_not_before(tmp_path: Path) -> None:
    source = """
static void toy_free_now(struct rcu_head *head)
{
	struct ptdesc *pt = container_of(head, struct ptdesc, pt_rcu_head);

	%spagetable_free(pt);
}
void pte_free_defer(struct mm_struct *mm, pgtable_t pgtable)
{
	struct ptdesc *pt = page_ptdesc(pgtable);

	%scall_rcu(&pt->pt_rcu_head, toy_free_now);
}
"""
    early, late = source % ("", "pagetable_dtor(pt);\n	"), source % ("pagetable_dtor(pt);\n	", "")
    (found,) = findings("E5", tmp_path, rules=["C23"], mmu=early)
    assert (found.location.function, found.location.text) == ("pte_free_defer", "pagetable_dtor(pt);")
    assert findings("E5", tmp_path, rules=["C23"], mmu=late) == []
    old = early.replace("pagetable_dtor", "pagetable_pte_dtor")
    assert findings("E4", tmp_path, rules=["C23"], mmu=old) == []


_GENERIC_PLAIN = """
static inline void pte_free_kernel(struct mm_struct *mm, pte_t *pte)
{
	pagetable_free(virt_to_ptdesc(pte));
}
"""
_OWN_KERNEL = """
pte_t *pte_alloc_one_kernel(struct mm_struct *mm)
{
	struct ptdesc *pt = pagetable_alloc(GFP_KERNEL, 0);

	if (!pt)
		return NULL;
	if (!pagetable_pte_ctor(pt)) {
		pagetable_free(pt);
		return NULL;
	}
	return ptdesc_address(pt);
}
"""


def test_an_override_fits_the_generic_function_that_it_leaves_alone(tmp_path: Path) -> None:
    generic = {"include/asm-generic/pgalloc.h": _GENERIC_PLAIN}
    (found,) = findings("E4", tmp_path, mmu=_OWN_KERNEL, **generic)
    assert (found.rule, found.location.function) == ("C25", "pte_alloc_one_kernel")
    assert "include/asm-generic/pgalloc.h:2" in found.message
    destroys = _GENERIC_PLAIN.replace(
        "	pagetable_free", "	pagetable_pte_dtor(virt_to_ptdesc(pte));\n	pagetable_free"
    )
    assert _rules("E4", tmp_path, "C25", mmu=_OWN_KERNEL, **{"include/asm-generic/pgalloc.h": destroys}) == []


def test_the_list_of_rules_is_whole() -> None:
    assert list(RULES) == [f"C{number:02}" for number in range(1, 26)]
