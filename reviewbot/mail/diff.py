"""Reading a unified diff as mail carries it: files, hunks and lines with their numbers on both sides.

The reader is tolerant: text around and between the diffs is skipped, a hunk that
ends early is kept and marked, and nothing raises. The format is the one of
git-diff(1), "Generating patch text with -p"; plain ``diff -u`` output is read too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

#: what is read of one diff; a larger one is cut there, and says so
MAX_LINES = 400_000
MAX_FILES = 5_000
MAX_HUNKS = 3_000
#: a longer diff may have one file or hunk more for each so many of its lines, as honest ones do, with their context
_LINES_OF_FILE, _LINES_OF_HUNK = 8, 5

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)")
_START = re.compile(r"^(?:diff --git |diff --(?:cc|combined) |--- .*\n\+\+\+ )", re.MULTILINE)
_INDEX = re.compile(r"index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: (\d{6}))?$")
_QUOTED_NAMES = re.compile(r"""(?P<old>"(?:[^"\\]|\\.)*"|[^" ]\S*) (?P<new>"(?:[^"\\]|\\.)*"|[^"]+)""")
_DATED = re.compile(r"\s+\d{4}-\d\d-\d\d \d\d:\d\d.*$|\s+\w{3} \w{3} +\d+ \d\d:\d\d.*$")
_EPOCH = re.compile(r"\s(?:1970-01-01|1969-12-31) \d\d:")
_CONTEXT = frozenset((" ", "", "\r"))
_MAX_ODDITIES = 50
_MAX_NAMES = 2 * 4096 + 16  # two of the kernel's PATH_MAX
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_ESCAPES = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


class Change(StrEnum):
    """What a diff does to a file as a whole."""

    MODIFIED = "modified"
    ADDED = "added"
    DELETED = "deleted"
    RENAMED = "renamed"
    COPIED = "copied"


class DiffLine(NamedTuple):
    """One line of a hunk.

    ``kind`` is ``" "``, ``"+"`` or ``"-"``; ``text`` comes without it and without
    the line end; ``old`` and ``new`` are the line numbers on both sides, from 1,
    and 0 on the side that does not have the line; ``position`` is the index of the
    line in the text that was parsed, from 0; ``newline`` is false when the file
    ends here without one.
    """

    kind: str
    text: str
    old: int
    new: int
    position: int
    newline: bool = True


@dataclass(frozen=True)
class Hunk:
    """One ``@@`` block.

    :ivar header: the ``@@`` line as written.
    :ivar section: what stands behind the second ``@@``, usually the function.
    :ivar position: index of the header in the text that was parsed, from 0.
    :ivar written: the lines below the header as they stand in the text, without line ends.
    :ivar whole: false when fewer lines follow than the header announces.
    """

    header: str
    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str
    position: int
    written: tuple[str, ...] = field(repr=False)
    whole: bool = True

    @cached_property
    def lines(self) -> tuple[DiffLine, ...]:
        """The lines with their numbers, made when they are first asked for: most large diffs are only passed on."""
        found: list[DiffLine] = []
        old, new = self.old_start, self.new_start
        for position, line in enumerate(self.written, self.position + 1):
            kind = line[:1]
            if kind == "+":
                found.append(DiffLine("+", line[1:], 0, new, position))
                new += 1
            elif kind == "-":
                found.append(DiffLine("-", line[1:], old, 0, position))
                old += 1
            elif kind == "\\":
                found[-1] = found[-1]._replace(newline=False)
            else:
                found.append(DiffLine(" ", line[1:] if kind == " " else line, old, new, position))
                old += 1
                new += 1
        return tuple(found)


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What a diff does to one file. Paths are relative to the top of the tree, and not yet trusted.

    :ivar old_path: "" when the file is new.
    :ivar new_path: "" when the file is deleted.
    :ivar old_mode: six octal digits, "" when not written.
    :ivar old_blob: abbreviated blob id of the ``index`` line, "" when there is none.
    :ivar binary: a binary patch, or ``Binary files … differ``.
    :ivar position: index of the first header line in the text that was parsed, from 0.
    """

    old_path: str
    new_path: str
    change: Change
    hunks: tuple[Hunk, ...]
    old_mode: str = ""
    new_mode: str = ""
    old_blob: str = ""
    new_blob: str = ""
    binary: bool = False
    position: int = 0

    @property
    def path(self) -> str:
        """Return the name to show: the new one, or the old one of a deleted file."""
        return self.new_path or self.old_path

    def count(self, kind: str) -> int:
        """Return how many lines of a kind (``"+"``, ``"-"``, ``" "``) the hunks have."""
        lines = (line[:1] for hunk in self.hunks for line in hunk.written)
        return sum(first == kind if kind != " " else first in _CONTEXT for first in lines)


