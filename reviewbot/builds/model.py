"""What is built, with what, and what came of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum

from reviewbot.findings import Finding


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A compiler that was found on this machine.

    :ivar arch: the kernel's word for the architecture, e.g. ``arm64``.
    :ivar compiler: ``gcc`` or ``clang``.
    :ivar version: as the compiler states it, e.g. ``12.2.0``.
    :ivar binary: name of the compiler's program, e.g. ``aarch64-linux-gnu-gcc-12``.
    :ivar prefix: value of CROSS_COMPILE, e.g. ``aarch64-linux-gnu-``; "" when there is none.
    """

    arch: str
    compiler: str
    version: str
    binary: str
    prefix: str

    @property
    def name(self) -> str:
        """The compiler and its version, as a reviewer names it: ``aarch64-linux-gnu-gcc-12 12.2.0``."""
        return f"{self.binary} {self.version}"


class Kind(StrEnum):
    """What is done with each object; all but ``COMPILE`` say more, or sooner, about the same configuration."""

    COMPILE = "compile"
    SYNTAX = "syntax"
    EXTRA_WARNINGS = "w1"
    SPARSE = "sparse"


@dataclass(frozen=True, slots=True)
class Configuration:
    """A kernel configuration: a target of the tree, and options set on top of it.

    :ivar name: a slug, stable, e.g. ``defconfig`` or ``defconfig-16k``.
    :ivar arch: the kernel's word for the architecture.
    :ivar target: make target that gives the base configuration, e.g. ``defconfig``.
    :ivar fragment: lines as in a ``.config``, e.g. ``CONFIG_ARM64_16K_PAGES=y``.
    :ivar title: for people, e.g. ``arm64 defconfig, 16K pages``.
    :ivar compiler: ``gcc`` or ``clang``.
    :ivar kind: see :class:`Kind`.
    """

    name: str
    arch: str = "arm64"
    target: str = "defconfig"
    fragment: tuple[str, ...] = ()
    title: str = ""
    compiler: str = "gcc"
    kind: Kind = Kind.COMPILE

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with everything but the title."""
        words = "\n".join((self.name, self.arch, self.target, *self.fragment, self.compiler, self.kind))
        return hashlib.sha256(words.encode()).hexdigest()[:16]

    def of(self, kind: Kind) -> Configuration:
        """Return the same configuration for another kind of work; its name tells."""
        return replace(self, name=f"{self.name}-{kind}", title=f"{self.title}, {_TITLES[kind]}", kind=kind)

    @property
    def plain(self) -> Configuration:
        """The configuration that this one was made of by :meth:`of`."""
        return replace(self, name=self.name.removesuffix(f"-{self.kind}"), title="", kind=Kind.COMPILE)


_TITLES = {Kind.SYNTAX: "syntax only", Kind.EXTRA_WARNINGS: "W=1", Kind.SPARSE: "sparse"}


@dataclass(frozen=True, slots=True)
class NotBuilt:
    """An object or a file that was not compiled, and why in a few words."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlannedBuild:
    """The objects to build in one configuration, the nearest to the change first.

    :ivar spare: the next ones, for those that turn out to see none of the touched files.
    """

    configuration: Configuration
    objects: tuple[str, ...]
    why: str
    spare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to build for a change, and what not.

    :ivar builds: at most one for each configuration; empty when nothing that is compiled is touched.
    :ivar left_out: touched files that no object stands for, and includers beyond the budget.
    :ivar labels: what a reader should know of the change, e.g. ``touches Kconfig``.
    """

    builds: tuple[PlannedBuild, ...]
    left_out: tuple[NotBuilt, ...] = ()
    labels: tuple[str, ...] = ()


class State(StrEnum):
    """What a build says. ``BROKEN`` is never the patch's fault, ``CANCELLED`` nobody's; ``SKIPPED`` built nothing."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    BROKEN = "broken"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """One state of the tree, built in one configuration.

    :ivar state: see :class:`State`.
    :ivar reason: one sentence for a state that the diagnostics do not explain, else "".
    :ivar diagnostics: everything the compiler says of the wanted objects, whether they were
        compiled now or had been before: compare with the base's by :func:`reviewbot.findings.compare`.
    :ivar objects: the wanted objects that exist now.
    :ivar compiled: those that had to be compiled for it.
    :ivar failed: the wanted objects that could not be built.
    :ivar not_built: what the configuration leaves out.
    :ivar log: output of make, as bytes.
    :ivar seconds: time on the clock.
    :ivar command: the make command, as a line for a shell at the top of the tree.
    :ivar compiler: :attr:`Toolchain.name`.
    :ivar configuration: :attr:`Configuration.name`.
    :ivar config_digest: sixteen hexadecimal digits of the ``.config`` that came of it.
    """

    state: State
    diagnostics: tuple[Finding, ...] = ()
    objects: tuple[str, ...] = ()
    compiled: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    not_built: tuple[NotBuilt, ...] = ()
    log: bytes = b""
    seconds: float = 0.0
    command: str = ""
    compiler: str = ""
    configuration: str = ""
    config_digest: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is. ``step`` is ``configure``, ``prepare``, ``copy`` or ``compile``.

    :ivar total: 0 when nobody knows.
    :ivar left: seconds that the step will still take, as far as can be told; 0 when nobody knows.
    """

    step: str
    done: int
    total: int
    what: str = ""
    left: float = 0.0

    @classmethod
    def after(cls, seconds: float, step: str, done: int, total: int, what: str = "") -> Progress:
        """Tell from how long a part has taken how long the rest will."""
        left = seconds / done * (total - done) if 0 < done < total else 0.0
        return cls(step, done, total, what, left)
