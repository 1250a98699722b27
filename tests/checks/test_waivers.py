"""A finding may be waived with a reason; what is waived, and what a waiver misses, is told."""

from pathlib import Path

import pytest

from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.protocol import Coverage
from reviewbot.checks.series import check_series
from reviewbot.checks.waivers import TREE_FILE, Waiver, read_waivers, run, tree_waivers
from reviewbot.errors import OperatorError
from reviewbot.tree.readers import OverlayFiles
from tests.checks.minitree import files

_PATH = "arch/toy/include/asm/pgalloc.h"
_WRONG = """
static inline pgtable_t pte_alloc_one(struct mm_struct *mm)
{
	struct page *pte = alloc_pages(GFP_KERNEL, 0);

	if (!pte)
		return NULL;
%s	pgtable_page_ctor(pte);%s
	return pte;
}
"""
_FILE = """
[[waiver]]
rule = "%s"
file = "arch/toy/include/asm/*.h"
function = "pte_alloc_one"
text = "pgtable_page_ctor( pte );"
reason = "the toy has no split locks"
""".replace("( pte )", "(pte)")


def _run(folder: Path, source: str, waivers: tuple[Waiver, ...] = ()) -> tuple[list[str], list[str]]:
    coverage = Coverage()
    tree = files("E0", folder, pgalloc=source)
    return [found.rule for found in run(PgtableCheck(), tree, [_PATH], coverage, waivers)], coverage.told


def test_a_file_waives_a_finding_with_its_reason(tmp_path: Path) -> None:
    waivers = read_waivers((_FILE % "C01").encode(), "project.toml")
    found, told = _run(tmp_path, _WRONG % ("", ""), waivers)
    assert found == []
    assert told == [f"C01 at {_PATH}:8 is waived by project.toml, waiver 1: the toy has no split locks"]


def test_a_waiver_that_matches_nothing_is_told(tmp_path: Path) -> None:
    found, told = _run(tmp_path, _WRONG % ("", ""), read_waivers((_FILE % "C06").encode(), "project.toml"))
    assert found == ["C01"]
    assert told == ["project.toml, waiver 1 waives C06, but nothing of that kind was found there."]


@pytest.mark.parametrize(
    ("above", "behind"),
    [("	/* reviewbot: C01 no split locks here */\n", ""), ("", " // reviewbot: C01 no split locks here")],
)
def test_a_comment_waives_the_line_that_it_stands_on_or_above(above: str, behind: str, tmp_path: Path) -> None:
    found, told = _run(tmp_path, _WRONG % (above, behind))
    assert found == []
    assert told[0].endswith("no split locks here")


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("	/* reviewbot: C01 */\n", "without a reason and does not count"),
        ("	/* reviewbot: C06 no such thing */\n", "nothing of that kind was found"),
    ],
)
def test_a_comment_has_a_reason_and_the_right_rule(comment: str, words: str, tmp_path: Path) -> None:
    found, told = _run(tmp_path, _WRONG % (comment, ""))
    assert found == ["C01"]
    assert words in told[0]


def test_what_a_comment_waives_is_told_before_any_other_remark(tmp_path: Path) -> None:
    noise = "\t/* reviewbot: C05 */\n" * 30
    found, told = _run(tmp_path, _WRONG % (noise + "\t/* reviewbot: C01 looks fine */\n", ""))
    assert found == []
    assert told[0].startswith(f"C01 at {_PATH}:39 is waived by the comment at {_PATH}:38")
    assert len(told) == 31


def test_a_series_cannot_bring_its_own_waivers(tmp_path: Path) -> None:
    right = _WRONG.replace("	pgtable_page_ctor(pte);", "	BUG_ON(!pgtable_page_ctor(pte));") % ("", "")
    base = files("E0", tmp_path, pgalloc=right)
    waiver = {TREE_FILE: (_FILE % "C01").encode()}
    patched = OverlayFiles(files("E0", tmp_path, pgalloc=_WRONG % ("", "")), waiver)
    assert [one.finding.rule for one in check_series(PgtableCheck(), [base, patched], [[_PATH, TREE_FILE]]).new] == [
        "C01"
    ]
    waived = check_series(PgtableCheck(), [OverlayFiles(base, waiver), patched], [[_PATH]])
    assert not waived.new
    assert "is waived by" in waived.coverage[1].told[0]


@pytest.mark.parametrize(
    ("above", "behind"),
    [("	/* reviewbot: C01 no split locks here */\n", ""), ("", " // reviewbot: C01 no split locks here")],
)
def test_a_comment_that_a_patch_brings_along_does_not_silence_what_the_patch_does(
    above: str, behind: str, tmp_path: Path
) -> None:
    right = _WRONG.replace("	pgtable_page_ctor(pte);", "	BUG_ON(!pgtable_page_ctor(pte));") % ("", "")
    base = files("E0", tmp_path, pgalloc=right)
    patched = files("E0", tmp_path, pgalloc=_WRONG % (above, behind))
    series = check_series(PgtableCheck(), [base, patched], [[_PATH]])
    [new] = series.new
    assert new.finding.rule == "C01"
    assert new.finding.evidence[-1].text == "the patch itself waives it: no split locks here"
    assert "which the patch itself brings along" in series.coverage[1].told[0]
    later = check_series(PgtableCheck(), [patched, patched], [[_PATH]])
    assert not later.new
    assert not later.preexisting


def test_a_comment_of_the_base_waives_its_own_statement_and_no_other(tmp_path: Path) -> None:
    comment = "	/* reviewbot: C01 no split locks here */\n"
    right = (_WRONG % (comment, "")).replace("	pgtable_page_ctor(pte);", "	BUG_ON(!pgtable_page_ctor(pte));")
    base = files("E0", tmp_path, pgalloc=right)
    patched = files("E0", tmp_path, pgalloc=_WRONG % (comment, ""))
    assert [one.finding.rule for one in check_series(PgtableCheck(), [base, patched], [[_PATH]]).new] == ["C01"]


def test_a_tree_without_the_file_has_no_waivers(tmp_path: Path) -> None:
    assert tree_waivers(files("E0", tmp_path)) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[waiver]]\nrule = 'C01'\nfile = 'mm/*'\n", "has no reason"),
        ("[[waiver]]\nrule = 'C01'\nfile = 'mm/*'\nreason = ' '\n", "has no reason"),
        ("[[waiver]]\nrule = 'C01'\nfile = 'mm/*'\nreason = 'x'\nline = '3'\n", "unknown field line"),
        ("[[waiver]]\nrule = 1\n", "must be a string"),
        ("waiver = 'C01'\n", r"\[\[waiver\]\]"),
        ("[[waiver", "cannot be read"),
        ("\xff", "cannot be read"),
    ],
)
def test_a_broken_file_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(OperatorError, match=words):
        read_waivers(text.encode("latin-1"), "project.toml")
