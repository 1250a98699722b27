"""The result of a constructor, however it reaches the test: through helpers, variables, conditions and choices."""

from pathlib import Path

import pytest

from tests.checks.minitree import findings

_HEAD = "struct ptdesc *pte_alloc_one(struct mm_struct *mm)\n{\n"
_GOT = "	struct ptdesc *pt = pagetable_alloc(GFP_PGTABLE_USER, 0);\n\n	if (!pt)\n		return NULL;\n"
_FREE = "void pte_free(struct mm_struct *mm, struct ptdesc *pt)\n{\n	pagetable_dtor_free(pt);\n}\n"
_BACK = " {\n		pagetable_free(pt);\n		return NULL;\n	}\n	return pt;\n"


def _made(folder: Path, body: str, before: str = "") -> set[str]:
    text = before + _HEAD + _GOT + body + "}\n" + _FREE
    return {found.rule for found in findings("E6", folder, mmu=text)}


@pytest.mark.parametrize(
    "body",
    [
        "	bool failed = !pagetable_pte_ctor(mm, pt);\n\n	if (failed)" + _BACK,
        "	bool failed = unlikely(!pagetable_pte_ctor(mm, pt));\n\n	if (failed == true)" + _BACK,
        "	int err = pagetable_pte_ctor(mm, pt) ? 0 : -ENOMEM;\n\n	if (err)" + _BACK,
        "	bool ok = prepare(pt);\n\n	ok &= pagetable_pte_ctor(mm, pt);\n	if (!ok)" + _BACK,
        "	if (!prepare(mm) || !pagetable_pte_ctor(mm, pt))" + _BACK,
        "	if (mm && pagetable_pte_ctor(mm, pt))\n		return pt;\n	pagetable_free(pt);\n	return NULL;\n",
        "	return (pagetable_pte_ctor(mm, pt) ?: (pagetable_free(pt), 0)) ? pt : NULL;\n",
        "	struct toy_walk walk = { .pt = pt };\n\n	if (!pagetable_pte_ctor(mm, walk.pt))" + _BACK,
        "	bool (*make)(struct mm_struct *, struct ptdesc *) = mm ? pagetable_pte_ctor : pagetable_pte_ctor;\n\n"
        "	if (!make(mm, pt))" + _BACK,
    ],
)
def test_a_result_that_is_heeded_is_left_alone(body: str, tmp_path: Path) -> None:
    assert _made(tmp_path, body) == set()


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("	bool failed = !pagetable_pte_ctor(mm, pt);\n\n	if (!failed)" + _BACK, "C01"),
        (
            "	bool failed = !pagetable_pte_ctor(mm, pt);\n\n	if (failed)\n		return NULL;\n	return pt;\n",
            "C10",
        ),
        ("	int err = pagetable_pte_ctor(mm, pt) ? 0 : -ENOMEM;\n\n	if (!err)" + _BACK, "C01"),
        ("	bool ok = !!pagetable_pte_ctor(mm, pt);\n\n	if (!ok)\n		return NULL;\n	return pt;\n", "C10"),
        ("	if (!pagetable_pte_ctor(mm, pt) || !prepare(mm))" + _BACK, "C06"),
        ("	if (want_lock(mm) && !pagetable_pte_ctor(mm, pt))" + _BACK, "C02"),
        ("	if (IS_ENABLED(CONFIG_SPLIT_PTE_PTLOCKS) && !pagetable_pte_ctor(mm, pt))" + _BACK, "C02"),
        (
            "	if (fast_path(mm) || pagetable_pte_ctor(mm, pt))\n		return pt;\n"
            "	pagetable_free(pt);\n	return NULL;\n",
            "C02",
        ),
        (
            "	struct toy_walk walk = { .mm = mm };\n\n	walk.pt = pt;\n"
            "	if (!pagetable_pte_ctor(mm, walk.pt))\n		return NULL;\n	return walk.pt;\n",
            "C10",
        ),
    ],
)
def test_a_result_that_is_lost_on_the_way_is_found(body: str, rule: str, tmp_path: Path) -> None:
    assert _made(tmp_path, body) == {rule}


_HELPERS = {
    "error code": "static int %s(struct mm_struct *mm, struct ptdesc *pt)\n{\n"
    "	if (!pagetable_pte_ctor(mm, pt))\n		return -ENOMEM;\n	return 0;\n}\n",
    "chosen error code": "static int %s(struct mm_struct *mm, struct ptdesc *pt)\n{\n"
    "	return pagetable_pte_ctor(mm, pt) ? 0 : -ENOMEM;\n}\n",
    "negated truth": "static bool %s(struct mm_struct *mm, struct ptdesc *pt)\n{\n"
    "	return !pagetable_pte_ctor(mm, pt);\n}\n",
}
_TRUTH = "static bool %s(struct mm_struct *mm, struct ptdesc *pt)\n{\n	return pagetable_pte_ctor(mm, pt);\n}\n"


@pytest.mark.parametrize("kind", _HELPERS)
def test_a_helper_that_is_true_on_failure_is_not_taken_for_one_that_is_true_on_success(
    kind: str, tmp_path: Path
) -> None:
    helper = _HELPERS[kind] % "prepare"
    assert _made(tmp_path, "	if (prepare(mm, pt))" + _BACK, helper) == set()
    assert _made(tmp_path, "	if (!prepare(mm, pt))" + _BACK, helper) == {"C01"}
    assert _made(tmp_path, "	prepare(mm, pt);\n	return pt;\n", helper) == {"C01"}


