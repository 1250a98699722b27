"""What a series does to the findings of a tree."""

from pathlib import Path

import pytest

from reviewbot.checks.characters import CharactersCheck
from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.series import SeriesFindings, check_series
from reviewbot.tree.readers import OverlayFiles
from tests.checks.minitree import PMD_ALLOC, PTE_ALLOC, PTE_ALLOC_UNCHECKED, files

_PATH = "arch/toy/include/asm/pgalloc.h"


def _run(folder: Path, *texts: str) -> SeriesFindings:
    states = [files("E0", folder, pgalloc=text) for text in texts]
    return check_series(PgtableCheck(), states, [[_PATH]] * (len(texts) - 1))


def test_a_finding_belongs_to_the_patch_that_makes_it(tmp_path: Path) -> None:
    result = _run(tmp_path, PTE_ALLOC, PTE_ALLOC + "\n", PTE_ALLOC_UNCHECKED)
    assert [(life.finding.rule, life.born) for life in result.new] == [("C01", 2)]
    assert not result.transient
    assert not result.fixed


def test_a_finding_that_a_later_patch_mends_is_transient(tmp_path: Path) -> None:
    result = _run(tmp_path, PTE_ALLOC, PTE_ALLOC_UNCHECKED, PTE_ALLOC)
    assert not result.new
    assert [(life.finding.rule, life.born, life.gone) for life in result.transient] == [("C01", 1, 2)]


def test_a_mended_finding_is_credited_to_its_patch(tmp_path: Path) -> None:
    result = _run(tmp_path, PTE_ALLOC_UNCHECKED, PTE_ALLOC_UNCHECKED, PTE_ALLOC)
    assert [(life.finding.rule, life.gone) for life in result.fixed] == [("C01", 2)]


def test_what_was_there_is_told_apart_and_only_where_the_series_touches_the_function(tmp_path: Path) -> None:
    touched = _run(tmp_path, PTE_ALLOC_UNCHECKED, PTE_ALLOC_UNCHECKED.replace("GFP_KERNEL", "GFP_ATOMIC"))
    assert not touched.new
    assert [life.finding.rule for life in touched.preexisting] == ["C01"]
    beside = _run(
        tmp_path, PTE_ALLOC_UNCHECKED, PTE_ALLOC_UNCHECKED + "\nstatic inline int other(void)\n{\n	return 1;\n}\n"
    )
    assert not beside.new
    assert not beside.preexisting


def test_a_change_of_the_api_is_seen_in_files_that_are_not_touched(tmp_path: Path) -> None:
    before = files("E0", tmp_path, pgalloc=PTE_ALLOC)
    after = files("E1", tmp_path, pgalloc=PTE_ALLOC)
    result = check_series(PgtableCheck(), [before, after], [["include/linux/mm.h"]])
    assert [(life.finding.rule, life.finding.location.file) for life in result.new] == [("C18", _PATH)]


