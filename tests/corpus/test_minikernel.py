"""The small kernel is what the other tests take it for: it applies, builds, and warns where its README says so."""

from __future__ import annotations

import mailbox
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OBJECTS = ("arch/arm64/mm/mmu.o", "arch/arm64/mm/pageattr.o")


def series(version: int) -> list[bytes]:
    """Return the patches of one version, in order."""
    prefix = "[PATCH v2 " if version == 2 else "[PATCH "
    mails = mailbox.mbox(str(HERE / "minikernel.mbox"))
    found = sorted((mail["Subject"], mail.as_bytes()) for mail in mails if mail["Subject"].startswith(prefix))
    return [raw for subject, raw in found if not subject.startswith(f"{prefix}0/")][:3]


def make(tree: Path, out: Path, *goals: str) -> str:
    done = subprocess.run(
        ["make", "-s", "-C", tree, f"O={out}", "ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-", *goals],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stderr


@pytest.mark.parametrize(("version", "warnings"), [(1, ["", "", "-Wunused-variable"]), (2, ["", "", ""])])
def test_each_patch_applies_and_builds(tmp_path: Path, version: int, warnings: list[str]) -> None:
    tree, out = tmp_path / "tree", tmp_path / "out"
    shutil.copytree(HERE / "minikernel", tree)
    make(tree, out, "defconfig", "prepare")
    assert make(tree, out, *OBJECTS) == ""
    for raw, warning in zip(series(version), warnings, strict=True):
        subprocess.run(["git", "apply", "-"], input=raw, cwd=tree, check=True)
        said = make(tree, out, *OBJECTS)
        assert warning in said
        assert bool(said) == bool(warning)
    assert all((out / name).is_file() for name in OBJECTS)


def test_a_tree_that_is_not_configured_does_not_build(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        make(HERE / "minikernel", tmp_path / "out", OBJECTS[0])
    assert 'Configuration file ".config" not found' in failure.value.stderr
