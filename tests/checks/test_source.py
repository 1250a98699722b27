"""Kernel source is cut into functions and macros without a configuration."""

from hypothesis import given
from hypothesis import strategies as st

from reviewbot.checks.c.conditionals import MAX_NESTING, variants
from reviewbot.checks.c.lower import lower_piece
from reviewbot.checks.c.source import Source, blank


def _pieces(text: str) -> list[tuple[str, str, str]]:
    return [(piece.name, piece.kind, piece.condition) for piece in Source("f.c", text.encode()).pieces]


def test_functions_and_macros_are_found_with_their_conditions() -> None:
    text = """
#ifndef __ASM_F_H
#define __ASM_F_H
struct table { int x; };
static inline pte_t *__init make(struct mm_struct *mm)
{
	return NULL;
}
#ifdef CONFIG_A
int twice(void) { return 1; }
#else
int twice(void) { return 2; }
#endif
#define drop(tlb, pte)			\\
do {					\\
	destroy(pte);			\\
} while (0)
#endif
"""
    assert _pieces(text) == [
        ("make", "function", ""),
        ("twice", "function", "defined(CONFIG_A)"),
        ("twice", "function", "!defined(CONFIG_A)"),
        ("drop", "macro", ""),
    ]


def test_dead_code_is_no_code() -> None:
    assert _pieces("#if 0\nint f(void) { }\n#endif\n#if 1\n#else\nint g(void) { }\n#endif\n") == []


def test_braces_that_differ_between_arms_do_not_swallow_the_next_function() -> None:
    text = "int f(int a)\n{\n#ifdef X\n\tif (a) {\n#else\n\tif (!a) {\n#endif\n\t\tg();\n\t}\n}\nint h(void) { }\n"
    assert [name for name, _, _ in _pieces(text)] == ["f", "h"]


def test_an_allocator_and_its_profiled_form_have_one_name() -> None:
    text = "void *get_noprof(int a)\n{\n}\n#define get(...) alloc_hooks(get_noprof(__VA_ARGS__))\n"
    assert _pieces(text) == [("get", "function", "")]


def test_parameters_keep_name_and_type() -> None:
    text = "void f(struct page *page, phys_addr_t (*alloc)(int), int flags, pmd_t *pmds[])\n{\n}\n"
    parameters = Source("f.c", text.encode()).pieces[0].parameters
    assert [parameter.name for parameter in parameters] == ["page", "alloc", "flags", "pmds"]
    assert parameters[0].type == "struct page *"


def test_a_truncated_function_is_named_and_marked() -> None:
    piece = Source("f.c", b"int f(void)\n{\n\tif (a) {\n\t\tb();\n").pieces[0]
    assert (piece.name, bool(piece.broken)) == ("f", True)


def test_both_arms_inside_a_function_are_seen() -> None:
    body = "{\n#ifdef A\n\tx();\n#else\n\ty();\n#endif\n\tz();\n}"
    texts = {condition: text.split() for text, condition in variants(body)}
    assert texts == {"defined(A)": ["{", "x();", "z();", "}"], "!defined(A)": ["{", "y();", "z();", "}"]}


def test_lines_survive_blanking() -> None:
    text = 'a /* b\nc */ "d;{" // e\nf'
    assert blank(text).count("\n") == text.count("\n")
    assert "{" not in blank(text)


def test_a_string_over_several_lines_keeps_its_lines_and_an_open_one_ends_with_its_line() -> None:
    text = 'a "b\\\n{c" d\n"open {\ne\n#error don\'t {\nf\n'
    assert blank(text).count("\n") == text.count("\n")
    assert "{" not in blank(text)
    assert blank(text).split() == ["a", '"', '"', "d", '"', "e", "#error", "don'", "f"]


def test_conditions_that_are_nested_too_deep_are_not_told_apart_but_counted() -> None:
    text = "#if A\n" * 20_000 + "int f(void) { }\n" + "#endif\n" * 20_000 + "int g(void) { }\n"
    assert [(piece.name, piece.condition) for piece in Source("f.c", text.encode()).pieces] == [
        ("f", " && ".join(["A"] * MAX_NESTING)),
        ("g", ""),
    ]


def test_a_name_that_no_compiler_would_take_is_no_name() -> None:
    [piece] = Source("f.c", ("int f(int x) {" + "alloc" * 20_000 + "(); g(); }").encode()).pieces
    assert piece.called == {"g"}


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_scanner(data: bytes) -> None:
    for piece in Source("f.c", data).pieces:
        for body, _ in variants(piece.body):
            lower_piece(piece, body)


@given(
    st.lists(
        st.sampled_from(
            [
                "{",
                "}",
                "(",
                ")",
                ";",
                "if",
                "else",
                "while",
                "do",
                "for",
                "goto",
                "a:",
                "a",
                "return",
                "=",
                ",",
                "&",
                "*",
                "->",
                "switch",
                "case",
                "1:",
                "0",
                "x",
                "y",
                "#if\n",
            ]
        ),
        max_size=60,
    )
)
def test_no_mixture_of_tokens_crashes_the_parser(tokens: list[str]) -> None:
    for piece in Source("f.c", ("int f(int x)\n{\n" + " ".join(tokens) + "\n}\n").encode()).pieces:
        lower_piece(piece)
