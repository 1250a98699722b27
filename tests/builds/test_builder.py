"""Bases are built once, patches on a copy, and only what is new is told."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from reviewbot import sandbox
from reviewbot.builds import Configuration, Progress, State, configurations
from reviewbot.errors import OperatorError, TransientError
from reviewbot.findings import Severity, compare
from reviewbot.sandbox.watch import folder_bytes
from tests.builds.kernels import MMU, PAGEATTR, PTDUMP, Kernel, kernel, needs_compiler

__all__ = ["kernel"]
pytestmark = needs_compiler

DEFCONFIG = configurations.DEFCONFIG
SOURCE = "arch/arm64/mm/pageattr.c"
FUNCTION = "int set_direct_map_invalid_noflush(struct page *page)\n{\n"


@pytest.fixture
def base(kernel: Kernel) -> Path:
    return kernel.pool.checkout(kernel.state(), "one", fresh=False)


def test_a_base_that_builds_passes(kernel: Kernel, base: Path) -> None:
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU, PAGEATTR]) as session:
        assert session.base.state is State.PASSED
        assert session.base.objects == session.base.compiled == (MMU, PAGEATTR)
        assert session.base.command == f"make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- -k {MMU} {PAGEATTR}"
        assert session.base.compiler.startswith("aarch64-linux-gnu-gcc 1")
        assert len(session.base.config_digest) == 16


def test_the_second_series_on_a_base_does_not_build_it_again(kernel: Kernel, base: Path) -> None:
    steps: list[Progress] = []
    for _ in range(2):
        steps.clear()
        with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU], report=steps.append) as session:
            assert session.base.state is State.PASSED
    assert [step.step for step in steps] == ["copy"]


def test_a_warning_that_a_patch_adds_is_new_and_in_its_place(kernel: Kernel, base: Path) -> None:
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU, PAGEATTR]) as session:
        patched = kernel.state(kernel.edited(SOURCE, FUNCTION, FUNCTION + "\tint unused;\n"))
        result = session.build([MMU, PAGEATTR], kernel.pool.checkout(patched, "one"))
    assert result.state is State.WARNED
    assert result.compiled == (PAGEATTR,)
    assert result.objects == (MMU, PAGEATTR)
    (new,) = compare(session.base.diagnostics, result.diagnostics).new
    assert (new.rule, new.severity) == ("gcc.-Wunused-variable", Severity.WARNING)
    assert new.location.file == SOURCE
    assert new.location.function == "set_direct_map_invalid_noflush"
    assert new.location.text == "int unused;"
    assert new.message == "unused variable 'unused'"


def test_a_warning_of_the_base_is_not_new_when_it_moves(kernel: Kernel) -> None:
    old = kernel.edited(SOURCE, FUNCTION, FUNCTION + "\tint unused;\n")
    source = kernel.pool.checkout(kernel.state(old), "one", fresh=False)
    with kernel.builder.session(source, kernel.state(old), DEFCONFIG, [PAGEATTR]) as session:
        assert session.base.state is State.WARNED
        moved = {SOURCE: "/* one line more */\n" + old[SOURCE]}
        result = session.build([PAGEATTR], kernel.pool.checkout(kernel.state(moved), "one"))
    comparison = compare(session.base.diagnostics, result.diagnostics)
    assert comparison.new == comparison.fixed == ()
    assert len(comparison.still) == 1


def test_a_warning_is_remembered_while_its_object_is_not_compiled(kernel: Kernel) -> None:
    old = kernel.edited(SOURCE, FUNCTION, FUNCTION + "\tint unused;\n")
    source = kernel.pool.checkout(kernel.state(old), "one", fresh=False)
    with kernel.builder.session(source, kernel.state(old), DEFCONFIG, [MMU, PAGEATTR]) as session:
        again = session.build([MMU, PAGEATTR], source)
    assert again.compiled == ()
    assert again.diagnostics == session.base.diagnostics != ()
    with kernel.builder.session(source, kernel.state(old), DEFCONFIG, [MMU, PAGEATTR]) as session:
        assert session.base.diagnostics == again.diagnostics


def test_each_patch_is_built_on_its_own(kernel: Kernel, base: Path) -> None:
    broken = kernel.state(kernel.edited(SOURCE, FUNCTION, FUNCTION + "\tundeclared = 1;\n"))
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU, PAGEATTR]) as session:
        first = session.build([MMU, PAGEATTR], kernel.pool.checkout(broken, "one"))
        second = session.build([MMU, PAGEATTR], kernel.pool.checkout(kernel.state(), "one"))
    assert (first.state, first.failed, first.objects) == (State.FAILED, (PAGEATTR,), (MMU,))
    assert [finding.rule for finding in first.diagnostics] == ["gcc.error"]
    assert (second.state, second.failed, second.compiled) == (State.PASSED, (), (PAGEATTR,))


def test_a_header_that_changes_compiles_what_includes_it(kernel: Kernel, base: Path) -> None:
    header = kernel.edited("arch/arm64/include/asm/set_memory.h", "#endif", "int more(void);\n#endif")
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU, PAGEATTR]) as session:
        result = session.build([MMU, PAGEATTR], kernel.pool.checkout(kernel.state(header), "one"))
    assert result.compiled == (PAGEATTR,)


def test_what_the_configuration_leaves_out_is_said(kernel: Kernel, base: Path) -> None:
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU, PTDUMP]) as session:
        assert session.base.state is State.PASSED
        assert [(one.path, one.reason) for one in session.base.not_built] == [
            (PTDUMP, "not built in defconfig: CONFIG_PTDUMP is not set")
        ]
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [PTDUMP]) as session:
        assert session.base.state is State.SKIPPED
        assert session.base.reason == "None of it is built in defconfig: CONFIG_PTDUMP is not set."


def test_a_fragment_turns_options_on(kernel: Kernel, base: Path) -> None:
    with_ptdump = Configuration("with-ptdump", fragment=("CONFIG_PTDUMP=y",))
    with kernel.builder.session(base, kernel.state(), with_ptdump, [PTDUMP]) as session:
        assert session.base.objects == (PTDUMP,)


def test_what_kconfig_says_of_the_fragment_is_not_the_trees(kernel: Kernel) -> None:
    override = "\techo '.config:5:warning: override: reassigning to symbol PTDUMP' >&2\n"
    edits = kernel.edited("Makefile", "olddefconfig: $(config)\n", f"olddefconfig: $(config)\n{override}")
    source = kernel.pool.checkout(kernel.state(edits), "one", fresh=False)
    configuration = Configuration("with-ptdump", fragment=("CONFIG_PTDUMP=y",))
    with kernel.builder.session(source, kernel.state(edits), configuration, [PTDUMP]) as session:
        assert session.base.objects == (PTDUMP,)
        assert [finding for finding in session.base.diagnostics if "override" in finding.message] == []


def test_a_tree_that_does_not_take_an_option_is_left_out(kernel: Kernel, base: Path) -> None:
    configuration = Configuration("unknown", fragment=("CONFIG_PTDUMP=y", "# CONFIG_MMU is not set"))
    with kernel.builder.session(base, kernel.state(), configuration, [MMU]) as session:
        result = session.build([MMU], base)
    assert session.base.state is result.state is State.SKIPPED
    assert session.base.reason == "The tree does not take # CONFIG_MMU is not set."


def test_a_new_file_is_built_where_it_exists(kernel: Kernel, base: Path) -> None:
    makefile = "arch/arm64/mm/Makefile"
    edits = {
        **kernel.edited(makefile, "pageattr.o", "pageattr.o fresh.o"),
        "arch/arm64/mm/fresh.c": "static int unused_function(void)\n{\n\treturn 0;\n}\n",
    }
    fresh = "arch/arm64/mm/fresh.o"
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU, fresh]) as session:
        assert (session.base.state, session.base.objects) == (State.PASSED, (MMU,))
        assert [(one.path, one.reason) for one in session.base.not_built] == [
            (fresh, "not built in defconfig: no Makefile names it")
        ]
        result = session.build([MMU, fresh], kernel.pool.checkout(kernel.state(edits), "one"))
    assert result.objects == (MMU, fresh)
    assert [finding.rule for finding in result.diagnostics] == ["gcc.-Wunused-function"]


def test_a_part_of_another_file_is_no_object_that_could_fail(kernel: Kernel) -> None:
    part, name = "arch/arm64/mm/part.o", "arch/arm64/mm/part.c"
    alone = {name: "int twice(void)\n{\n\treturn of_the_includer * 2;\n}\n"}
    source = kernel.pool.checkout(kernel.state(alone), "one", fresh=False)
    with kernel.builder.session(source, kernel.state(alone), DEFCONFIG, [MMU, part]) as session:
        edits = {name: alone[name].replace("* 2", "* 3")}
        result = session.build([MMU, part], kernel.pool.checkout(kernel.state(edits), "one"))
    for built in (session.base, result):
        assert (built.state, built.objects, built.failed) == (State.PASSED, (MMU,), ())
        assert [(one.path, one.reason) for one in built.not_built] == [
            (part, "not built in defconfig: no Makefile names it, and it does not compile by itself")
        ]
        assert built.diagnostics == ()


def test_what_was_built_by_itself_and_fails_now_fails(kernel: Kernel) -> None:
    part, name = "arch/arm64/mm/part.o", "arch/arm64/mm/part.c"
    alone = {name: "int part(void)\n{\n\treturn 2;\n}\n"}
    source = kernel.pool.checkout(kernel.state(alone), "one", fresh=False)
    with kernel.builder.session(source, kernel.state(alone), DEFCONFIG, [part]) as session:
        edits = {name: alone[name].replace("return 2", "return undeclared")}
        result = session.build([part], kernel.pool.checkout(kernel.state(edits), "one"))
    assert (session.base.objects, result.state, result.failed) == ((part,), State.FAILED, (part,))


def test_a_base_that_does_not_build_is_not_the_patchs_fault(kernel: Kernel) -> None:
    broken = kernel.edited(SOURCE, FUNCTION, FUNCTION + "\tundeclared = 1;\n")
    source = kernel.pool.checkout(kernel.state(broken), "one", fresh=False)
    with kernel.builder.session(source, kernel.state(broken), DEFCONFIG, [PAGEATTR]) as session:
        edits = {**broken, "arch/arm64/mm/mmu.c": kernel.files["arch/arm64/mm/mmu.c"].decode() + "\n"}
        result = session.build([PAGEATTR], kernel.pool.checkout(kernel.state(edits), "one"))
    assert session.base.state is result.state is State.FAILED
    assert compare(session.base.diagnostics, result.diagnostics).new == ()


def test_a_patch_that_breaks_the_configuration_fails(kernel: Kernel, base: Path) -> None:
    complaint = "defconfig:\n\t@echo 'mm/Kconfig:12: syntax error' >&2; false\n"
    broken = kernel.state(kernel.edited("Makefile", "defconfig:\n", complaint + "\nold-defconfig:\n"))
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU]) as session:
        result = session.build([MMU], kernel.pool.checkout(broken, "one"), reconfigure=True)
    assert (result.state, result.failed) == (State.FAILED, (MMU,))
    (new,) = compare(session.base.diagnostics, result.diagnostics).new
    assert (new.rule, new.location.file, new.location.line) == ("kconfig.error", "mm/Kconfig", 12)


def test_a_base_that_cannot_be_configured_says_so(kernel: Kernel) -> None:
    broken = kernel.edited("Makefile", "defconfig:\n", "defconfig:\n\t@echo there is no such thing; false\nold:\n")
    source = kernel.pool.checkout(kernel.state(broken), "one", fresh=False)
    with kernel.builder.session(source, kernel.state(broken), DEFCONFIG, [MMU]) as session:
        assert session.base.state is State.FAILED
        assert session.base.reason == "make stopped: there is no such thing"
        fixed = session.build([MMU], kernel.pool.checkout(kernel.state(), "one"))
    assert (fixed.state, fixed.objects) == (State.PASSED, (MMU,))


class TestStrangersMakefiles:
    """A patch to a Makefile is code that runs; what it does stays in its own copy."""

    MARK = "$(shell touch $(objtree)/mark; cp /build/source/README $(objtree)/arch/arm64/mm/mmu.o)\n"

    def test_it_cannot_reach_the_next_series(self, kernel: Kernel, base: Path) -> None:
        state = kernel.state()
        evil = kernel.state({"Makefile": kernel.files["Makefile"].decode() + self.MARK})
        with kernel.builder.session(base, state, DEFCONFIG, [MMU]) as session:
            session.build([MMU], kernel.pool.checkout(evil, "one"))
            assert sandbox.read(session.output.kbuild.output, "mark") == b""
        source = kernel.pool.checkout(state, "one", fresh=False)
        with kernel.builder.session(source, state, DEFCONFIG, [MMU]) as session:
            assert sandbox.read(session.output.kbuild.output, "mark") is None
            assert (sandbox.read(session.output.kbuild.output, MMU) or b"").startswith(b"\x7fELF")

    @pytest.mark.parametrize(
        ("attack", "seconds", "reason"),
        [
            ("$(shell while :; do :; done)", 120, "processor time"),
            ("$(shell sleep 1000)", 1, "longer than"),
            ("$(shell yes >&2)", 120, "output"),
            ("$(shell i=0; while :; do head -c 9000000 /dev/zero > $(objtree)/f$$i; i=$$((i+1)); done)", 120, "disk"),
            ("$(shell while :; do sleep 100 & done)", 120, "processes"),
        ],
    )
    def test_what_goes_too_far_is_our_state_and_has_its_reason(
        self, kernel: Kernel, base: Path, attack: str, seconds: float, reason: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tight = sandbox.Limits(
            wall_seconds=120,
            cpu_seconds=4,
            memory_bytes=512 << 20,
            processes=60,
            disk_bytes=64 << 20,
            output_bytes=1 << 20,
        )
        evil = kernel.state({"Makefile": kernel.files["Makefile"].decode() + attack + "\n"})
        monkeypatch.setattr(kernel.builder, "limits", tight)
        with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU]) as session:
            kbuild = session.output.kbuild
            session.output.kbuild = replace(kbuild, limits=replace(tight, wall_seconds=seconds))
            result = session.build([MMU], kernel.pool.checkout(evil, "one"))
        assert result.state is State.BROKEN
        assert reason in result.reason
        assert result.failed == ()

    def test_a_link_for_an_object_is_not_followed(self, kernel: Kernel, base: Path, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("canary")
        evil = f"$(shell ln -sf {tmp_path}/secret $(objtree)/.config)\n"
        edits = {"Makefile": kernel.files["Makefile"].decode() + evil}
        with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU]) as session:
            result = session.build([MMU], kernel.pool.checkout(kernel.state(edits), "one"), reconfigure=True)
        assert b"canary" not in result.log
        assert (tmp_path / "secret").read_text() == "canary"


@pytest.mark.parametrize(
    "said",
    [
        "aarch64-linux-gnu-gcc: fatal error: Killed signal terminated program cc1",
        "cc1: out of memory allocating 65536 bytes after a total of 1 bytes",
        "Fatal error: arch/arm64/mm/mmu.o: No space left on device",
    ],
)
def test_a_compiler_that_this_machine_stops_is_not_the_patchs_failure(kernel: Kernel, base: Path, said: str) -> None:
    stopped = kernel.edited(
        "Makefile", "\t$(Q)$(CC) $(KBUILD_CFLAGS)", f"\t@echo '{said}' >&2; false\n\t$(Q)$(CC) $(KBUILD_CFLAGS)"
    )
    touched = {**stopped, SOURCE: kernel.files[SOURCE].decode() + "/* touched */\n"}
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [PAGEATTR]) as session:
        result = session.build([PAGEATTR], kernel.pool.checkout(kernel.state(touched), "one"))
        later = session.build([PAGEATTR], kernel.pool.checkout(kernel.state(), "one"))
    assert (result.state, result.failed, result.diagnostics) == (State.BROKEN, (), ())
    assert result.reason.startswith("This machine stopped the compiler: ")
    assert later.state is State.PASSED


def test_a_build_can_be_cancelled(kernel: Kernel, base: Path) -> None:
    slow = kernel.state({"Makefile": kernel.files["Makefile"].decode() + "$(shell sleep 100)\n"})
    started: list[float] = []

    def cancelled() -> bool:
        return bool(started) and time.monotonic() - started[0] > 0.3

    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU], cancelled=cancelled) as session:
        source = kernel.pool.checkout(slow, "one")
        started.append(time.monotonic())
        assert session.build([MMU], source).state is State.CANCELLED


def test_what_a_stopped_build_has_compiled_is_compiled_again(kernel: Kernel, base: Path) -> None:
    warning = kernel.edited(SOURCE, FUNCTION, FUNCTION + "\tint unused;\n")
    # the object is there before the rule of another one hangs
    hangs = kernel.edited(
        "Makefile", "prepare modules_prepare:", f"{MMU}: hang\nhang: {PAGEATTR}\n\tsleep 100\n\nprepare:"
    )
    stop: list[float] = []
    with kernel.builder.session(
        base, kernel.state(), DEFCONFIG, [MMU, PAGEATTR], cancelled=lambda: bool(stop) and time.monotonic() > stop[0]
    ) as session:
        source = kernel.pool.checkout(kernel.state({**warning, **hangs}), "one")
        stop.append(time.monotonic() + 2)
        assert session.build([MMU, PAGEATTR], source).state is State.CANCELLED
        stop.clear()
        result = session.build([MMU, PAGEATTR], kernel.pool.checkout(kernel.state(warning), "one"))
    assert [finding.rule for finding in result.diagnostics] == ["gcc.-Wunused-variable"]


def test_a_base_that_was_left_half_built_is_built_anew(kernel: Kernel, base: Path) -> None:
    old = kernel.edited(SOURCE, FUNCTION, FUNCTION + "\tint unused;\n")
    source = kernel.pool.checkout(kernel.state(old), "one", fresh=False)
    with kernel.builder.session(source, kernel.state(old), DEFCONFIG, [PAGEATTR]) as session:
        assert session.base.state is State.WARNED
    # as a process leaves it that dies after the compiler and before the record
    next(kernel.builder.cache.glob("*/record.json")).unlink()
    with kernel.builder.session(source, kernel.state(old), DEFCONFIG, [PAGEATTR]) as session:
        assert session.base.state is State.WARNED


def test_the_copy_of_a_session_that_died_is_removed(kernel: Kernel, base: Path) -> None:
    dead = kernel.builder.cache / "sessions" / "0123"
    dead.mkdir(parents=True)
    dead.with_suffix(".lock").touch()
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU]):
        assert not dead.exists()
        assert len(list((kernel.builder.cache / "sessions").iterdir())) == 2
    assert list((kernel.builder.cache / "sessions").iterdir()) == []


def test_a_base_in_use_is_waited_for_until_cancelled(kernel: Kernel, base: Path) -> None:
    home = kernel.builder._home(kernel.state(), DEFCONFIG)
    with (
        kernel.builder._locked(home.with_suffix(".lock"), None),
        pytest.raises(TransientError, match="in use"),
        kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU], cancelled=lambda: True),
    ):
        pass


def test_the_cache_is_kept_within_a_budget(kernel: Kernel, base: Path) -> None:
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU]):
        pass
    old = next(path for path in kernel.builder.cache.iterdir() if path.name.startswith("defconfig-") and path.is_dir())
    os.utime(old / "used", (1, 1))
    other = Configuration("other")
    with kernel.builder.session(base, kernel.state(), other, [MMU]):
        pass
    assert kernel.builder.prune() == []
    kernel.builder.budget_bytes = folder_bytes(old) or 0
    assert kernel.builder.prune() == [old.name]
    assert not old.exists()
    assert kernel.builder.prune(unused_since=time.time() - 3600) == []
    assert len(kernel.builder.prune(unused_since=time.time() + 3600)) == 1


def test_a_tree_that_was_built_in_is_said(kernel: Kernel, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dirty = {"Makefile": "$(error The source tree is not clean, please run 'make mrproper')\n"}
    source = kernel.pool.checkout(kernel.state(dirty), "one")
    with kernel.builder.session(source, kernel.state(dirty), DEFCONFIG, [MMU]) as session:
        assert session.base.state is State.BROKEN
        assert "make mrproper" in session.base.reason


def test_without_a_sandbox_nothing_is_built(kernel: Kernel, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.require.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(OperatorError, match="bubblewrap"), kernel.builder.session(base, "x", DEFCONFIG, [MMU]):
        pass
    sandbox.require.cache_clear()


def test_progress_is_told(kernel: Kernel, base: Path) -> None:
    told: list[Progress] = []
    with kernel.builder.session(base, kernel.state(), DEFCONFIG, [MMU, PAGEATTR], report=told.append):
        pass
    assert [step.step for step in told if step.step != "prepare"] == ["configure", *["compile"] * 3, "copy"]
    assert [(step.done, step.total) for step in told if step.step == "compile"] == [(0, 2), (1, 2), (2, 2)]


def test_a_cold_start_says_how_long_it_will_take_from_the_one_before(kernel: Kernel, base: Path) -> None:
    slow = "\n".join(f"step{n}:\n\t@sleep 0.2; echo '  GEN     step{n}'" for n in range(3))
    first = {"Makefile": kernel.files["Makefile"].decode() + f"prepare: step0 step1 step2\n{slow}\n"}
    told: list[Progress] = []
    for edits in (first, first | kernel.edited(SOURCE, FUNCTION, FUNCTION + "\n")):
        told.clear()
        source = kernel.pool.checkout(kernel.state(edits), "one", fresh=False)
        with kernel.builder.session(source, kernel.state(edits), DEFCONFIG, [MMU], report=told.append):
            pass
    steps = [step for step in told if step.step == "prepare"]
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert steps[0].left > 0
    assert steps[-1].left == 0
