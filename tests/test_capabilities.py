"""A worker takes the builds that its machine has the compilers for, and no others."""

from __future__ import annotations

import pytest

from reviewbot import capabilities
from reviewbot.builds import configurations, toolchains
from reviewbot.builds.model import Kind


def test_every_configuration_has_the_queue_of_its_compiler() -> None:
    names = [choice.configuration for choice in configurations.EXTRA]
    for one in [configurations.DEFCONFIG, *names, *map(configurations.default, toolchains.architectures())]:
        for configuration in (one, one.of(Kind.SYNTAX)):
            compiler = "" if configuration.compiler == "gcc" else f".{configuration.compiler}"
            assert capabilities.queue_of(configuration.name) == f"build.{configuration.arch}{compiler}"


def test_a_machine_declares_the_compilers_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {("arm64", "gcc"), ("x86", "gcc"), ("arm64", "clang")}
    monkeypatch.setattr(toolchains, "installed", lambda arch, compiler: (arch, compiler) in here)
    found = set(capabilities.expand(["check", "build"]))
    assert found == {"check", "build", "build.arm64", "build.arm64.clang", "build.x86"}


def test_where_nobody_else_builds_everything_is_taken_and_none_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchains, "installed", lambda arch, compiler: False)
    assert set(capabilities.expand(["build"])) == {"build"}
    everything = set(capabilities.expand(["build"], everything=True))
    assert {f"build.{arch}" for arch in toolchains.architectures()} | {"build.arm64.clang"} <= everything
