"""What a change does to the generated code: nothing, or which symbols."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewbot.builds.objects import ObjectChange, Summary, SymbolChange, compare, sentence, summarise
from tests.builds.kernels import needs_compiler

pytestmark = needs_compiler

BASE = """
extern int printk(const char *text, ...);
extern int other(int);
static int counter = 3;

static __attribute__((noinline)) int helper(int a)
{
	counter += a;
	return counter * 3;
}

__attribute__((noinline)) int first(int a)
{
	printk("first %d", a);
	return helper(a) + other(a);
}

int second(int a)
{
	return a > 3 ? helper(a) : first(a + 1);
}
"""

Compile = Callable[[str], bytes]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    folder = tmp_path_factory.mktemp("objects")

    def build(text: str) -> bytes:
        (folder / "a.c").write_text(text)
        command = ["aarch64-linux-gnu-gcc", "-O2", "-g", "-c", "-o", folder / "a.o", folder / "a.c"]
        subprocess.run(command, check=True)
        return (folder / "a.o").read_bytes()

    return build


def changes(before: bytes, after: bytes) -> tuple[SymbolChange, ...]:
    return compare({"a.o": summarise(before)}, {"a.o": summarise(after)})[0].symbols


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("static int counter", "/* a comment */\n\n\nstatic int counter"),
        ("int a)\n{\n\tprintk", "int renamed)\n{\n\tint a = renamed;\n\tprintk"),
        ("return counter * 3;", "return 3 * counter;"),
    ],
    ids=["lines", "names", "order"],
)
def test_an_edit_without_effect_is_proven_to_have_none(compiled: Compile, old: str, new: str) -> None:
    assert BASE.replace(old, new) != BASE
    assert changes(compiled(BASE), compiled(BASE.replace(old, new))) == ()


def test_a_function_that_grows_does_not_change_those_around_it(compiled: Compile) -> None:
    grown = BASE.replace("counter += a;", "counter += a; other(1); other(2);")
    (change,) = changes(compiled(BASE), compiled(grown))
    assert (change.name, change.kind) == ("helper", "function")
    assert (change.after or 0) > (change.before or 0)


def test_a_call_of_another_function_is_a_change(compiled: Compile) -> None:
    (change,) = changes(compiled(BASE), compiled(BASE.replace("helper(a) + other(a)", "helper(a) + third(a)").replace(
        "other(int);", "other(int), third(int);")))  # fmt: skip
    assert change.name == "first"
    assert change.before == change.after


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ('"first %d"', '"First %d"', ["first"]),
        ("counter = 3", "counter = 4", ["counter"]),
        ("helper(a) : first", "first(a) : helper", ["second"]),
    ],
    ids=["a text", "data", "a near branch"],
)
def test_what_a_function_refers_to_is_part_of_it(compiled: Compile, old: str, new: str, names: list[str]) -> None:
    found = changes(compiled(BASE), compiled(BASE.replace(old, new)))
    assert [change.name for change in found] == names


def test_functions_come_and_go(compiled: Compile) -> None:
    more = BASE + "int fresh(void)\n{\n\treturn 1;\n}\n"
    (change,) = changes(compiled(BASE), compiled(more))
    assert (change.name, change.before, change.after) == ("fresh", None, 8)
    (change,) = changes(compiled(more), compiled(BASE))
    assert (change.name, change.before, change.after) == ("fresh", 8, None)


def test_it_is_said_in_a_sentence() -> None:
    same = ObjectChange("mm/a.o", ())
    grown = ObjectChange("mm/b.o", (SymbolChange("f", "function", 8, 24), SymbolChange("g", "data", 4, None)))
    assert sentence([], "arm64") == ""
    assert sentence([same], "arm64") == "No change in the generated code on arm64 (1 object compared)."
    assert sentence([same, grown], "arm64") == "2 symbols in 1 of 2 objects changed on arm64, +12 bytes."


def test_what_is_no_object_is_refused() -> None:
    for data in (b"", b"\x7fELF", b"not an object" * 20):
        with pytest.raises(ValueError, match="ELF"):
            summarise(data)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_object_is_refused_or_read_and_nothing_else(compiled: Compile, data: st.DataObject) -> None:
    whole = _whole(compiled)
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 8))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        found: Summary = summarise(bytes(damaged))
    except ValueError:
        return
    assert isinstance(found, dict)


def _whole(compiled: Compile, cache: list[bytes] = []) -> bytes:  # noqa: B006 - compiled once
    if not cache:
        cache.append(compiled(BASE))
    return cache[0]
