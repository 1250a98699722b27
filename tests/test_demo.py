"""The demonstration on the real kernel, with the real compiler, through real workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KERNEL = Path("/usr/src/linux-source-6.12.tar.xz")
LIMIT = 900

pytestmark = pytest.mark.kernel


class Installation:
    """A data folder of its own, and commands run in it as a person would."""

    def __init__(self, var: Path) -> None:
        self.environment = {
            **os.environ,
            "REVIEWBOT_VAR": str(var),
            "DJANGO_SETTINGS_MODULE": "reviewbot.settings",
        }
        self.manage("migrate", "--verbosity", "0")

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def said(installation: Installation) -> str:
    done = installation.manage("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_applies_checks_and_builds_every_patch_of_both_versions(said: str) -> None:
    for version in (1, 2):
        assert f"v{version}       applies to linux-source-6.12" in said
        for number in (1, 2, 3):
            assert f"v{version} {number}/3   pgtable:" in said
            assert f"v{version} {number}/3   build defconfig:" in said


def test_it_says_what_remains_with_place_code_and_evidence(said: str) -> None:
    report = said.partition("[PATCH v2 0/3]")[2]
    assert "C06 dtor-missing" in report
    assert "in split_linear_pud()" in report
    assert "pagetable_free(ptdesc);" in report
    assert "allocates:" in report


def test_it_says_what_the_second_version_fixed(said: str) -> None:
    fixed = said.partition("Fixed since v1")[2]
    assert "C01 ctor-result-ignored" in fixed
    assert "gcc.-Wunused-variable" in fixed


def test_it_says_how_to_go_on(said: str) -> None:
    assert "make up" in said
    assert "manage.py review" in said


def test_the_first_version_knows_what_its_thread_says(installation: Installation, said: str) -> None:
    done = installation.manage("review", "demo/discussion.mbox", "--version", "1", "--tree", str(KERNEL), "--json")
    facts = json.loads(done.stdout)
    by_rule = {finding["rule"]: finding for finding in facts["findings"]}
    assert done.returncode == 1
    assert [remark["remark"] for remark in by_rule["C01"]["said"]] == ["raised", "promised"]
    assert by_rule["gcc.-Wunused-variable"]["patch"] == 3


def test_a_repeat_is_quick(installation: Installation, said: str) -> None:
    start = time.monotonic()
    again = installation.manage("demo")
    assert again.returncode == 0
    assert "C06 dtor-missing" in again.stdout
    assert time.monotonic() - start < LIMIT / 10
