"""make, as the kernel wants it called (``Documentation/kbuild/kbuild.rst``), inside the sandbox."""

from __future__ import annotations

import os
import posixpath
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reviewbot import sandbox
from reviewbot.builds import diagnostics
from reviewbot.builds.model import Configuration, Kind, Toolchain
from reviewbot.sandbox import MIB, Limits, Outcome, Result, bubblewrap

#: where the sandbox shows the source and the output; part of every object, so the same on every machine
SOURCE = "/build/source"
OUTPUT = "/build/output"
_FRAGMENT = "/build/fragment"
_IN_PLACE = "/build/bin"
_WANTED = "/build/wanted"
_SHARED = "/build/ccache"
# Links named as the compilers are, which lead to ccache (Debian keeps them up to date).
_CCACHE = "/usr/lib/ccache"
_SYNTAX_ONLY = Path(__file__).with_name("syntax-only.sh")
# What tools say when it is the machine that fails them, after the name of the tool (gcc.c, libiberty, libbfd).
_OURS = re.compile(
    rb"^[^\n]{0,200}: (?:"
    rb"(?P<KILLED>fatal error: Killed signal terminated program \w+)"
    rb"|(?P<MEMORY>(?:out of memory allocating \d+ bytes|virtual memory exhausted|memory exhausted)[^\n]{0,80})"
    rb"|(?P<DISK>(?:[^\n]{0,200}: )?(?:No space left on device|Disk quota exceeded))"
    rb")$",
    re.MULTILINE,
)
_WORDS = {Kind.EXTRA_WARNINGS: ["W=1"], Kind.SPARSE: ["C=1", "CHECK=sparse"]}

#: gcc writes JSON since this version
_JSON_SINCE = 9
# What would otherwise make the same source give other objects (Documentation/kbuild/reproducible-builds.rst),
# and other words: a compiler quotes and translates as the locale says.
_REPRODUCIBLE = {
    "LC_ALL": "C",
    "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970",
    "KBUILD_BUILD_USER": "reviewbot",
    "KBUILD_BUILD_HOST": "sandbox",
    "KBUILD_BUILD_VERSION": "1",
}


