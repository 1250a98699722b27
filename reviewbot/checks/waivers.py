"""Findings that somebody has looked at and decided to live with, and why.

A waiver stands in a file of the project, in ``.reviewbot-waivers.toml`` at the
top of a tree, or in a comment beside the code. The files are TOML::

    [[waiver]]
    rule = "C01"
    file = "arch/m68k/include/asm/*.h"     # a path, or a pattern as in a shell
    function = "pte_alloc_one"             # optional
    text = "pagetable_pte_ctor(mm, p);"    # optional: the line, white space aside
    reason = "m68k has no split locks, so that the constructor cannot fail."

The comment stands on the line of the finding or directly above it::

    /* reviewbot: C01 m68k has no split locks. */

A waiver without a reason does not count. Of a series the waivers of its base
count: a patch cannot waive its own findings. A comment that it brings along
waives nothing yet, and the finding says so.
"""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reviewbot.checks.protocol import Check, Coverage
from reviewbot.errors import OperatorError
from reviewbot.findings import Evidence, Finding, normalise
from reviewbot.tree.files import Files

TREE_FILE = ".reviewbot-waivers.toml"
MAX_BYTES = 1_000_000
_FIELDS = {"rule", "file", "function", "text", "reason"}
_COMMENT = re.compile(r"(?:/\*|//)\s*reviewbot:\s*([\w.+=-]+)[ \t]*(.*?)\s*(?:\*/|$)", re.MULTILINE)
#: how far above its line the comment of a finding may begin
_ABOVE = 1


@dataclass(frozen=True, slots=True)
class Waiver:
    """One waiver; ``origin`` is the file, or the file and line, that it stands in.

    :ivar brought: whether the patch that is looked at brings it along, so that it does not count yet.
    """

    rule: str
    file: str
    reason: str
    origin: str
    function: str = ""
    text: str = ""
    line: int = 0
    brought: bool = False

    def covers(self, finding: Finding) -> bool:
        """Say whether a finding is meant."""
        place = finding.location
        if finding.rule != self.rule or not fnmatch.fnmatchcase(place.file, self.file):
            return False
        if self.line:
            return self.line <= place.line <= self.line + _ABOVE
        return self.function in ("", place.function) and self.text in ("", normalise(place.text))


def read_waivers(data: bytes, origin: str) -> tuple[Waiver, ...]:
    """Read a file of waivers.

    :param origin: how the file is named in what is told of its waivers.
    :raises OperatorError: when it is no such file, or a waiver has no rule, file or reason.
    """
    try:
        rows = tomllib.loads(data[:MAX_BYTES].decode()).get("waiver", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"The waivers in {origin} cannot be read: {error}.") from error
    if not isinstance(rows, list):
        raise OperatorError(f"The waivers in {origin} must be written as [[waiver]].")
    return tuple(_waiver(row, f"{origin}, waiver {number}") for number, row in enumerate(rows, 1))


def _waiver(row: object, origin: str) -> Waiver:
    if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
        raise OperatorError(f"{origin}: every field must be a string.")
    if unknown := sorted(row.keys() - _FIELDS):
        raise OperatorError(f"{origin} has the unknown field {unknown[0]}; there are {', '.join(sorted(_FIELDS))}.")
    for name in ("rule", "file", "reason"):
        if not row.get(name, "").strip():
            raise OperatorError(f"{origin} has no {name}; whoever wrote it must say so.")
    return Waiver(row["rule"], row["file"], row["reason"].strip(), origin, row.get("function", ""),
                  normalise(row.get("text", "")))  # fmt: skip


def load_waivers(path: str | Path) -> tuple[Waiver, ...]:
    """Read a file of waivers from the disk.

    :raises OperatorError: when it cannot be read.
    """
    try:
        return read_waivers(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise OperatorError(f"The waivers {path} cannot be read: {error.strerror}.") from error


def tree_waivers(files: Files) -> tuple[Waiver, ...]:
    """Read the waivers that a tree brings along.

    :raises OperatorError: when its file is broken.
    """
    data = files.read(TREE_FILE)
    return read_waivers(data, TREE_FILE) if data is not None else ()


def run(
    check: Check,
    files: Files,
    paths: Sequence[str],
    coverage: Coverage,
    waivers: Iterable[Waiver] = (),
    base: Files | None = None,
) -> Iterator[Finding]:
    """Run a check and leave out what is waived.

    ``coverage.told`` says what, why, and which waiver is at fault; first what a
    comment in the code waives, since who writes a patch writes that, too.

    :param base: what the files are a change of, if anything: a comment that is not there waives nothing.
    """
    found = list(check.check(files, paths, coverage))
    rules = frozenset(getattr(check, "rules", ()))
    looked_at = set(coverage.files)
    standing = [one for one in waivers if any(fnmatch.fnmatchcase(path, one.file) for path in looked_at)]
    faults: list[str] = []
    for path in sorted(looked_at):
        standing += _comments(path, files, faults, base)
    standing.sort(key=lambda one: one.brought)  # what counts comes before what does not yet
    used: dict[Waiver, list[str]] = {}
    for finding in found:
        waiver = next((one for one in standing if one.covers(finding)), None)
        if waiver is None or waiver.brought:
            yield _not_yet(finding, waiver) if waiver else finding
        if waiver is not None:
            place = f"{finding.rule} at {finding.location.file}:{finding.location.line}"
            used.setdefault(waiver, []).append(
                f"{place} is not waived by {waiver.origin}, which the patch itself brings along."
                if waiver.brought
                else f"{place} is waived by {waiver.origin}: {waiver.reason}"
            )
    coverage.told += [line for waiver in sorted(used, key=lambda one: not one.line) for line in used[waiver]]
    for waiver in standing:
        if waiver not in used and waiver.rule in rules:
            faults.append(f"{waiver.origin} waives {waiver.rule}, but nothing of that kind was found there.")
    coverage.told += faults


def _not_yet(finding: Finding, waiver: Waiver) -> Finding:
    """The finding with the word of its author, for the reviewer to judge."""
    step = Evidence(finding.location.file, waiver.line, f"the patch itself waives it: {waiver.reason}")
    return replace(finding, evidence=(*finding.evidence, step))


def _comments(path: str, files: Files, faults: list[str], base: Files | None) -> Iterator[Waiver]:
    """The waivers in the comments of a file; one that the base does not have beside the same statement is brought."""
    known = None if base is None else {key for key, _ in _beside(_text(base, path))}
    for key, line in _beside(_text(files, path)):
        rule, reason, _ = key
        if reason:
            brought = known is not None and key not in known
            origin = f"the comment at {path}:{line}"
            yield Waiver(rule, fnmatch_literal(path), reason, origin, line=line, brought=brought)
        else:
            faults.append(f"The comment at {path}:{line} waives {rule} without a reason and does not count.")


def _text(files: Files, path: str) -> str:
    data = files.read(path) or b""
    return data.decode("utf-8", "replace") if b"reviewbot:" in data else ""


def _beside(text: str) -> Iterator[tuple[tuple[str, str, str], int]]:
    """The comments that waive, as rule, reason and the text that is covered, each with its line."""
    lines = text.split("\n")
    line, before = 1, 0
    for match in _COMMENT.finditer(text):
        rule, reason = match.groups()
        line, before = line + text.count("\n", before, match.start()), match.start()
        yield (rule, reason, normalise("\n".join(lines[line - 1 : line + _ABOVE]))), line


def fnmatch_literal(path: str) -> str:
    """Write a path so that it matches itself alone."""
    return re.sub(r"([*?[])", r"[\1]", path)