@dataclass(frozen=True, slots=True)
class Diff:
    """The files of a diff in their order.

    :ivar start: index of the first line that belongs to it, from 0.
    :ivar end: index behind the last one.
    :ivar oddities: what could not be read as it should, one short phrase each.
    """

    files: tuple[FileDiff, ...]
    start: int = 0
    end: int = 0
    oddities: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the new names of the files (the old ones of deleted files), sorted, each once."""
        return tuple(sorted({file.path for file in self.files}))


def find_diff(text: str) -> int:
    """Return the offset in characters at which the first diff of a text starts, -1 when there is none."""
    if "diff --" not in text and "\n+++ " not in text:  # as in most answers, at a fraction of the time
        return -1
    match = _START.search(text)
    return match.start() if match else -1


def parse_diff(text: str, *, whole: bool = False) -> Diff:
    """Read every file of a diff; the text may be a whole mail body.

    At most :data:`MAX_LINES` lines are read, and no more files and hunks than so many lines can honestly hold
    (:data:`MAX_FILES` and :data:`MAX_HUNKS` in any case). A text without a diff yields no files.

    :param whole: read every file and hunk within those lines, for who applies the patch.
    """
    return _Reader(text, whole=whole).read()


@dataclass(slots=True)
class _File:
    """A file whose hunks are still being read."""

    position: int
    old_path: str = ""
    new_path: str = ""
    change: Change = Change.MODIFIED
    old_mode: str = ""
    new_mode: str = ""
    old_blob: str = ""
    new_blob: str = ""
    binary: bool = False
    hunks: list[Hunk] = field(default_factory=list)

    def frozen(self) -> FileDiff:
        return FileDiff(
            old_path="" if self.change is Change.ADDED else self.old_path,
            new_path="" if self.change is Change.DELETED else self.new_path,
            change=self.change,
            hunks=tuple(self.hunks),
            old_mode=self.old_mode,
            new_mode="" if self.change is Change.DELETED else self.new_mode or self.old_mode,
            old_blob=self.old_blob,
            new_blob=self.new_blob,
            binary=self.binary,
            position=self.position,
        )


class _Reader:
    """Goes through the lines once; ``at`` is the line that is looked at next."""

    def __init__(self, text: str, *, whole: bool) -> None:
        start = find_diff(text)
        first = text.count("\n", 0, start) if start > 0 else 0
        self.lines = text.split("\n", first + MAX_LINES) if start >= 0 else []
        self.oddities: list[str] = []
        if len(self.lines) > first + MAX_LINES:
            self.lines.pop()
            self.oddities.append(f"cut after {MAX_LINES} lines")
        self.at = self.start = self.end = first
        self.files: list[_File] = []
        self.hunks = 0
        lines = len(self.lines) - first
        self.max_files = lines if whole else max(MAX_FILES, lines // _LINES_OF_FILE)
        self.max_hunks = lines if whole else max(MAX_HUNKS, lines // _LINES_OF_HUNK)

    def read(self) -> Diff:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.startswith("diff --git ") or self._is_plain_header():
                if len(self.files) == self.max_files:
                    self._note(f"cut after {self.max_files} files")
                    break
                self._file(line)
            elif line.startswith(("diff --cc ", "diff --combined ")):
                self._note("a combined diff of a merge, which cannot be applied")
                self.at += 1
            elif self.files and (match := _HUNK.match(line)):
                if self.hunks == self.max_hunks:
                    self._note(f"cut after {self.max_hunks} hunks")
                    break
                self._hunk(match)
                self.hunks += 1
            else:
                self.at += 1
                continue
            self.end = self.at
        return Diff(tuple(file.frozen() for file in self.files), self.start, self.end, tuple(self.oddities))

    def _line(self, at: int) -> str:
        """Return a header line without the line end of another system, "" behind the last one."""
        return self.lines[at].rstrip("\r") if at < len(self.lines) else ""

    def _is_plain_header(self) -> bool:
        return self._line(self.at).startswith("--- ") and self._line(self.at + 1).startswith("+++ ")

    def _file(self, line: str) -> None:
        file = _File(self.at)
        self.files.append(file)
        if line.startswith("diff --git "):
            file.old_path, file.new_path = _git_names(self._line(self.at)[len("diff --git ") :])
            self.at += 1
            while self.at < len(self.lines) and _extended(file, self._line(self.at)):
                self.at += 1
            if self._line(self.at).startswith("GIT binary patch"):
                file.binary = True
                self.at += 1
                self._skip_binary()
        if self._is_plain_header():
            _plain_names(file, self._line(self.at)[4:], self._line(self.at + 1)[4:])
            self.at += 2

    def _skip_binary(self) -> None:
        """Go behind the ``literal`` and ``delta`` blocks; each ends with an empty line."""
        while self._line(self.at).startswith(("literal ", "delta ")):
            self.at += 1
            while self._line(self.at):
                self.at += 1
            self.at += 1

    def _hunk(self, match: re.Match[str]) -> None:
        old_start, old_count, new_start, new_count = (int(number or 1) for number in match.groups()[:4])
        position = self.at
        self.at += 1
        whole = self._skip_lines(old_count, new_count)
        if not whole:
            self._note(f"the hunk at line {position + 1} ends before its {old_count}+{new_count} lines")
        header = match.group().rstrip("\r")
        section = match.group(5).strip()
        written = tuple(self.lines[position + 1 : self.at])
        self.files[-1].hunks.append(
            Hunk(header, old_start, old_count, new_start, new_count, section, position, written, whole)
        )

    def _skip_lines(self, old: int, new: int) -> bool:
        """Go on until both sides have their lines or something else comes; tell whether they got there.

        :param old: lines that the old side still has to get, as ``new`` for the new side.
        """
        lines, first = self.lines, self.at
        self.at = len(lines)
        for at in range(first, len(lines)):
            kind = lines[at][:1]
            if kind == "+" and new:
                new -= 1
            elif kind == "-" and old:
                old -= 1
            # An empty line is context whose blank was lost on the way.
            elif kind in _CONTEXT and old and new:
                old -= 1
                new -= 1
            elif kind != "\\" or at == first:
                self.at = at
                break
        return not old and not new

    def _note(self, oddity: str) -> None:
        if len(self.oddities) < _MAX_ODDITIES:
            self.oddities.append(oddity)


def _extended(file: _File, line: str) -> bool:
    """Take one extended header line of git; false when it is none."""
    if line.startswith("index "):
        if match := _INDEX.match(line):
            file.old_blob, file.new_blob = match[1], match[2]
            file.old_mode = file.old_mode or match[3] or ""
        return True
    if line.startswith(("similarity index ", "dissimilarity index ")):
        return True
    if line.startswith("Binary files "):
        file.binary = True
        return True
    for prefix, change, attribute in _EXTENDED:
        if line.startswith(prefix):
            setattr(file, attribute, _unquoted(line[len(prefix) :]))
            file.change = change or file.change
            return True
    return False


_EXTENDED = (
    ("old mode ", None, "old_mode"),
    ("new mode ", None, "new_mode"),
    ("deleted file mode ", Change.DELETED, "old_mode"),
    ("new file mode ", Change.ADDED, "new_mode"),
    ("rename from ", Change.RENAMED, "old_path"),
    ("rename to ", Change.RENAMED, "new_path"),
    ("rename old ", Change.RENAMED, "old_path"),
    ("rename new ", Change.RENAMED, "new_path"),
    ("copy from ", Change.COPIED, "old_path"),
    ("copy to ", Change.COPIED, "new_path"),
)


def _git_names(text: str) -> tuple[str, str]:
    """Return the two names of a ``diff --git`` line.

    Names with blanks can only be told apart where both are the same but for
    the prefix; a rename or copy states its names again.
    """
    text = text[:_MAX_NAMES]
    half = len(text) // 2
    if '"' in text and (match := _QUOTED_NAMES.fullmatch(text)):
        old, new = match["old"], match["new"]
    elif text[half : half + 1] == " " and text[:half].partition("/")[2] == text[half + 1 :].partition("/")[2]:
        old, new = text[:half], text[half + 1 :]
    else:
        old, _, new = text.partition(" b/" if " b/" in text else " ")
        new = f"b/{new}" if " b/" in text else new
    return _stripped(_unquoted(old), _unquoted(new))


def _plain_names(file: _File, old: str, new: str) -> None:
    """Take the names of a ``---`` and a ``+++`` line; git's own header says them more surely."""
    if _is_nothing(old):
        file.change = Change.ADDED
    elif _is_nothing(new):
        file.change = Change.DELETED
    if not file.old_path and not file.new_path:
        file.old_path, file.new_path = _stripped(_unquoted(_undated(old)), _unquoted(_undated(new)))


def _is_nothing(name: str) -> bool:
    """Tell whether a side does not exist: ``/dev/null``, or dated at the epoch by ``diff -N``."""
    return name.startswith("/dev/null") or bool(_EPOCH.search(name))


def _undated(name: str) -> str:
    """Drop the time that ``diff -u`` writes behind a name, also where a mailer ate the tab."""
    return _DATED.sub("", name[:_MAX_NAMES].partition("\t")[0]).rstrip()


def _stripped(old: str, new: str) -> tuple[str, str]:
    """Drop the first component, as ``git apply -p1`` does, unless both names were written without one."""
    if old == new:
        return old, new
    return old.partition("/")[2] or old, new.partition("/")[2] or new


def _unquoted(name: str) -> str:
    """Undo git's C quoting; bytes that are no UTF-8 become surrogates, as in file names of Python."""
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        return name
    raw = name[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_escaped, raw).decode("utf-8", "surrogateescape")


def _escaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return bytes([int(code, 8) & 255]) if code.isdigit() else _ESCAPES.get(code, code)
