"""A system call filter for the sandbox: a deny-list as a classic BPF program.

Namespaces and limits do most of the work; this closes what they leave open: nested
namespaces, sockets that no network namespace contains (AF_VSOCK, AF_ALG), memory that no
process is charged for (memfd, System V segments), and large parts of the kernel
that no compiler needs. See ``Documentation/userspace-api/seccomp_filter.rst``.
"""

from __future__ import annotations

import errno
import platform
import socket
import struct
from typing import NamedTuple

from reviewbot.errors import OperatorError

_LD_WORD_ABS, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _ARG0_LOW = 0, 4, 16  # offsets in struct seccomp_data, little endian
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_CLONE_NEWUSER = 0x10000000
_X32 = 0x40000000


class _Abi(NamedTuple):
    audit_arch: int
    clone: int
    clone3: int
    socket: int
    denied: dict[str, int]


# Numbers from arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
_SHARED = {
    "pidfd_getfd": 438,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "mount_setattr": 442,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "memfd_secret": 447,
}
_ABIS = {
    "x86_64": _Abi(
        audit_arch=0xC000003E,
        clone=56,
        clone3=435,
        socket=41,
        denied=_SHARED
        | {
            "shmget": 29,
            "msgget": 68,
            "ptrace": 101,
            "pivot_root": 155,
            "chroot": 161,
            "mount": 165,
            "umount2": 166,
            "swapon": 167,
            "init_module": 175,
            "quotactl": 179,
            "kexec_load": 246,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "unshare": 272,
            "perf_event_open": 298,
            "fanotify_init": 300,
            "open_by_handle_at": 304,
            "setns": 308,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "finit_module": 313,
            "memfd_create": 319,
            "kexec_file_load": 320,
            "bpf": 321,
            "userfaultfd": 323,
        },
    ),
    "aarch64": _Abi(
        audit_arch=0xC00000B7,
        clone=220,
        clone3=435,
        socket=198,
        denied=_SHARED
        | {
            "umount2": 39,
            "mount": 40,
            "pivot_root": 41,
            "chroot": 51,
            "quotactl": 60,
            "unshare": 97,
            "kexec_load": 104,
            "init_module": 105,
            "ptrace": 117,
            "msgget": 186,
            "shmget": 194,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "swapon": 224,
            "perf_event_open": 241,
            "fanotify_init": 262,
            "open_by_handle_at": 265,
            "setns": 268,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "finit_module": 273,
            "memfd_create": 279,
            "bpf": 280,
            "userfaultfd": 282,
            "kexec_file_load": 294,
        },
    ),
}


def program(machine: str = "") -> bytes:
    """Return the filter as an array of ``struct sock_filter``, for ``bwrap --seccomp``.

    :param machine: as ``uname -m`` says; this machine's when empty.
    :raises OperatorError: for a machine whose system call numbers are not known here.
    """
    abi = _ABIS.get(machine or platform.machine())
    if abi is None:
        known = " and ".join(_ABIS)
        raise OperatorError(
            f"The sandbox knows the system calls of {known} and not those of {machine or platform.machine()};"
            " the operator must build on another machine."
        )
    deny = _ERRNO | errno.EPERM
    code: list[bytes] = [
        _load(_ARCH),
        _jump(_JEQ, abi.audit_arch, 1, 0),
        _return(_KILL),  # a process of another architecture would have other numbers
        _load(_NUMBER),
        _jump(_JGE, _X32, 0, 1),
        _return(deny),
        _jump(_JEQ, abi.clone3, 0, 1),
        _return(_ERRNO | errno.ENOSYS),  # its flags are out of sight; the C library falls back to clone
    ]
    for number in sorted(abi.denied.values()):
        code += [_jump(_JEQ, number, 0, 1), _return(deny)]
    code += [
        _jump(_JEQ, abi.socket, 0, 4),
        _load(_ARG0_LOW),
        _jump(_JEQ, socket.AF_UNIX, 0, 1),
        _return(_ALLOW),
        _return(_ERRNO | errno.EAFNOSUPPORT),
        _jump(_JEQ, abi.clone, 0, 3),
        _load(_ARG0_LOW),
        _jump(_JSET, _CLONE_NEWUSER, 0, 1),
        _return(deny),
        _return(_ALLOW),
    ]
    return b"".join(code)


def _load(offset: int) -> bytes:
    return struct.pack("<HBBI", _LD_WORD_ABS, 0, 0, offset)


def _jump(kind: int, value: int, when_true: int, when_false: int) -> bytes:
    return struct.pack("<HBBI", kind, when_true, when_false, value)


def _return(value: int) -> bytes:
    return struct.pack("<HBBI", _RET, 0, 0, value)
