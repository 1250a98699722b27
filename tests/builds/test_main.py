"""``python -m reviewbot.builds``: the same code from a shell, with its exit statuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reviewbot import sandbox
from reviewbot.builds.__main__ import main
from tests.builds.kernels import SMALL, needs_compiler

pytestmark = needs_compiler
SOURCE = "arch/arm64/mm/pageattr.c"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(SMALL, tmp_path / "tree")
    return tmp_path / "tree"


def run(tree: Path, *words: str) -> int:
    return main(["--tree", str(tree), "--cache", str(tree.parent / "cache"), *words])


def test_a_file_that_builds(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tree, SOURCE, "arch/arm64/mm/ptdump.c", "Kconfig") == 0
    out, err = capsys.readouterr()
    assert "passed: 1 object built in " in out
    assert "arch/arm64/mm/ptdump.o: not built in defconfig: CONFIG_PTDUMP is not set" in out
    assert "Kconfig: configures the build" in out
    assert "$ make O=../build ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- defconfig" in err
    assert run(tree, SOURCE) == 0


def test_a_file_with_a_mistake(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / SOURCE).write_text((tree / SOURCE).read_text() + "\nstatic int unused_one;\n")
    assert run(tree, SOURCE) == 1
    out = capsys.readouterr().out
    assert f"{SOURCE}:25: warning: 'unused_one' defined but not used [gcc.-Wunused-variable]" in out
    assert "    static int unused_one;" in out
    assert run(tree, "--format", "json", SOURCE) == 1
    (finding,) = json.loads(capsys.readouterr().out)
    assert (finding["rule"], finding["file"], finding["line"]) == ("gcc.-Wunused-variable", SOURCE, 25)


def test_an_edit_is_seen_the_next_time(tree: Path) -> None:
    assert run(tree, SOURCE) == 0
    (tree / SOURCE).write_text((tree / SOURCE).read_text() + "\nint broken(;\n")
    assert run(tree, SOURCE) == 1


def test_nothing_that_is_compiled(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tree, "README") == 0
    assert "Nothing that is compiled was named." in capsys.readouterr().out


def test_bad_usage(tree: Path) -> None:
    for words in (["--config", "nonsense", SOURCE], ["--arch", "vax", SOURCE], []):
        with pytest.raises(SystemExit) as stopped:
            run(tree, *words)
        assert stopped.value.code == 2


def test_what_is_our_fault_is_said_in_a_sentence(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(tree / "nowhere", SOURCE) == 3
    assert "nowhere" in capsys.readouterr().err
    sandbox.require.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    assert run(tree, SOURCE) == 3
    assert "bubblewrap is not installed" in capsys.readouterr().err
    sandbox.require.cache_clear()
