"""What a machine can do, as names of queues: a worker takes from those that it is able to serve, and from no other.

Builds have a queue for each architecture and compiler: ``build.arm64``, ``build.arm64.clang``, ``build.x86``; ``build``
itself is for what every builder can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reviewbot.builds import toolchains

BUILD = "build"
_DEFAULT, _OTHER = "gcc", "clang"


def queue_of(configuration: str) -> str:
    """Return the queue of the builds in a configuration, by its name."""
    arch = next((arch for arch in toolchains.architectures() if configuration.startswith(f"{arch}-")), "arm64")
    return f"{BUILD}.{arch}.{_OTHER}" if _OTHER in configuration.split("-") else f"{BUILD}.{arch}"


def expand(queues: Iterable[str], *, everything: bool = False) -> Iterator[str]:
    """Yield the queues that a worker listens to, with those of the builds that this machine has the compilers for.

    :param everything: also those of the other builds, where no other machine could do them: they end with a sentence
        about the compiler that is missing, and do not wait for ever.
    """
    for queue in queues:
        yield queue
        if queue == BUILD:
            for arch in toolchains.architectures():
                if everything or toolchains.installed(arch, _DEFAULT):
                    yield f"{BUILD}.{arch}"
                if everything or (arch == "arm64" and toolchains.installed(arch, _OTHER)):
                    yield f"{BUILD}.{arch}.{_OTHER}"
