"""Asking the checker about states of a tree, and holding its answers against labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reviewbot.checks.pgtable.check import PgtableCheck
from reviewbot.checks.protocol import Coverage
from reviewbot.findings import Finding, Severity, compare
from reviewbot.tree.readers import DirectoryFiles, OverlayFiles

#: a finding this many lines off is still counted as being at the line of the label
NEAR = 3


class RememberedFiles:
    """A directory that does not change while it is measured: what was read and searched is kept."""

    def __init__(self, top: Path) -> None:
        self._files = DirectoryFiles(top)
        self._content: dict[str, bytes | None] = {}
        self._blobs: dict[str, str | None] = {}
        self._searches: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}

    def read(self, path: str) -> bytes | None:
        """Return the content of a file."""
        if path not in self._content:
            self._content[path] = self._files.read(path)
        return self._content[path]

    def blob(self, path: str) -> str | None:
        """Return git's name for the content of a file."""
        if path not in self._blobs:
            self._blobs[path] = self._files.blob(path)
        return self._blobs[path]

    def paths(self, under: str = "") -> Iterator[str]:
        """Yield the paths below a folder."""
        return self._files.paths(under)

    def containing(self, words: Iterable[str], under: Iterable[str] = ()) -> list[str]:
        """Return the C files that hold one of the words."""
        key = (tuple(words), tuple(under))
        if key not in self._searches:
            self._searches[key] = self._files.containing(*key)
        return list(self._searches[key])


@dataclass(frozen=True)
class Expected:
    """What has to be found in one state: one of the rules, in one of the functions of one file."""

    rules: tuple[str, ...]
    file: str
    functions: tuple[str, ...]
    lines: tuple[int, ...] = ()

    def hit_by(self, finding: Finding) -> bool:
        """Whether a finding says this."""
        place = finding.location
        return finding.rule in self.rules and place.file == self.file and place.function in self.functions

    def near(self, finding: Finding) -> bool:
        """Whether a finding points at one of the lines, or close to one."""
        return any(abs(finding.location.line - line) <= NEAR for line in self.lines)


class Bench:
    """The checker on one kernel tree, with what it remembers from state to state."""

    def __init__(self, name: str, tree: Path) -> None:
        self.name = name
        self.tree = tree
        self._files = RememberedFiles(tree)
        self._check = PgtableCheck()
        self._base: dict[tuple[str, ...], list[Finding]] = {}

    def findings(self, overlay: Mapping[str, bytes | None], paths: Sequence[str]) -> list[Finding]:
        """Check a state of the tree: some files replaced, findings wanted in ``paths`` (all when empty)."""
        files = OverlayFiles(self._files, overlay) if overlay else self._files
        return list(self._check.check(files, paths, Coverage()))

    def dependents(self, path: str) -> list[str]:
        """The files whose findings may change when this one does."""
        return self._check.dependents(self._files, [path])

    def coverage(self) -> tuple[list[Finding], Coverage]:
        """Check the whole unchanged tree and say what was looked at."""
        coverage = Coverage()
        return list(self._check.check(self._files, (), coverage)), coverage

    def base(self, paths: Sequence[str]) -> list[Finding]:
        """Findings of the unchanged tree in some files; remembered."""
        key = tuple(paths)
        if key not in self._base:
            self._base[key] = self.findings({}, key)
        return self._base[key]

    def new(self, overlay: Mapping[str, bytes | None]) -> list[Finding]:
        """Findings that a change of some files adds, in those files."""
        paths = sorted(overlay)
        found = compare(self.base(paths), self.findings(overlay, paths))
        return [*found.new, *(pair.after for pair in found.moved)]


def loud(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that accuse: errors and warnings, no notes."""
    return [finding for finding in findings if finding.severity is not Severity.NOTE]


def one_line(finding: Finding) -> str:
    """A finding as one line of a report."""
    place = finding.location
    return f"{finding.rule} {finding.severity} {place.file}:{place.line} {place.function}(): {finding.message}"
