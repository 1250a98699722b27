"""Beside compiling: the syntax alone, more warnings, sparse, and what kbuild has recorded of headers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reviewbot.builds import Kind, Progress, State, configurations, toolchains
from reviewbot.builds.includers import seen_by
from reviewbot.errors import OperatorError
from reviewbot.findings import compare
from tests.builds.kernels import MMU, PAGEATTR, Kernel, kernel, needs_compiler

__all__ = ["kernel"]
pytestmark = needs_compiler

DEFCONFIG = configurations.DEFCONFIG
SOURCE = "arch/arm64/mm/pageattr.c"
FUNCTION = "int set_direct_map_invalid_noflush(struct page *page)\n{\n"
SYNTAX = DEFCONFIG.of(Kind.SYNTAX)
CHECKED = "\t$(if $(C),@echo '  CHECK   $<'; $(CHECK) -nostdinc -D__CHECKER__ $(KBUILD_CFLAGS) $<)\n"


@pytest.fixture
def base(kernel: Kernel) -> Path:
    return kernel.pool.checkout(kernel.state(), "one", fresh=False)


class TestSyntax:
    """The front end of the compiler, and no code."""

    def test_it_says_what_the_front_end_says(self, kernel: Kernel, base: Path) -> None:
        edits = kernel.edited(SOURCE, FUNCTION, FUNCTION + "\tint unused;\n\tundeclared();\n")
        with kernel.builder.session(base, kernel.state(), SYNTAX, [MMU, PAGEATTR]) as session:
            result = session.build([MMU, PAGEATTR], kernel.pool.checkout(kernel.state(edits), "one"))
        assert session.base.state is State.PASSED, session.base.log
        assert session.base.objects == (MMU, PAGEATTR)
        new = {finding.rule for finding in compare(session.base.diagnostics, result.diagnostics).new}
        assert "gcc.-Wunused-variable" in new
        assert result.compiled == (PAGEATTR,)

    def test_an_error_fails_and_nothing_is_said_of_code(self, kernel: Kernel, base: Path) -> None:
        edits = kernel.edited(SOURCE, FUNCTION, FUNCTION + "\tundeclared = 1;\n")
        with kernel.builder.session(base, kernel.state(), SYNTAX, [PAGEATTR]) as session:
            assert session.code([PAGEATTR]) == {}
            result = session.build([PAGEATTR], kernel.pool.checkout(kernel.state(edits), "one"))
        assert (result.state, result.failed) == (State.FAILED, (PAGEATTR,))

    def test_it_does_not_touch_the_objects_of_the_build_proper(self, kernel: Kernel, base: Path) -> None:
        steps: list[Progress] = []
        with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU]) as session:
            before = session.code([MMU])
        with kernel.builder.session(base, kernel.state(), SYNTAX, [MMU], report=steps.append):
            pass
        # what was prepared once is not prepared again
        assert not {"configure", "prepare"} & {step.step for step in steps}
        with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU]) as session:
            assert session.code([MMU]) == before != {}


def test_more_warnings_are_those_of_w_1(kernel: Kernel, base: Path) -> None:
    edits = kernel.edited(SOURCE, FUNCTION, FUNCTION + "\tif (sizeof(page) > -1)\n\t\treturn 1;\n")
    found = {}
    for configuration in (DEFCONFIG, DEFCONFIG.of(Kind.EXTRA_WARNINGS)):
        source = kernel.pool.checkout(kernel.state(), "one", fresh=False)
        with kernel.builder.session(source, kernel.state(), configuration, [PAGEATTR]) as session:
            result = session.build([PAGEATTR], kernel.pool.checkout(kernel.state(edits), "one"))
        found[configuration.name] = {finding.rule for finding in result.diagnostics}
        assert ("W=1" in result.command) is (configuration.kind is Kind.EXTRA_WARNINGS)
    assert found == {"defconfig": set(), "defconfig-w1": {"gcc.-Wsign-compare"}}


class TestSparse:
    """Semantic checks of types and address spaces (``Documentation/dev-tools/sparse.rst``)."""

    @pytest.mark.skipif(not shutil.which("sparse"), reason="sparse is not installed")
    def test_only_what_sparse_says_is_told(self, kernel: Kernel) -> None:
        compile_line = "\t$(Q)$(CC) $(KBUILD_CFLAGS) $(KCFLAGS) -MMD -MF $(@D)/.$(@F).d -MT $@ -c -o $@ $<\n"
        makefile = kernel.edited("Makefile", compile_line, compile_line + CHECKED)
        edits = kernel.edited(SOURCE, FUNCTION, "int from_nowhere;\n" + FUNCTION + "\tint unused;\n")
        source = kernel.pool.checkout(kernel.state(makefile), "one", fresh=False)
        sparse = DEFCONFIG.of(Kind.SPARSE)
        with kernel.builder.session(source, kernel.state(makefile), sparse, [PAGEATTR]) as session:
            assert session.base.state in (State.PASSED, State.WARNED), session.base
            changed = kernel.pool.checkout(kernel.state({**makefile, **edits}), "one")
            result = session.build([PAGEATTR], changed)
        new = compare(session.base.diagnostics, result.diagnostics).new
        assert [(one.rule, one.severity) for one in new] == [("sparse.warning", "warning")]
        assert new[0].message == "symbol 'from_nowhere' was not declared. Should it be static?"
        assert result.compiled == (PAGEATTR,)

    def test_a_machine_without_it_says_so(
        self, kernel: Kernel, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(toolchains, "_PLACES", (str(tmp_path),))
        with (
            pytest.raises(OperatorError, match="apt install sparse"),
            kernel.builder.session(base, kernel.state(), DEFCONFIG.of(Kind.SPARSE), [MMU]),
        ):
            pass


def test_kbuild_records_which_headers_an_object_has_seen(kernel: Kernel, base: Path) -> None:
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU, PAGEATTR]) as session:
        seen = {name: seen_by(session.output.kbuild, name) for name in (MMU, PAGEATTR, "mm/none.o")}
    assert {"include/linux/mm.h", "arch/arm64/include/asm/set_memory.h"} <= seen[PAGEATTR]
    assert "arch/arm64/include/asm/set_memory.h" not in seen[MMU]
    assert MMU.replace(".o", ".c") in seen[MMU]
    assert seen["mm/none.o"] == frozenset()


def test_an_object_that_sees_nothing_of_a_change_is_told(kernel: Kernel, base: Path) -> None:
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU, PAGEATTR]) as session:
        header = "arch/arm64/include/asm/set_memory.h"
        assert session.unaffected([MMU, PAGEATTR, "mm/none.o"], [header, "mm/other.c"]) == [MMU]


class TestRecordedDependencies:
    """Which objects see a touched header is read from the text first, and then from what kbuild has recorded."""

    HEADER = "arch/arm64/include/asm/set_memory.h"

    def test_an_object_that_does_not_see_the_header_is_replaced_by_one_that_does(
        self, kernel: Kernel, base: Path
    ) -> None:
        builder, state = kernel.builder, kernel.state()
        with builder.session(base, state, DEFCONFIG, [MMU], spare=[PAGEATTR], touched=[self.HEADER]) as session:
            assert (session.objects, session.base.objects) == ((PAGEATTR,), (PAGEATTR,))

    def test_what_was_built_ahead_is_found_without_being_named(self, kernel: Kernel, base: Path) -> None:
        kernel.builder.warm(base, kernel.state(), DEFCONFIG, [MMU, PAGEATTR])
        with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU], touched=[self.HEADER]) as session:
            assert session.objects == (PAGEATTR,)

    def test_where_nothing_sees_it_the_choice_of_the_text_stays(self, kernel: Kernel, base: Path) -> None:
        state = kernel.state()
        with kernel.builder.session(base, state, DEFCONFIG, [MMU], touched=["include/linux/new.h"]) as session:
            assert session.objects == (MMU,)

    def test_a_touched_source_is_always_built(self, kernel: Kernel, base: Path) -> None:
        touched, wanted = [MMU.replace(".o", ".c"), self.HEADER], [MMU, PAGEATTR]
        with kernel.builder.session(base, kernel.state(), DEFCONFIG, wanted, touched=touched) as session:
            assert session.objects == (MMU, PAGEATTR)
