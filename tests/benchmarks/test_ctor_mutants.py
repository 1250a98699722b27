"""The generator of planted mistakes: what it changes, what it leaves alone, and how it labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ctor.csource import Edit, Unit, apply_edits, error_count, line_of, moved
from benchmarks.ctor.mutants import Mutant, mutants
from benchmarks.ctor.sites import Epoch, api_name, sites_of

MM_H = """
static inline bool pagetable_pte_ctor(struct ptdesc *ptdesc)
{
	return ptlock_init(ptdesc);
}
static inline void pagetable_pte_dtor(struct ptdesc *ptdesc)
{
}
static inline bool pagetable_pmd_ctor(struct ptdesc *ptdesc)
{
	return pmd_ptlock_init(ptdesc);
}
static inline void pagetable_pmd_dtor(struct ptdesc *ptdesc)
{
}
static inline void pagetable_pud_ctor(struct ptdesc *ptdesc)
{
}
"""

PGALLOC_H = """
#ifndef _ASM_PGALLOC_H
#define _ASM_PGALLOC_H

#define __pte_free_tlb(tlb, pte, addr)				\\
do {								\\
	pagetable_pte_dtor(page_ptdesc(pte));			\\
	tlb_remove_page_ptdesc((tlb), page_ptdesc(pte));	\\
} while (0)

static inline pmd_t *pmd_alloc_one(struct mm_struct *mm, unsigned long addr)
{
	struct ptdesc *ptdesc;

	ptdesc = pagetable_alloc(GFP_PGTABLE_USER, 0);
	if (!ptdesc)
		return NULL;
	if (!pagetable_pmd_ctor(ptdesc)) {
		pagetable_free(ptdesc);
		return NULL;
	}
	return ptdesc_address(ptdesc);
}

static inline void pmd_free(struct mm_struct *mm, pmd_t *pmd)
{
	struct ptdesc *ptdesc = virt_to_ptdesc(pmd);

	pagetable_pmd_dtor(ptdesc);
	pagetable_free(ptdesc);
}

