"""A machine that allows no walls is told which switch or right is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reviewbot.sandbox.remedy import remedy


def system(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("switch", "value", "command"),
    [
        ("user__max_user_namespaces", "0\n", "sysctl -w user.max_user_namespaces=15000"),
        ("kernel__unprivileged_userns_clone", "0\n", "sysctl -w kernel.unprivileged_userns_clone=1"),
        (
            "kernel__apparmor_restrict_unprivileged_userns",
            "1\n",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_switch_that_forbids_it_is_named(tmp_path: Path, switch: str, value: str, command: str) -> None:
    assert remedy(system(tmp_path, **{f"proc__sys__{switch}": value})) == f"set the kernel's switch: {command}"


def test_a_container_is_told_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = system(tmp_path, proc__self__status="CapEff:\t00000000a80425fb\n")
    (root / ".dockerenv").touch()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--cap-add SYS_ADMIN --security-opt seccomp=unconfined" in remedy(root)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert remedy(root).startswith("start the container with --security-opt seccomp=unconfined")


def test_else_the_usual_things_are_said(tmp_path: Path) -> None:
    open_ = system(tmp_path, proc__sys__user__max_user_namespaces="15000")
    assert (
        remedy(open_)
        == "install bubblewrap and util-linux, and allow user namespaces (sysctl user.max_user_namespaces)"
    )
