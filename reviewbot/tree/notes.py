"""What is remembered about a tree beside its objects, and files that are replaced in one step."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reviewbot.errors import OperatorError

_NAME = re.compile(r"[A-Za-z0-9_][\w.+-]*(?:/[\w+-][\w.+-]*)*")
_VERSION = re.compile(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) *= *(\S*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Branch:
    """A tree that is known by name.

    :ivar name: e.g. ``mm-unstable`` or ``linux-source-6.12``.
    :ivar commit: its tip, forty hexadecimal digits.
    :ivar version: of the kernel's Makefile, e.g. ``6.12.48``; "" when it has none.
    :ivar date: of the tip, in UTC.
    :ivar source: where it came from: a path or URL.
    :ivar synced: when it was last brought up to date, in UTC; None for a bare commit.
    """

    name: str
    commit: str
    version: str
    date: datetime
    source: str = ""
    synced: datetime | None = None

    @property
    def describe(self) -> str:
        """Return what a person calls it: ``linux-source-6.12 (6.12.48)``."""
        return called(self.name, self.version)


def called(name: str, version: str, commit: str = "") -> str:
    """Return what a person calls a tree, or a commit of it: its version is told when the name does not tell it.

    ``mm-unstable (6.12.0-rc4)``, ``mm-unstable at 0123456789ab (6.12.0-rc4)``, but ``v6.12``.
    """
    number = re.escape(version.removesuffix(".0"))
    told = not version or re.fullmatch(rf"(?:.*[-/v])?{number}(?:\.0)?", name)
    return name + (f" at {commit[:12]}" if commit else "") + ("" if told else f" ({version})")


@dataclass(slots=True)
class Note:
    """What is remembered about a tree beside its tip.

    :ivar kind: ``directory``, ``archive`` or ``repository``.
    :ivar branch: of a repository.
    :ivar depth: of a shallow repository, 0 for the whole history.
    :ivar days: age at which its history may end, 0 for the whole history.
    :ivar stamp: by which an unchanged source is recognised without reading it.
    :ivar digest: of the content of an archive.
    :ivar synced: seconds since 1970.
    :ivar tips: earlier tips with the time they were first seen, oldest first.
    """

    kind: str
    source: str
    commit: str = ""
    branch: str = ""
    depth: int = 0
    days: int = 0
    stamp: str = ""
    digest: str = ""
    synced: float = 0.0
    tips: list[tuple[float, str]] | None = None


def write_whole(file: Path, text: str) -> None:
    """Replace a file in one step: a reader sees the old text or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)  # noqa: PTH101
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def checked_name(name: str) -> str:
    """Return a tree's name if it can name a reference.

    :raises OperatorError: when it cannot (git-check-ref-format(1)).
    """
    if not _NAME.fullmatch(name) or ".." in name or name.endswith((".lock", ".")) or ".lock/" in name:
        raise OperatorError(f"A tree cannot be named {name!r}: use letters, digits, and . _ + - / between them.")
    return name


def kernel_version(makefile: str) -> str:
    """Return ``6.12.48`` or ``6.14.0-rc1`` from the head of a kernel's Makefile, "" when it is none."""
    fields: dict[str, str] = dict(_VERSION.findall(makefile[:4096]))
    if not {"VERSION", "PATCHLEVEL"} <= fields.keys():
        return ""
    number = ".".join(fields[key] for key in ("VERSION", "PATCHLEVEL", "SUBLEVEL") if fields.get(key))
    return number + fields.get("EXTRAVERSION", "")