def test_a_helper_that_is_true_on_success(tmp_path: Path) -> None:
    helper = _TRUTH % "prepare"
    assert _made(tmp_path, "	if (!prepare(mm, pt))" + _BACK, helper) == set()
    assert _made(tmp_path, "	if (prepare(mm, pt))" + _BACK, helper) == {"C01"}


def test_a_macro_may_try_and_give_back(tmp_path: Path) -> None:
    macro = "#define try(mm, pt) ({ bool __ok = pagetable_pte_ctor(mm, pt); %s__ok; })\n"
    body = "	if (!try(mm, pt))\n		return NULL;\n	return pt;\n"
    assert _made(tmp_path, body, macro % "if (!__ok) pagetable_free(pt); ") == set()
    assert _made(tmp_path, body, macro % "") == {"C10"}


def test_a_table_may_come_back_through_a_parameter(tmp_path: Path) -> None:
    make = (
        "static int make(struct mm_struct *mm, struct ptdesc **out)\n{\n"
        "	struct ptdesc *pt = pagetable_alloc(GFP_PGTABLE_USER, 0);\n\n	if (!pt)\n		return -ENOMEM;\n%s"
        "	*out = pt;\n	return 0;\n}\n"
    )
    user = "	struct ptdesc *pt;\n\n	return make(mm, &pt) ? NULL : pt;\n"

    def found(middle: str) -> set[str]:
        return {one.rule for one in findings("E6", tmp_path, mmu=make % middle + _HEAD + user + "}\n" + _FREE)}

    failed = "	if (!pagetable_pte_ctor(mm, pt)) {\n		%sreturn -ENOMEM;\n	}\n"
    assert found(failed % "pagetable_free(pt);\n		") == set()
    assert found(failed % "") == {"C10"}


def test_a_round_that_fails_gives_its_table_back_before_the_next(tmp_path: Path) -> None:
    body = (
        _HEAD + "	struct ptdesc *pt;\n\nagain:\n	pt = pagetable_alloc(GFP_PGTABLE_USER, 0);\n	if (!pt)\n"
        "		return NULL;\n	if (!pagetable_pte_ctor(mm, pt)) {\n		%sgoto again;\n	}\n	return pt;\n}\n"
        + _FREE
    )
    assert findings("E6", tmp_path, mmu=body % "pagetable_free(pt);\n		") == []
    found = findings("E6", tmp_path, mmu=body % "")
    assert [one.rule for one in found] == ["C10"]
    assert found[0].message.startswith("When pagetable_pte_ctor() fails the function allocates another one")


_CHOICE = (
    "void *toy_alloc(struct mm_struct *mm, int shift)\n{\n"
    + _GOT
    + "%s"
    + _BACK.replace("pt;\n", "ptdesc_address(pt);\n")
    + "}\n"
)


@pytest.mark.parametrize(
    "choice",
    [
        "	if (!(shift == PMD_SHIFT ? pagetable_{0}_ctor(mm, pt) : pagetable_{1}_ctor(mm, pt)))",
        "	if (!(shift == PMD_SHIFT ? pagetable_{0}_ctor : pagetable_{1}_ctor)(mm, pt))",
        "	bool ok = shift == PMD_SHIFT ? pagetable_{0}_ctor(mm, pt) : pagetable_{1}_ctor(mm, pt);\n\n	if (!ok)",
    ],
)
def test_the_constructor_may_be_chosen_by_an_expression(choice: str, tmp_path: Path) -> None:
    assert findings("E6", tmp_path, mmu=_CHOICE % choice.format("pmd", "pte")) == []
    swapped = findings("E6", tmp_path, mmu=_CHOICE % choice.format("pte", "pmd"))
    assert {found.rule for found in swapped} == {"C03"}


def test_a_call_with_too_few_or_too_many_arguments_is_one_mistake(tmp_path: Path) -> None:
    assert _made(tmp_path, "	if (!pagetable_pte_ctor(pt))" + _BACK) == {"C18"}
    assert _made(tmp_path, "	if (!pagetable_pte_ctor(mm, pt, 0))" + _BACK) == {"C18"}
    wrong = _HEAD + _GOT + "	if (!pagetable_pte_ctor(mm, pt))" + _BACK + "}\n"
    wrong += _FREE.replace("_dtor_free(pt)", "_dtor(mm, pt);\n	pagetable_free(pt)")
    assert [found.rule for found in findings("E6", tmp_path, mmu=wrong)] == ["C18"]


_SWITCH = """
void *toy_table(struct mm_struct *mm, enum pgtable_level level)
{
	struct ptdesc *pt = pagetable_alloc(GFP_KERNEL, 0);

	if (!pt)
		return NULL;
	switch (level) {
	case PGTABLE_LEVEL_PTE:
		BUG_ON(!pagetable_pte_ctor(mm, pt));
		%s
	case PGTABLE_LEVEL_PMD:
		BUG_ON(!pagetable_pmd_ctor(mm, pt));
		break;
	default:
		pagetable_pud_ctor(pt);
	}
	return ptdesc_address(pt);
}
"""


def test_a_case_that_falls_through_constructs_twice_and_is_no_wrong_level(tmp_path: Path) -> None:
    assert findings("E6", tmp_path, mmu=_SWITCH % "break;") == []
    assert {found.rule for found in findings("E6", tmp_path, mmu=_SWITCH % "fallthrough;")} == {"C08"}
