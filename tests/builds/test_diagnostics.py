"""Compilers' words become findings: JSON between make's lines, text, and rubbish."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.builds.diagnostics import Said, fold, parse, step
from reviewbot.findings import Finding, Location, Severity


def read(*lines: str | bytes) -> Said:
    raw = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    return parse(
        raw,
        compiler="gcc",
        relative=lambda path: path.removeprefix("/build/source/").removeprefix("/build/output/"),
        place=lambda file, line: ("some_function", f"line {line} of {file}"),
    )


def item(kind: str, message: str, line: int = 7, option: str = "", **more: Any) -> dict[str, Any]:
    location = {"caret": {"file": "/build/source/mm/memory.c", "line": line, "column": 3}}
    return {
        "kind": kind,
        "message": message,
        "locations": [location],
        "children": [],
        **({"option": option} if option else {}),
        **more,
    }


def test_a_warning_belongs_to_the_object_that_was_made_before_it() -> None:
    said = read(
        "  CC      mm/memory.o",
        json.dumps([item("warning", "unused", option="-Wunused-variable")]),
        "  CC      mm/gup.o",
        "[]",
    )
    assert said.made == ["mm/memory.o", "mm/gup.o"]
    assert said.by_object["mm/memory.o"] == [
        Finding(
            "gcc.-Wunused-variable",
            Severity.WARNING,
            Location("mm/memory.c", 7, "some_function", "line 7 of mm/memory.c"),
            "unused",
        )
    ]
    assert said.by_object["mm/gup.o"] == []


def test_notes_are_the_evidence_of_what_they_explain() -> None:
    note = item("note", "declared here", line=3)
    (finding,) = read("  CC [M]  a.o", json.dumps([item("error", "too few arguments", children=[note])])).by_object[
        "a.o"
    ]
    assert finding.rule == "gcc.error"
    assert finding.severity is Severity.ERROR
    assert [(step.line, step.text) for step in finding.evidence] == [(3, "declared here")]


def test_a_warning_that_was_made_an_error_keeps_its_name() -> None:
    (finding,) = read(
        json.dumps([item("error", "implicit", option="-Werror=implicit-function-declaration")])
    ).by_object[""]
    assert (finding.rule, finding.severity) == ("gcc.-Wimplicit-function-declaration", Severity.ERROR)


@pytest.mark.parametrize(
    ("line", "rule", "severity", "file", "number", "message"),
    [
        ("mm/a.c:3:5: warning: unused [-Wunused]", "gcc.-Wunused", "warning", "mm/a.c", 3, "unused"),
        ("/build/source/mm/a.c:3: error: bad", "gcc.error", "error", "mm/a.c", 3, "bad"),
        ("mm/a.c:1:10: fatal error: x.h: No such file", "gcc.error", "error", "mm/a.c", 1, "x.h: No such file"),
        ("arch/arm64/a.S:9: Error: unknown mnemonic", "gcc.error", "error", "arch/arm64/a.S", 9, "unknown mnemonic"),
        ("mm/Kconfig:12:warning: ignored", "kconfig.warning", "warning", "mm/Kconfig", 12, "ignored"),
        ("mm/Kconfig:12: syntax error", "kconfig.error", "error", "mm/Kconfig", 12, "syntax error"),
        ("mm/Kconfig.debug:3: unknown option", "kconfig.error", "error", "mm/Kconfig.debug", 3, "unknown option"),
        (
            "WARNING: unmet direct dependencies detected for PTDUMP",
            "kconfig.unmet",
            "warning",
            "Kconfig",
            0,
            "unmet direct dependencies detected for PTDUMP",
        ),
        ("mm/a.c:1:2: error: x [-Werror,-Wunused]", "gcc.-Wunused", "error", "mm/a.c", 1, "x"),
    ],
)
def test_text_is_read_where_there_is_no_json(
    line: str, rule: str, severity: str, file: str, number: int, message: str
) -> None:
    (finding,) = read(line).by_object[""]
    assert (finding.rule, finding.severity.value, finding.message) == (rule, severity, message)
    assert (finding.location.file, finding.location.line) == (file, number)


def test_what_failed_is_told_apart_from_what_is_unknown() -> None:
    said = read(
        "make[4]: *** [/build/source/scripts/Makefile.build:229: mm/memory.o] Error 1",
        "make[3]: *** [../scripts/Makefile.build:478: mm] Error 2",
        "make: *** [Makefile:85: /build/output/mm/gup.o] Error 1",
        "make[4]: *** No rule to make target 'mm/nope.o'.  Stop.",
        "make[4]: *** No rule to make target 'mm/gone.h', needed by 'mm/slub.o'.",
    )
    assert said.failed == ["mm/memory.o", "mm", "mm/gup.o", "mm/slub.o"]
    assert said.no_rule == ["mm/nope.o"]
    assert said.by_object["mm/slub.o"][0].message == "make knows no way to make mm/gone.h, which mm/slub.o needs"


def test_terminal_escapes_and_reversed_writing_do_not_get_through() -> None:
    (finding,) = read(json.dumps([item("warning", "a\x1b[2Jb\u202ec\nd", option="-W\x1bx")])).by_object[""]
    assert finding.message == "a[2Jbcd"
    assert finding.rule == "gcc.-Wx"


def test_one_object_cannot_flood_the_findings() -> None:
    flood = [item("warning", f"number {number}") for number in range(1000)]
    assert len(read("  CC      a.o", json.dumps(flood)).by_object["a.o"]) == 200


@pytest.mark.parametrize(
    "line",
    [
        "[", "[]", "[1]", '["x"]', "[{}]", '[{"kind": "error"}]', '[{"kind": "error", "locations": 3, "children": 4}]',
        '[{"kind": ["error"]}]',
        '[{"kind": "error", "locations": [{"caret": {"file": 1, "line": "x"}}]}]',
        "[" * 5000 + "]" * 5000,
        '[{"kind": "warning", "message": {"a": 1}, "option": 7, "children": [1, {"locations": null}]}]',
    ],
)  # fmt: skip
def test_broken_json_is_no_accident(line: str) -> None:
    read(line)


@given(st.binary(max_size=400))
def test_any_bytes_can_be_read(data: bytes) -> None:
    read(data)
    step(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["kind", "message", "locations", "caret", "file", "line", "children", "option"]),
                inner | st.sampled_from(["error", "warning"]),
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_any_json_can_be_read(value: Any) -> None:
    for finding in read(json.dumps([value])).by_object[""]:
        assert finding.message.isprintable() or finding.message == ""


def error(message: str, line: int, severity: Severity = Severity.ERROR) -> Finding:
    return Finding("gcc.error", severity, Location("a.c", line), message)


class TestFolding:
    """Of a cascade, the first cause is told and the rest is its evidence."""

    def test_what_names_the_same_symbol_follows_from_the_first(self) -> None:
        first, again, unused = (
            error("'foo' undeclared", 1),
            error("'foo' undeclared", 9),
            error("unused variable 'foo'", 3, Severity.WARNING),
        )
        (told,) = fold([first, again, unused])
        assert told.message == "'foo' undeclared"
        assert [(step.line, step.text) for step in told.evidence] == [
            (9, "then: 'foo' undeclared"),
            (3, "then: unused variable 'foo'"),
        ]

    def test_after_a_syntax_error_everything_is_suspect(self) -> None:
        found = fold([error("expected ';' before 'x'", 1), *(error(f"'y{n}' undeclared", n) for n in range(2, 12))])
        assert len(found) == 1
        assert found[0].evidence[-1].text == "and 5 more that follow from it"

    def test_independent_mistakes_are_told_each(self) -> None:
        found = [error("'foo' undeclared", 1), error("'bar' undeclared", 2), error("unused 'z'", 3, Severity.WARNING)]
        assert fold(found) == found

    def test_warnings_are_not_folded_into_warnings(self) -> None:
        found = [error("unused 'x'", 1, Severity.WARNING), error("'x' set but not used", 2, Severity.WARNING)]
        assert fold(found) == found
