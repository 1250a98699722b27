"""No text of a stranger makes the checker walk for ever: it counts its steps, and names what it leaves out."""

from pathlib import Path

import pytest

from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.pgtable.evaluation import MAX_WAYS
from reviewbot.checks.pgtable.facts import read_facts
from reviewbot.checks.pgtable.memory import Memory
from reviewbot.checks.pgtable.names import MAX_DEFINITIONS
from reviewbot.checks.pgtable.program import Program, load
from reviewbot.checks.pgtable.walk import MAX_COARSE_STATES, MAX_STATES
from reviewbot.checks.pgtable.walks import MAX_BODY, MAX_FILE_STATES, MAX_NODES
from reviewbot.checks.protocol import Coverage
from tests.checks import minitree

PLACE = "arch/toy/mm/mmu.c"
_HEAD = "pgtable_t pte_alloc_one(struct mm_struct *mm)\n{\n"
_TAIL = "\tpagetable_free(pagetable_alloc(0, 0));\n\treturn NULL;\n}\n"


def _program(top: Path, text: str) -> Program:
    files = minitree.files("E6", top, mmu=text)
    return load(files, read_facts(files), [PLACE], Memory())


def _steps(program: Program) -> int:
    for piece in program.sources[PLACE].pieces:
        program.reports(piece)
    return program.walks.spent[PLACE]


def _unread(top: Path, text: str) -> list[str]:
    coverage = Coverage()
    list(PgtableCheck().check(minitree.files("E6", top, mmu=text), [PLACE], coverage))
    return coverage.unread


def test_a_state_in_which_much_is_known_counts_for_several(tmp_path: Path) -> None:
    tests = "".join(f"\tif (x{n})\n\t\ty{n} = f{n}();\n" for n in range(500))
    again = "".join(f"\tif (x{n})\n\t\tg(y{n});\n" for n in range(500))
    text = _HEAD + tests + again + _TAIL
    program = _program(tmp_path, text)
    assert _steps(program) <= MAX_STATES + MAX_COARSE_STATES + 200
    assert program.reports(program.sources[PLACE].pieces[0])[0].coarse


@pytest.mark.parametrize(
    "condition",
    [
        " && ".join(f"(a{n} || b{n})" for n in range(40)),
        "f(" + ", ".join(f"a{n} ? b{n} : c{n}" for n in range(40)) + ")",
    ],
    ids=["tests", "arguments"],
)
def test_an_expression_has_no_more_ways_than_are_followed(condition: str, tmp_path: Path) -> None:
    text = f"{_HEAD}\tif ({condition})\n\t\treturn NULL;\n{_TAIL}"
    assert _steps(_program(tmp_path, text)) < 4 * MAX_WAYS
    assert _unread(tmp_path, text) == [f"{PLACE}:1 pte_alloc_one: it has too many paths"]


def test_a_function_that_is_too_long_is_not_walked_and_named(tmp_path: Path) -> None:
    many = _HEAD + "\tf();\n" * (MAX_NODES + 1) + _TAIL
    assert _unread(tmp_path, many) == [f"{PLACE}:1 pte_alloc_one: it has too many statements"]
    assert _steps(_program(tmp_path, many)) == 0
    long = _HEAD + f"\tf({'1 + ' * (MAX_BODY // 4)}1);\n" + _TAIL
    assert _unread(tmp_path, long) == [f"{PLACE}:1 pte_alloc_one: it is too long"]


def test_a_function_that_is_defined_a_thousand_times_is_looked_up_a_few_times(tmp_path: Path) -> None:
    text = "static void drop(struct ptdesc *p)\n{\n\tif (x)\n\t\tpagetable_free(p);\n}\n" * 1000
    program = _program(tmp_path, text + "void user(struct ptdesc *p)\n{\n\tdrop(p);\n}\n")
    assert len(program.candidates("drop", PLACE)) == MAX_DEFINITIONS
    program.summary("drop", PLACE)
    assert program.walks.spent[PLACE] < 20 * MAX_DEFINITIONS


def test_functions_without_end_take_no_more_than_their_file_may(tmp_path: Path) -> None:
    branches = "".join(f"\tif (a{n})\n\t\tb{n} = f{n}(p);\n\tif (b{n})\n\t\tg(b{n});\n" for n in range(14))
    text = "".join(f"void pte_free_{n}(struct ptdesc *p)\n{{\n{branches}\tpagetable_free(p);\n}}\n" for n in range(60))
    program = _program(tmp_path, text)
    program.walks.spent[PLACE] = MAX_FILE_STATES - 1
    assert _steps(program) <= MAX_FILE_STATES + MAX_STATES + MAX_COARSE_STATES
    last = program.sources[PLACE].pieces[-1]
    assert program.reports(last)[0].gave_up == "the functions before it in this file have too many paths"


def test_of_a_file_that_is_too_long_the_first_part_is_read_and_that_is_said(tmp_path: Path) -> None:
    text = _HEAD + _TAIL + "/*" + "x" * 10_000_000
    assert _unread(tmp_path, text) == [f"{PLACE}: only its first 2,000,000 bytes"]
