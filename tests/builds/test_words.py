"""Records, toolchains, and the lines that do a build again."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewbot import sandbox
from reviewbot.builds import Configuration, Toolchain, configurations, kbuild, reproduce, toolchains
from reviewbot.builds.record import ObjectRecord, Record, once
from reviewbot.errors import OperatorError
from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.sandbox import Outcome, Result

GCC = Toolchain("arm64", "gcc", "12.2.0", "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-")
WARNING = Finding(
    "gcc.-Wx", Severity.WARNING, Location("mm/a.c", 3, "f", "x();"), "x", (Evidence("mm/a.h", 1, "here"),), "CONFIG_A"
)


class TestRecord:
    """What is remembered of an output directory."""

    def test_it_is_read_as_it_was_written(self) -> None:
        record = Record(
            True,
            ("CONFIG_B=y",),
            (WARNING,),
            {"a.o": ObjectRecord(True, (WARNING,)), "b.o": ObjectRecord(False, (), "off")},
        )
        assert Record.load(record.dump()) == record

    @pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"objects": 3}', '{"objects": {"a": 1}}'])
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r".+"):
            Record.load(text)

    def test_a_header_that_many_include_is_told_once(self) -> None:
        assert once([WARNING, WARNING]) == (WARNING,)


class TestToolchains:
    """A compiler is found, or the operator is told what to install."""

    @pytest.fixture(autouse=True)
    def no_memory(self) -> None:
        toolchains.find.cache_clear()

    def place(self, folder: Path, *names: str) -> None:
        for name in names:
            (folder / name).touch()
            (folder / name).chmod(0o755)

    def find(self, monkeypatch: pytest.MonkeyPatch, folder: Path, said: bytes, compiler: str = "gcc") -> Toolchain:
        monkeypatch.setattr(toolchains, "_PLACES", (str(folder),))
        result = Result(Outcome.EXITED, 0, said, truncated=False, seconds=0)
        monkeypatch.setattr(sandbox, "run", lambda *_, **__: result)
        return toolchains.find("arm64", compiler)

    def test_the_distributions_default_is_preferred(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place(tmp_path, "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-gcc-13")
        assert self.find(monkeypatch, tmp_path, b"12.2.0\n") == GCC
        assert GCC.name == "aarch64-linux-gnu-gcc 12.2.0"

    def test_else_the_newest_that_is_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place(tmp_path, "aarch64-linux-gnu-gcc-9", "aarch64-linux-gnu-gcc-13", "aarch64-linux-gnu-gcc-ar")
        found = self.find(monkeypatch, tmp_path, b"13.1.0\n")
        assert found.binary == "aarch64-linux-gnu-gcc-13"
        assert kbuild.variables(found)[-1] == "CC=aarch64-linux-gnu-gcc-13"

    def test_a_compiler_that_is_missing_is_named_with_its_package(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(OperatorError, match=r"no gcc for arm64.*apt install gcc-aarch64-linux-gnu"):
            self.find(monkeypatch, tmp_path, b"")
        self.place(tmp_path, "clang")
        with pytest.raises(OperatorError, match="apt install clang lld"):
            self.find(monkeypatch, tmp_path, b"", "clang")

    def test_a_compiler_that_does_not_work_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place(tmp_path, "aarch64-linux-gnu-gcc")
        with pytest.raises(OperatorError, match="does not say its version"):
            self.find(monkeypatch, tmp_path, b"Segmentation fault")

    def test_an_unknown_architecture_is_refused(self) -> None:
        with pytest.raises(OperatorError, match="alpha"):
            toolchains.find("alpha")

    def test_old_compilers_and_clang_write_text(self) -> None:
        old = Toolchain("arm64", "gcc", "8.4.0", "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-")
        clang = Toolchain("arm64", "clang", "19.1.0", "clang-19", "aarch64-linux-gnu-")
        assert [kbuild.writes_json(one) for one in (GCC, old, clang)] == [True, False, False]
        assert kbuild.variables(clang) == ["ARCH=arm64", "LLVM=-19", "CROSS_COMPILE=aarch64-linux-gnu-"]


class TestConfigurations:
    """Names are stable, digests tell configurations apart."""

    def test_each_has_a_name_and_a_digest_of_its_own(self) -> None:
        every = [configurations.DEFCONFIG, *(choice.configuration for choice in configurations.EXTRA)]
        assert len({one.name for one in every}) == len({one.digest for one in every}) == len(every)
        assert all(one.title for one in every)

    def test_the_title_is_not_part_of_the_digest(self) -> None:
        assert Configuration("a", title="one").digest == Configuration("a", title="two").digest
        assert Configuration("a").digest != Configuration("a", fragment=("CONFIG_B=y",)).digest

    def test_other_architectures_have_a_default(self) -> None:
        assert configurations.default("riscv").title == "riscv defconfig"


class TestReproduce:
    """Shell lines for another machine, which need nothing of the service."""

    def test_a_series_is_applied_and_its_objects_are_built(self) -> None:
        found = reproduce.lines(
            GCC,
            configurations.EXTRA[0].configuration,
            ["mm/a.o"],
            fetch=["https://example.org/linux.git", "main"],
            base="abc123",
            message_id="x@example.org",
            version=2,
            patches=3,
        )
        assert found == (
            "# aarch64-linux-gnu-gcc 12.2.0, arm64 defconfig, 64K pages, 52 bit addresses",
            "git fetch https://example.org/linux.git main",
            "git checkout abc123",
            "b4 shazam -v 2 -P 1-3 x@example.org",
            "make O=../build ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- defconfig",
            "printf '%s\\n' CONFIG_ARM64_64K_PAGES=y CONFIG_ARM64_VA_BITS_52=y >> ../build/.config",
            "make O=../build ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- olddefconfig",
            "make O=../build ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- -k mm/a.o",
        )

    def test_a_strangers_words_are_quoted(self) -> None:
        found = reproduce.lines(GCC, configurations.DEFCONFIG, ["a;rm -rf ~.o"], message_id="$(id)@x")
        assert "b4 shazam '$(id)@x'" in found
        assert found[-1].endswith("-k 'a;rm -rf ~.o'")