#endif
"""
PATH = "arch/toy/include/asm/pgalloc.h"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("linux")
    for path, text in (
        ("include/linux/mm.h", MM_H),
        ("include/asm-generic/tlb.h", "/* nothing */\n"),
        ("include/asm-generic/pgalloc.h", "#ifndef __HAVE_ARCH_PMD_FREE\n#endif\n"),
        ("mm/memory.c", "int nothing;\n"),
        (PATH, PGALLOC_H),
    ):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    return top


@pytest.fixture(scope="module")
def planted(tree: Path) -> dict[str, list[Mutant]]:
    found: dict[str, list[Mutant]] = {}
    for mutant in mutants("toy", tree):
        found.setdefault(mutant.kind, []).append(mutant)
    return found


def text_of(mutant: Mutant) -> str:
    return mutant.files[PATH].decode()


def test_the_epoch_is_read_from_the_names_in_mm_h(tree: Path) -> None:
    epoch = Epoch(tree)
    assert epoch.name == "E4"
    assert epoch.spell("dtor", "pmd") == "pagetable_pmd_dtor"
    assert epoch.spell("ctor", "p4d") is None


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("pgtable_page_ctor", ("ctor", "pte")),
        ("pgtable_pmd_page_dtor", ("dtor", "pmd")),
        ("pagetable_p4d_ctor", ("ctor", "p4d")),
        ("pagetable_dtor_free", ("dtor_free", "")),
        ("pagetable_pte_dtor_free", None),
        ("pgd_ctor", None),
    ],
)
def test_names_of_every_epoch_are_known(name: str, meaning: tuple[str, str] | None) -> None:
    assert api_name(name) == meaning


def test_calls_are_found_in_functions_and_in_macros() -> None:
    found = [(site.body.name, site.kind, site.level) for site in sites_of(Unit(PATH, PGALLOC_H.encode()))]
    assert found == [("__pte_free_tlb", "dtor", "pte"), ("pmd_alloc_one", "ctor", "pmd"), ("pmd_free", "dtor", "pmd")]


def test_every_mutant_is_as_readable_as_its_original(planted: dict[str, list[Mutant]]) -> None:
    before = error_count(PGALLOC_H.encode())
    for group in planted.values():
        for mutant in group:
            assert error_count(mutant.files[mutant.file]) <= before, mutant.name


def test_no_two_mutants_are_the_same_and_none_is_the_original(planted: dict[str, list[Mutant]]) -> None:
    states = [tuple(sorted(mutant.files.items())) for group in planted.values() for mutant in group]
    assert len(set(states)) == len(states)
    assert ((PATH, PGALLOC_H.encode()),) not in states


def test_a_dropped_constructor_takes_its_branch_with_it(planted: dict[str, list[Mutant]]) -> None:
    (mutant,) = planted["drop-ctor"]
    assert "pagetable_pmd_ctor" not in text_of(mutant)
    assert text_of(mutant).count("pagetable_free") == 1
    assert mutant.rules[0] == "C02"
    assert mutant.functions == ("pmd_alloc_one",)


def test_a_leak_keeps_the_test_and_loses_the_free(planted: dict[str, list[Mutant]]) -> None:
    (mutant,) = planted["leak-on-failure"]
    branch = text_of(mutant).split("pagetable_pmd_ctor(ptdesc)) {")[1].split("}")[0]
    assert branch.split() == ["return", "NULL;"]
    assert mutant.rules == ("C10",)


def test_a_destructor_is_dropped_in_a_macro_without_breaking_its_lines(planted: dict[str, list[Mutant]]) -> None:
    in_macro = [mutant for mutant in planted["drop-dtor"] if mutant.functions == ("__pte_free_tlb",)]
    assert len(in_macro) == 1
    assert "pagetable_pte_dtor" not in text_of(in_macro[0])
    assert in_macro[0].rules[0] == "C11"


def test_the_label_names_the_line_of_the_change(planted: dict[str, list[Mutant]]) -> None:
    (mutant,) = planted["dtor-on-failed-path"]
    line = 1 + text_of(mutant).split("pagetable_pmd_dtor(ptdesc);")[0].count("\n")
    assert line in mutant.lines


def test_names_of_other_kernels_are_planted_but_never_those_of_this_tree(planted: dict[str, list[Mutant]]) -> None:
    for mutant in planted["api-of-other-epoch"]:
        assert mutant.rules == ("C18",)
    assert any("pgtable_pmd_page_ctor" in text_of(mutant) for mutant in planted["api-of-other-epoch"])


def test_changes_that_keep_the_behaviour_have_no_rule(planted: dict[str, list[Mutant]]) -> None:
    for kind in ("goto-out", "nested-if", "ternary", "unlikely", "renamed", "helper", "inline-for-macro"):
        assert planted[kind], kind
        for mutant in planted[kind]:
            assert (mutant.scope, mutant.rules) == ("benign", ())


def test_a_goto_jumps_to_what_the_branch_did(planted: dict[str, list[Mutant]]) -> None:
    (mutant,) = planted["goto-out"]
    function = text_of(mutant).split("pmd_alloc_one")[1].split("\n}\n")[0]
    assert "goto out_free;" in function
    assert function.index("return ptdesc_address") < function.index("out_free:") < function.index("pagetable_free")


@given(st.binary(max_size=60), st.data())
def test_edits_move_the_bytes_behind_them(data: bytes, draws: st.DataObject) -> None:
    cuts = sorted(draws.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    cuts = cuts[: len(cuts) // 2 * 2]
    edits = [Edit(a, b, draws.draw(st.binary(max_size=4))) for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
    changed = apply_edits(data, edits)
    for offset in range(len(data)):
        if not any(edit.start <= offset < edit.end for edit in edits):
            assert changed[moved(offset, edits)] == data[offset]


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlapping"):
        apply_edits(b"abcdef", [Edit(0, 3, b""), Edit(2, 4, b"")])


@given(st.text(alphabet="a\n"))
def test_lines_count_from_one(text: str) -> None:
    assert line_of(text.encode(), len(text)) == text.count("\n") + 1
