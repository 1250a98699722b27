"""Debian's Linux 6.12, really configured and really compiled: minutes, not seconds."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reviewbot import sandbox
from reviewbot.builds import Builder, State, configurations, objects, planning, toolchains
from reviewbot.findings import compare
from reviewbot.tree.readers import DirectoryFiles
from tests.builds.kernels import needs_compiler

ARCHIVE = Path("/usr/src/linux-source-6.12.tar.xz")
MMU, GUP, VMEMMAP = "arch/arm64/mm/mmu.o", "mm/gup.o", "mm/hugetlb_vmemmap.o"

pytestmark = [needs_compiler, pytest.mark.kernel]


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """Return the unpacked kernel: a directory named by REVIEWBOT_LINUX, else Debian's archive."""
    if named := os.environ.get("REVIEWBOT_LINUX"):
        return Path(named)
    if not ARCHIVE.is_file():
        pytest.skip(f"there is no {ARCHIVE}, and REVIEWBOT_LINUX names no kernel")
    subprocess.run(["tar", "-xf", ARCHIVE, "-C", tmp_path], check=True)
    return tmp_path / "linux-source-6.12"


@pytest.fixture
def patched(tmp_path: Path, kernel: Path) -> Path:
    """Return a copy of the kernel by hard links, in which single files can be replaced."""
    copied = subprocess.run(["cp", "-al", kernel, tmp_path / "tree"], check=False, capture_output=True)
    if copied.returncode != 0:  # on another file system
        subprocess.run(["cp", "-a", "--reflink=auto", "--no-clobber", f"{kernel}/.", tmp_path / "tree"], check=True)
    return tmp_path / "tree"


def append(tree: Path, path: str, text: str) -> None:
    data = (tree / path).read_text() + text
    (tree / path).unlink()
    (tree / path).write_text(data)


def test_one_patch_from_plan_to_new_findings(tmp_path: Path, kernel: Path, patched: Path) -> None:
    touched = ["arch/arm64/mm/mmu.c", "mm/gup.c", "mm/hugetlb_vmemmap.c"]
    plan = planning.plan(touched, DirectoryFiles(kernel))
    wanted = plan.builds[0].objects
    assert set(wanted) == {MMU, GUP, VMEMMAP}
    builder = Builder(tmp_path / "cache", toolchains.find())
    with builder.session(kernel, "base", configurations.DEFCONFIG, wanted) as session:
        assert session.base.state is State.PASSED, session.base.reason
        assert session.base.diagnostics == ()
        assert [one.path for one in session.base.not_built] == [VMEMMAP]
        before = session.code(wanted)
        append(patched, "arch/arm64/mm/mmu.c", "\nstatic void forgotten(void)\n{\n\tint i;\n}\n")
        append(patched, "mm/gup.c", "\n/* nothing that a compiler sees */\n")
        result = session.build(wanted, patched)
        changes = objects.compare(before, session.code(wanted))
    assert result.state is State.WARNED
    assert set(result.compiled) == {MMU, GUP}
    found = {(f.rule, f.location.function) for f in compare((), result.diagnostics).new}
    assert found == {("gcc.-Wunused-variable", "forgotten"), ("gcc.-Wunused-function", "forgotten")}
    assert objects.sentence(changes, "arm64") == "No change in the generated code on arm64 (2 objects compared)."


def test_a_hostile_patch_reaches_nothing_by_kconfig_host_programs_or_linker_scripts(
    tmp_path: Path, kernel: Path, patched: Path
) -> None:
    (tmp_path / "secret").write_text("canary")
    reach = f"cat {tmp_path}/secret /etc/passwd 2>&1; touch {tmp_path}/written {kernel}/written; id -u"
    attack = f"{{ {reach}; }} > /build/output/by-NAME 2>&1; true"
    builder = Builder(tmp_path / "cache", toolchains.find())
    with builder.session(kernel, "base", configurations.DEFCONFIG, [MMU]) as session:
        append(patched, "arch/arm64/Kconfig", f"\nEVIL := $(shell,{attack.replace('NAME', 'kconfig')})\n")
        append(patched, "arch/arm64/Makefile", f"\nEVIL := $(shell {attack.replace('NAME', 'makefile')})\n")
        call = f'system("{attack.replace("NAME", "host")}");'
        program = f"\n__attribute__((constructor)) static void evil(void)\n{{\n\t{call}\n}}\n"
        append(patched, "scripts/basic/fixdep.c", program)
        append(patched, "arch/arm64/kernel/vdso/vdso.lds.S", f"\nINCLUDE {tmp_path}/secret\n")
        result = session.build([MMU], patched, reconfigure=True)
        said = {
            name: sandbox.read(session.output.kbuild.output, f"by-{name}") or b""
            for name in ("kconfig", "makefile", "host")
        }
    assert all(text.rstrip().endswith(b"65532") or os.geteuid() for text in said.values()), (said, result.log[-3000:])
    assert b"canary" not in result.log + b"".join(said.values())
    assert b"root:" not in b"".join(said.values())
    assert not (tmp_path / "written").exists()
    assert not (kernel / "written").exists()
    assert result.state is State.FAILED  # the linker found no file to include
    assert b"cannot find" in result.log or b"cannot open" in result.log