def test_the_states_have_to_fit_the_patches(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one state for each patch"):
        check_series(PgtableCheck(), [files("E0", tmp_path)], [[_PATH]])


def test_another_check_works_the_same_way(tmp_path: Path) -> None:
    clean, dirty = (files("E0", tmp_path, pgalloc=text) for text in ("int a;\n", "int a\u202e;\n"))
    result = check_series(CharactersCheck(), [clean, dirty], [[_PATH]])
    assert [life.finding.rule for life in result.new] == ["bidirectional"]


def test_a_series_that_only_adds_files_says_nothing_of_the_rest_of_the_tree(tmp_path: Path) -> None:
    base = files("E0", tmp_path, pgalloc=PTE_ALLOC_UNCHECKED)
    added = OverlayFiles(base, {"Documentation/new.rst": b"text\n"})
    result = check_series(PgtableCheck(), [base, added, base], [["Documentation/new.rst"]] * 2)
    assert result.states == ((), (), ())


_MMU = "arch/toy/mm/mmu.c"
_OTHER = "arch/toy/mm/tables.c"


def _moved(folder: Path, *states: dict[str, str]) -> SeriesFindings:
    """Check states that are given as the texts of their files; each patch touches all that any state has."""
    paths = sorted({path for state in states for path in state})
    trees = [files("E0", folder, **state) for state in states]
    return check_series(PgtableCheck(), trees, [paths] * (len(states) - 1))


def test_a_file_that_is_renamed_brings_nothing_new_and_mends_nothing(tmp_path: Path) -> None:
    result = _moved(tmp_path, {_MMU: PTE_ALLOC_UNCHECKED}, {_OTHER: PTE_ALLOC_UNCHECKED})
    assert not (result.new or result.fixed or result.transient)
    assert [life.finding.location.file for life in result.traced] == [_OTHER]


def test_a_function_that_moves_to_another_file_and_back_takes_its_finding_along(tmp_path: Path) -> None:
    here, there = (
        {_MMU: PTE_ALLOC_UNCHECKED, _OTHER: "\n"},
        {_MMU: "\n", _OTHER: "int first(void);\n" + PTE_ALLOC_UNCHECKED},
    )
    result = _moved(tmp_path, here, there, here)
    assert not (result.new or result.fixed or result.transient)


def test_a_file_that_is_renamed_and_made_wrong_is_new_in_that_patch(tmp_path: Path) -> None:
    result = _moved(
        tmp_path, {_MMU: PTE_ALLOC}, {_OTHER: PTE_ALLOC}, {_OTHER: PTE_ALLOC_UNCHECKED}, {_MMU: PTE_ALLOC_UNCHECKED}
    )
    assert [(life.finding.rule, life.born, life.finding.location.file) for life in result.new] == [("C01", 2, _MMU)]


def test_a_file_that_is_deleted_takes_its_findings_away(tmp_path: Path) -> None:
    result = _moved(tmp_path, {_MMU: PTE_ALLOC_UNCHECKED, _OTHER: PTE_ALLOC}, {_OTHER: PTE_ALLOC})
    assert [(life.finding.rule, life.gone) for life in result.fixed] == [("C01", 1)]
    assert not result.new


def test_arms_of_a_condition_that_become_one_keep_their_finding(tmp_path: Path) -> None:
    armed = f"#ifdef CONFIG_A\n{PTE_ALLOC_UNCHECKED}#else\n{PTE_ALLOC}#endif\n"
    result = _moved(tmp_path, {_MMU: armed}, {_MMU: PTE_ALLOC_UNCHECKED})
    assert not (result.new or result.fixed)
    [life] = result.preexisting
    assert (life.finding.rule, life.finding.condition) == ("C01", "")


def test_one_arm_that_is_mended_is_fixed_in_that_arm(tmp_path: Path) -> None:
    both = f"#ifdef CONFIG_A\n{PTE_ALLOC_UNCHECKED}#else\n{PTE_ALLOC_UNCHECKED}#endif\n"
    one = f"#ifdef CONFIG_A\n{PTE_ALLOC_UNCHECKED}#else\n{PTE_ALLOC}#endif\n"
    result = _moved(tmp_path, {_MMU: both}, {_MMU: one})
    assert [(life.finding.rule, life.gone) for life in result.fixed] == [("C01", 1)]
    assert [life.finding.rule for life in result.preexisting] == ["C01"]
    assert not result.new


def test_a_signature_that_one_patch_changes_and_the_next_follows_is_a_hazard_between_them(tmp_path: Path) -> None:
    followed = PMD_ALLOC.replace("_ctor(pt)", "_ctor(mm, pt)")
    texts = (("E5", PMD_ALLOC), ("E6", PMD_ALLOC), ("E6", followed))
    states = [files(epoch, tmp_path, pgalloc=text) for epoch, text in texts]
    result = check_series(PgtableCheck(), states, [["include/linux/mm.h"], [_PATH]])
    assert not result.new
    assert "C18" in {life.finding.rule for life in result.transient}
    assert {(life.born, life.gone) for life in result.transient} == {(1, 2)}
