"""The system call filter: well-formed, and for machines whose numbers are known."""

from __future__ import annotations

import struct

import pytest

from reviewbot.errors import OperatorError
from reviewbot.sandbox import seccomp


def run(program: bytes, arch: int, number: int, first: int = 0) -> int:
    """Interpret the program as the kernel would, for the few instructions that it uses."""
    code = [struct.unpack_from("<HBBI", program, offset) for offset in range(0, len(program), 8)]
    data = struct.pack("<IIQQ", number, arch, 0, first)  # struct seccomp_data
    accumulator = at = 0
    while True:
        kind, when_true, when_false, value = code[at]
        at += 1
        if kind == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif kind == 0x06:
            return int(value)
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[kind]
            at += when_true if holds else when_false


ALLOW, EPERM, ENOSYS, NO_FAMILY, KILL = 0x7FFF0000, 0x50001, 0x50026, 0x50061, 0x80000000


@pytest.mark.parametrize(
    ("machine", "arch", "number", "expected"),
    [
        ("x86_64", 0xC000003E, 0, ALLOW),  # read
        ("x86_64", 0xC000003E, 165, EPERM),  # mount
        ("x86_64", 0xC000003E, 319, EPERM),  # memfd_create
        ("x86_64", 0xC000003E, 435, ENOSYS),  # clone3
        ("x86_64", 0xC000003E, 0x40000000, EPERM),  # read, as x32
        ("x86_64", 0x40000003, 0, KILL),  # i386
        ("aarch64", 0xC00000B7, 63, ALLOW),  # read
        ("aarch64", 0xC00000B7, 40, EPERM),  # mount
        ("aarch64", 0xC00000B7, 435, ENOSYS),
    ],
)
def test_each_call_gets_its_answer(machine: str, arch: int, number: int, expected: int) -> None:
    assert run(seccomp.program(machine), arch, number) == expected


@pytest.mark.parametrize(
    ("number", "first", "expected"),
    [
        (41, 1, ALLOW),  # socket(AF_UNIX)
        (41, 2, NO_FAMILY),  # socket(AF_INET)
        (41, 40, NO_FAMILY),  # socket(AF_VSOCK)
        (56, 17, ALLOW),  # clone(SIGCHLD)
        (56, 0x10000000 | 17, EPERM),  # clone(CLONE_NEWUSER)
    ],
)
def test_some_calls_are_judged_by_their_first_argument(number: int, first: int, expected: int) -> None:
    assert run(seccomp.program("x86_64"), 0xC000003E, number, first) == expected


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(OperatorError, match="riscv64"):
        seccomp.program("riscv64")
