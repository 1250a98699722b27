"""The trees that memory-management patches are made for, as their maintainers publish them.

Source: MAINTAINERS of Linux ("MEMORY MANAGEMENT", "ARM64 PORT"), and
Documentation/process/2.Process.rst on linux-next and the stable trees.
"""

from __future__ import annotations

from dataclasses import dataclass

_GIT = "https://git.kernel.org/pub/scm/linux/kernel/git"
_MM = f"{_GIT}/akpm/mm.git"
_ARM64 = f"{_GIT}/arm64/linux.git"
_MM_LIST = "linux-mm@kvack.org"
_STABLE = f"{_GIT}/stable/linux.git"
_STABLE_LIST = "stable@vger.kernel.org"
_ARM_LIST = "linux-arm-kernel@lists.infradead.org"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A published branch.

    :ivar role: what it is for, in words.
    :ivar lists: the mailing lists whose patches it takes.
    :ivar words: how subjects call it, beside its own name.
    :ivar days: age at which its history may end. Mails name blobs and base commits of a release or two ago,
        and a year of Linux is a tenth of what its whole history takes.
    """

    name: str
    url: str
    branch: str
    role: str
    lists: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    days: int = 400


#: in the order in which a series of unknown base is tried
UPSTREAMS = (
    Upstream("mm-new", _MM, "mm-new", "mm patches as they come in", (_MM_LIST,)),
    Upstream("mm-unstable", _MM, "mm-unstable", "mm patches under review, in linux-next", (_MM_LIST,), ("mm", "akpm")),
    Upstream("mm-hotfixes-unstable", _MM, "mm-hotfixes-unstable", "mm fixes for this release, under review",
             (_MM_LIST,), ("mm-hotfixes", "hotfix")),
    Upstream("mm-stable", _MM, "mm-stable", "mm patches for the next release", (_MM_LIST,)),
    Upstream("arm64-core", _ARM64, "for-next/core", "arm64 patches for the next release", (_ARM_LIST,),
             ("arm64/for-next/core", "arm64-next", "for-next/core")),
    Upstream("arm64-fixes", _ARM64, "for-next/fixes", "arm64 fixes for this release", (_ARM_LIST,),
             ("arm64/for-next/fixes", "for-next/fixes")),
    Upstream("linux-next", f"{_GIT}/next/linux-next.git", "master", "all that is meant for the next release", (),
             ("next", "-next")),
    Upstream("mainline", f"{_GIT}/torvalds/linux.git", "master", "the release in the making", (), ("linus", "linux")),
    Upstream("stable-6.12", _STABLE, "linux-6.12.y", "fixes for the released 6.12", (_STABLE_LIST,)),
    Upstream("stable-6.1", _STABLE, "linux-6.1.y", "fixes for the released 6.1", (_STABLE_LIST,)),
)  # fmt: skip


def upstream(name: str) -> Upstream | None:
    """Return the published branch that is called so, None when there is none."""
    return next((known for known in UPSTREAMS if known.name == name), None)