@dataclass(frozen=True, slots=True)
class Kbuild:
    """One source directory and one output directory, with a compiler.

    :ivar jobs: how many compilers run at a time; 0 for one on each processor.
    :ivar shared: folder of ccache's results, taken from where they fit; None for none.
    :ivar fills: also put results there: only for a tree that is trusted, since others take them for true.
    """

    source: Path
    output: Path
    toolchain: Toolchain
    limits: Limits
    jobs: int = 0
    kind: Kind = Kind.COMPILE
    shared: Path | None = None
    fills: bool = False

    def make(
        self,
        targets: Sequence[str],
        *,
        syntax: bool = False,
        on_line: Callable[[bytes], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Result:
        """Run make for targets, keep going after errors, and return what it said.

        :param syntax: the targets are objects, of which the compiler is to check the syntax only.
        """
        jobs = self.jobs or len(os.sched_getaffinity(0))
        result = self._run(
            [
                *("/usr/bin/make", "-C", SOURCE, f"O={OUTPUT}", *variables(self.toolchain), *words(self.kind)),
                *self._diagnostics(),
                *("-k", f"-j{jobs}", "--output-sync=target", "--no-print-directory", "--", *targets),
            ],
            more=self._in_place_of_the_compiler(targets) if syntax else {},
            on_line=on_line,
            cancelled=cancelled,
        )
        return _of_this_machine(result)

    def configure(
        self, configuration: Configuration, *, cancelled: Callable[[], bool] | None = None
    ) -> tuple[Result, tuple[str, ...]]:
        """Write the ``.config``; return what make said, and the lines of the fragment that the tree does not take."""
        result = self.make([configuration.target], cancelled=cancelled)
        if not result.ok or not configuration.fragment:
            return result, ()
        fragment = self._beside("fragment", configuration.fragment)
        # The folder is a stranger's: only the sandbox may write there.
        append = self._run(
            ["/bin/sh", "-c", f"cat {_FRAGMENT} >> {OUTPUT}/.config"], more={fragment: _FRAGMENT}, cancelled=cancelled
        )
        if not append.ok:
            return append, ()
        result = self.make(["olddefconfig"], cancelled=cancelled)
        taken = self.config()
        return result, tuple(line for line in configuration.fragment if not _is_set(line, taken))

    def forget(self, objects: Sequence[str]) -> None:
        """Delete objects, so that make compiles them again."""
        if objects:
            self._run(["/usr/bin/rm", "-f", "--", *objects])

    def config(self) -> dict[str, str]:
        """Return the options of the ``.config`` that are set, e.g. ``{"CONFIG_MMU": "y"}``."""
        text = sandbox.read(self.output, ".config", limit=4 * MIB) or b""
        lines = text.decode("utf-8", "replace").splitlines()
        return dict(line.split("=", 1) for line in lines if line.startswith("CONFIG_") and "=" in line)

    def relative(self, path: str) -> str:
        """Map a path as the compiler writes it to one below the source (or, if generated, the output)."""
        path = posixpath.normpath(posixpath.join(OUTPUT, path)) if path else ""
        for top in (SOURCE, OUTPUT):
            if path.startswith(top + "/"):
                return path[len(top) + 1 :]
        return path

    def command(self, targets: Sequence[str]) -> str:
        """Return the make command as a line for a shell at the top of the tree."""
        return shlex.join(["make", *variables(self.toolchain), *words(self.kind), "-k", *targets])

    def _diagnostics(self) -> list[str]:
        return ["KCFLAGS=-fdiagnostics-format=json"] if writes_json(self.toolchain) else []

    def _in_place_of_the_compiler(self, objects: Sequence[str]) -> dict[Path, str]:
        return {_SYNTAX_ONLY: f"{_IN_PLACE}/{self.toolchain.binary}", self._beside("wanted", objects): _WANTED}

    def _beside(self, name: str, lines: Sequence[str]) -> Path:
        """Write a file for the sandbox beside the output."""
        path = self.output.parent / name
        path.write_text("\n".join(lines) + "\n", "utf-8")
        path.chmod(0o644)
        return path

    def _run(
        self,
        argv: Sequence[str],
        *,
        more: dict[Path, str] | None = None,
        on_line: Callable[[bytes], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Result:
        shared = {self.shared: _SHARED} if self.shared else {}
        path = [_IN_PLACE, *([_CCACHE] if shared else []), "/usr/bin", "/bin"]
        return sandbox.run(
            argv,
            read_only={self.source: SOURCE, **(more or {}), **({} if self.fills else shared)},
            writable={self.output: OUTPUT, **(shared if self.fills else {})},
            cwd=OUTPUT,
            env={**_REPRODUCIBLE, "PATH": ":".join(path), **(_ccache(fills=self.fills) if shared else {})},
            limits=self.limits,
            on_output=_lines(on_line) if on_line else None,
            cancelled=cancelled,
        )


def _ccache(*, fills: bool) -> dict[str, str]:
    """Return ccache's settings (ccache(1)): a compiler counts by its content, whenever it was installed."""
    found = {"CCACHE_DIR": _SHARED, "CCACHE_TEMPDIR": bubblewrap.TEMPORARY, "CCACHE_COMPILERCHECK": "content"}
    return found if fills else {**found, "CCACHE_READONLY": "1", "CCACHE_NOSTATS": "1"}


def copy(source: Path, target: Path, limits: Limits) -> Result:
    """Copy an output directory with its time stamps; what is in it is a stranger's, so the sandbox does it."""
    return sandbox.run(
        ["/usr/bin/cp", "-a", "--reflink=auto", "/build/from/.", OUTPUT],
        read_only={source: "/build/from"},
        writable={target: OUTPUT},
        limits=replace(limits, processes=16),
    )


def variables(toolchain: Toolchain) -> list[str]:
    """Return the make variables that choose architecture and compiler."""
    if toolchain.compiler == "clang":
        suffix = toolchain.binary.removeprefix("clang")
        return [f"ARCH={toolchain.arch}", f"LLVM={suffix or '1'}", f"CROSS_COMPILE={toolchain.prefix}"]
    words = [f"ARCH={toolchain.arch}", f"CROSS_COMPILE={toolchain.prefix}"]
    return words if toolchain.binary == f"{toolchain.prefix}gcc" else [*words, f"CC={toolchain.binary}"]


def words(kind: Kind) -> list[str]:
    """Return the make variables that a kind of work needs."""
    return _WORDS.get(kind, [])


def writes_json(toolchain: Toolchain) -> bool:
    """Say whether the compiler can write its diagnostics as JSON."""
    return toolchain.compiler == "gcc" and int(toolchain.version.split(".")[0]) >= _JSON_SINCE


def made_lines(report: Callable[[str], None]) -> Callable[[bytes], None]:
    """Return a reader of make's lines that reports each target that was made."""

    def on_line(line: bytes) -> None:
        target = diagnostics.step(line)
        if target:
            report(target)

    return on_line


def _of_this_machine(result: Result) -> Result:
    """Tell what this machine has refused to a compiler from what the compiler refuses."""
    found = _OURS.search(result.output) if result.outcome is Outcome.EXITED and not result.ok else None
    if not found:
        return result
    kind = str(found.lastgroup)
    words = found[0].decode("utf-8", "replace").strip()
    said = "".join(char for char in words if char.isprintable())[:200]
    return replace(result, outcome=Outcome[kind], reason=f"This machine stopped the compiler: {said}.")


def _lines(on_line: Callable[[bytes], None]) -> Callable[[bytes], None]:
    rest = bytearray()

    def on_output(data: bytes) -> None:
        rest.extend(data)
        *lines, last = bytes(rest).split(b"\n")
        for line in lines:
            on_line(line)
        rest[:] = last[-4096:]

    return on_output


def _is_set(line: str, taken: dict[str, str]) -> bool:
    if line.startswith("# ") and line.endswith(" is not set"):
        return line[2:].split(" ", 1)[0] not in taken
    name, _, value = line.partition("=")
    return taken.get(name, "n") == value
