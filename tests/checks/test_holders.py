"""Tables that are held by something else than a plain pointer: scopes, arrays, lists, batches; and other names."""

from pathlib import Path

import pytest

from reviewbot.checks.c.lower import lower_piece
from reviewbot.checks.c.source import Source
from tests.checks.minitree import findings

_HEAD = "struct ptdesc *pte_alloc_one(struct mm_struct *mm)\n{\n"
_GOT = "	struct ptdesc *pt = pagetable_alloc(GFP_PGTABLE_USER, 0);\n\n	if (!pt)\n		return NULL;\n"
_CTOR = (
    "	if (!pagetable_pte_ctor(mm, pt)) {\n		pagetable_free(pt);\n		return NULL;\n	}\n	return pt;\n"
)
_FREE = "void pte_free(struct mm_struct *mm, struct ptdesc *pt)\n{\n%s}\n"


def _rules(folder: Path, text: str) -> set[str]:
    return {found.rule for found in findings("E6", folder, mmu=text)}


def _freed(folder: Path, body: str, before: str = "") -> set[str]:
    return _rules(folder, _HEAD + _GOT + _CTOR + "}\n" + before + _FREE % body)


def _made(folder: Path, body: str, before: str = "") -> set[str]:
    return _rules(folder, before + _HEAD + body + "}\n" + _FREE % "	pagetable_dtor_free(pt);\n")


_DEFINE = "DEFINE_FREE(pagetable, struct ptdesc *, if (_T) pagetable_free(_T))\n"
_SCOPED = (
    "	struct ptdesc *pt __free(pagetable) = pagetable_alloc(GFP_PGTABLE_USER, 0);\n\n"
    "	if (!pt)\n		return NULL;\n"
)
_TRY = "	if (!pagetable_pte_ctor(mm, pt))\n		return NULL;\n"


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        (_TRY + "	return no_free_ptr(pt);\n", set()),
        (_TRY + "	return_ptr(pt);\n", set()),
        ("	return no_free_ptr(pt);\n", {"C02"}),
        (_TRY + "	if (prepare(mm))\n		return NULL;\n	return no_free_ptr(pt);\n", {"C06"}),
        (_TRY + "	return pt;\n", {"C06", "C22"}),
    ],
)
def test_what_is_freed_at_the_end_of_its_scope(body: str, rules: set[str], tmp_path: Path) -> None:
    assert _made(tmp_path, _SCOPED + body, _DEFINE) == rules


@pytest.mark.parametrize("attribute", ["__cleanup(put_table)", "__attribute__((cleanup(put_table)))"])
def test_a_scope_may_end_with_any_function(attribute: str, tmp_path: Path) -> None:
    put = "static inline void put_table(struct ptdesc **pt)\n{\n	if (*pt)\n		pagetable_free(*pt);\n}\n"
    scoped = _SCOPED.replace("__free(pagetable)", attribute)
    kept = "	struct ptdesc *kept;\n\n"
    good = kept + scoped + _TRY + "	kept = pt;\n	pt = NULL;\n	return kept;\n"
    assert _made(tmp_path, good, put) == set()
    early = good.replace("	kept = pt;", "	if (prepare(mm))\n		return NULL;\n	kept = pt;")
    assert _made(tmp_path, early, put) == {"C06"}


def test_break_and_continue_leave_the_scopes_of_the_loop() -> None:
    text = (
        "void f(void)\n{\n	struct a *x __free(one) = g();\n	while (g()) {\n		struct b *y __free(two) = g();\n"
        "		if (h())\n			break;\n		if (k())\n			continue;\n		m();\n	}\n}\n"
    )
    (piece,) = Source("f.c", text.encode()).pieces
    graph = lower_piece(piece)
    called = [node.expr.callee for node in graph.nodes if node.expr is not None and node.expr.kind == "call"]
    assert called.count("__free_two") == 3  # break, continue, the end of the body
    assert called.count("__free_one") == 1


def test_a_definition_without_a_semicolon_hides_no_function() -> None:
    text = "DEFINE_FREE(table, void *, free_page((unsigned long)_T))\nint f(int x)\n{\n	return x;\n}\n"
    names = [(piece.name, piece.line) for piece in Source("f.h", text.encode()).pieces]
    assert names == [("__free_table", 1), ("f", 2)]


def test_a_computed_goto_may_lead_to_each_label(tmp_path: Path) -> None:
    body = _GOT + "	static void *ways[] = { &&bad, &&good };\n\n	goto *ways[%s];\nbad:\n	pagetable_free(pt);\n"
    body += "	return NULL;\ngood:\n	return pt;\n"
    assert _made(tmp_path, body % "pagetable_pte_ctor(mm, pt)") == set()
    ignored = "	pagetable_pte_ctor(mm, pt);\n	goto *ways[cpu_kind()];"
    assert "C01" in _made(tmp_path, (body % "0").replace("	goto *ways[0];", ignored))


