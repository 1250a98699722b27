"""The command: what it prints and how it exits."""

import json
from pathlib import Path

import pytest

from reviewbot.checks.cli import main
from tests.checks.minitree import tree

_WRONG = "static inline pgtable_t pte_alloc_one(struct mm_struct *mm)\n{\n	struct page *p = alloc_page(GFP_KERNEL);\n	if (p)\n		pgtable_page_ctor(p);\n	return p;\n}\n"  # noqa: E501
_PATH = "arch/toy/include/asm/pgalloc.h"


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    top = tmp_path / "linux"
    for path, data in tree("E0", pgalloc="int nothing;\n").items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(data or b"")
    return top


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    place = tmp_path / "overlay" / _PATH
    place.parent.mkdir(parents=True)
    place.write_text(_WRONG)
    return tmp_path / "overlay"


def test_a_clean_tree_exits_0_and_says_what_was_looked_at(kernel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tree", str(kernel)]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("pgtable: nothing found in ")
    assert printed.err.endswith("; epoch E0 (up to Linux 5.3)\n")


def test_json_has_the_fields_that_others_read(kernel: Path, overlay: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tree", str(kernel), "--overlay", str(overlay), "--format", "json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["rule"], found["severity"], found["file"], found["line"]) == ("C01", "error", _PATH, 5)
    assert found["function"] == "pte_alloc_one"
    assert {"file", "line", "text"} == set(found["evidence"][0])


def test_text_is_made_for_people(kernel: Path, overlay: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tree", str(kernel), "--overlay", str(overlay), _PATH]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith(f"{_PATH}:5: error: The result of pgtable_page_ctor() is ignored.")
    assert "in pte_alloc_one():  pgtable_page_ctor(p);" in printed


def test_sarif_is_well_formed(kernel: Path, overlay: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tree", str(kernel), "--overlay", str(overlay), "--format", "sarif"]) == 1
    log = json.loads(capsys.readouterr().out)
    (run,) = log["runs"]
    (result,) = run["results"]
    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "C01"
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 5


def test_rules_can_be_chosen(kernel: Path, overlay: Path) -> None:
    assert main(["--tree", str(kernel), "--overlay", str(overlay), "--rules", "C06"]) == 0


def test_facts_and_rule_pages_are_printed(kernel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tree", str(kernel), "--facts"]) == 0
    assert "epoch E0" in capsys.readouterr().out
    assert main(["--explain", "c06"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("C06 dtor-missing")
    assert "E6 from Linux 6.16" in page.replace("\n", " ")
    assert max(map(len, page.splitlines())) <= 100


@pytest.mark.parametrize(
    "arguments",
    [
        ["--explain", "C99"],
        ["--tree", "/nowhere/linux"],
        ["--tree", "TREE", "no/such.c"],
        ["--tree", "TREE", "--rules", "X"],
    ],
)
def test_bad_usage_is_one_sentence_and_exits_2(
    arguments: list[str], kernel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(kernel) if argument == "TREE" else argument for argument in arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_unknown_option_exits_2(kernel: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--tree", str(kernel), "--frobnicate"])
    assert stop.value.code == 2


def test_a_folder_without_a_kernel_cannot_be_read(tmp_path: Path) -> None:
    assert main(["--tree", str(tmp_path)]) == 3
