"""The compilers of this machine."""

from __future__ import annotations

import functools
import re
import shutil
from pathlib import Path

from reviewbot import sandbox
from reviewbot.builds.model import Kind, Toolchain
from reviewbot.errors import OperatorError

# The kernel's word for an architecture -> prefix of its GNU tools and Debian's package of the compiler.
_CROSS = {
    "arm": ("arm-linux-gnueabihf-", "gcc-arm-linux-gnueabihf"),
    "arm64": ("aarch64-linux-gnu-", "gcc-aarch64-linux-gnu"),
    "loongarch": ("loongarch64-linux-gnu-", "gcc-loongarch64-linux-gnu"),
    "m68k": ("m68k-linux-gnu-", "gcc-m68k-linux-gnu"),
    "mips": ("mips-linux-gnu-", "gcc-mips-linux-gnu"),
    "parisc": ("hppa-linux-gnu-", "gcc-hppa-linux-gnu"),
    "powerpc": ("powerpc64le-linux-gnu-", "gcc-powerpc64le-linux-gnu"),
    "riscv": ("riscv64-linux-gnu-", "gcc-riscv64-linux-gnu"),
    "s390": ("s390x-linux-gnu-", "gcc-s390x-linux-gnu"),
    "sh": ("sh4-linux-gnu-", "gcc-sh4-linux-gnu"),
    "sparc": ("sparc64-linux-gnu-", "gcc-sparc64-linux-gnu"),
    "x86": ("x86_64-linux-gnu-", "gcc-x86-64-linux-gnu"),
}
_VERSION = re.compile(rb"\d+(?:\.\d+)*")
_PLACES = ("/usr/bin", "/usr/local/bin")  # what the sandbox shows


def architectures() -> tuple[str, ...]:
    """Return the architectures for which a compiler can be looked for."""
    return tuple(_CROSS)


@functools.cache
def find(arch: str = "arm64", compiler: str = "gcc") -> Toolchain:
    """Return the compiler of this machine for an architecture.

    :param arch: the kernel's word, e.g. ``arm64``.
    :param compiler: ``gcc`` or ``clang``.
    :raises OperatorError: when there is none, with the package to install.
    """
    if arch not in _CROSS:
        raise OperatorError(f"No compiler is known for the architecture {arch!r}; known are {', '.join(_CROSS)}.")
    prefix, package = _CROSS[arch]
    binary, package = (_program(f"{prefix}gcc"), package) if compiler == "gcc" else (_program("clang"), "clang lld")
    if not binary or (compiler == "clang" and not _program("ld.lld")):
        raise OperatorError(
            f"There is no {compiler} for {arch} on this machine, so nothing can be built for it;"
            f" the operator must install it (apt install {package})."
        )
    result = sandbox.run([binary, "-dumpfullversion" if compiler == "gcc" else "-dumpversion"])
    version = _VERSION.match(result.output)
    if not result.ok or not version:
        raise OperatorError(
            f"{binary} does not say its version; the operator must reinstall it (apt install {package})."
        )
    return Toolchain(arch, compiler, version.group().decode(), Path(binary).name, prefix)


def installed(arch: str, compiler: str) -> bool:
    """Say whether the machine has the compiler, without asking it for its version."""
    if compiler == "clang":
        return bool(_program("clang") and _program("ld.lld"))
    return arch in _CROSS and _program(f"{_CROSS[arch][0]}gcc") is not None


def has_ccache() -> bool:
    """Say whether the machine has ccache."""
    return _program("ccache") is not None


def package(arch: str) -> str:
    """Return Debian's package of the compiler for an architecture."""
    return _CROSS[arch][1]


def require(kind: Kind) -> None:
    """Make sure that the machine has what a kind of work needs beside the compiler.

    :raises OperatorError: when it has not, with the package to install.
    """
    if kind is Kind.SPARSE and not _program("sparse"):
        raise OperatorError("sparse is not installed; the operator can install it (apt install sparse).")


def _program(name: str) -> str | None:
    """Return the path of a program, under its plain name or else with the highest version behind it."""
    path = ":".join(_PLACES)
    plain = shutil.which(name, path=path)
    if plain:
        return plain
    versions = [
        (int(found.name[len(name) + 1 :]), str(found))
        for place in _PLACES
        for found in Path(place).glob(f"{name}-*")
        if found.name[len(name) + 1 :].isdigit()
    ]
    return max(versions)[1] if versions else None