@pytest.mark.parametrize("name", ["my_ctor", "my_ctor2"])
def test_a_macro_may_give_a_constructor_another_name(name: str, tmp_path: Path) -> None:
    names = "#define my_ctor2 my_ctor\n#define my_ctor pagetable_pte_ctor\n"
    assert _made(tmp_path, _GOT + _CTOR.replace("pagetable_pte_ctor", name), names) == set()
    assert _made(tmp_path, _GOT + f"	{name}(mm, pt);\n	return pt;\n", names) == {"C01"}
    assert _made(tmp_path, _GOT + _CTOR.replace("pagetable_pte_ctor", name), names.replace("pte", "pmd")) == {"C03"}


def test_a_macro_may_give_frees_and_allocators_another_name(tmp_path: Path) -> None:
    assert _freed(tmp_path, "	my_free(pt);\n", "#define my_free pagetable_free\n") == {"C06"}
    twice = "	my_dtor(pt);\n	pagetable_dtor_free(pt);\n"
    assert _freed(tmp_path, twice, "#define my_dtor pagetable_dtor\n") == {"C07"}
    body = "	struct ptdesc *pt = my_alloc(GFP_KERNEL, 0);\n\n	return pt;\n"
    assert _made(tmp_path, body, "#define my_alloc pagetable_alloc\n") == {"C02"}


@pytest.mark.parametrize(
    "body",
    [
        "	struct page *pages[1] = { ptdesc_page(pt) };\n\n	release_pages(pages, 1);\n",
        "	struct page *pages[1];\n\n	pages[0] = ptdesc_page(pt);\n	release_pages(pages, 1);\n",
        "	struct folio_batch batch;\n\n"
        "	folio_batch_add(&batch, page_folio(ptdesc_page(pt)));\n	folios_put(&batch);\n",
        "	LIST_HEAD(list);\n\n	list_add(&pt->pt_list, &list);\n	put_pages_list(&list);\n",
    ],
)
def test_a_table_that_is_released_with_others_is_freed(body: str, tmp_path: Path) -> None:
    assert _freed(tmp_path, body) == {"C06"}
    start = body.rindex("\n\n") + 2 if "\n\n" in body else 0
    assert _freed(tmp_path, body[:start] + "	pagetable_dtor(pt);\n" + body[start:]) == set()


_GROW = """
static pmd_t *make_pmd(struct mm_struct *mm)
{
	struct ptdesc *pt = pagetable_alloc(GFP_PGTABLE_USER, 0);

	if (!pt)
		return NULL;
	if (!pagetable_pmd_ctor(mm, pt)) {
		pagetable_free(pt);
		return NULL;
	}
	return ptdesc_address(pt);
}
int toy_grow(struct mm_struct *mm, pud_t *pud)
{
	pmd_t *pmds[4];
	int i;

	for (i = 0; i < 4; i++) {
		pmds[i] = %s;
		if (!pmds[i])
			goto fail;
	}
	for (i = 0; i < 4; i++)
		pud_populate(mm, pud + i, pmds[i]);
	return 0;
fail:
	while (i--) {
%s	}
	return -ENOMEM;
}
"""
_DTOR, _RAW = "		pagetable_dtor(virt_to_ptdesc(pmds[i]));\n", "		free_page((unsigned long)pmds[i]);\n"


def test_each_element_of_an_array_has_the_past_of_those_that_were_stored(tmp_path: Path) -> None:
    assert _rules(tmp_path, _GROW % ("make_pmd(mm)", _DTOR + _RAW)) == set()
    assert _rules(tmp_path, _GROW % ("make_pmd(mm)", _RAW)) == {"C06"}
    assert _rules(tmp_path, _GROW % ("make_pmd(mm)", _DTOR + _DTOR + _RAW)) == {"C07"}
    assert {"C02", "C09"} <= _rules(tmp_path, _GROW % ("(pmd_t *)get_zeroed_page(GFP_USER)", _DTOR + _RAW))


_NESTED = """
int toy_fill(struct mm_struct *mm, pud_t *pud, int n)
{
	struct ptdesc *pt = NULL;
	int i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < n; j++) {
			pt = pagetable_alloc(GFP_PGTABLE_USER, 0);
			if (!pt)
				goto fail;
			if (!pagetable_pmd_ctor(mm, pt)) {
				pagetable_free(pt);
				goto fail;
			}
			if (busy(i, j))
				goto drop;
			pud_populate(mm, pud, ptdesc_address(pt));
		}
	}
	return 0;
drop:
%sfail:
	return -ENOMEM;
}
"""


@pytest.mark.parametrize(
    ("drop", "rules"),
    [
        ("	pagetable_dtor_free(pt);\n", set()),
        ("	pagetable_free(pt);\n", {"C06"}),
        ("", {"C17"}),
    ],
)
def test_a_jump_out_of_nested_loops_takes_the_table_along(drop: str, rules: set[str], tmp_path: Path) -> None:
    assert _rules(tmp_path, _NESTED % drop) == rules
