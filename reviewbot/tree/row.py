"""Applying a row of patches by one git process, as far as they have no file in common.

Most of what a patch costs is the start of the process that applies it. Patches
that touch different files do not see each other, so that git-apply(1) may take
them in one go: each has the outcome that it would have alone, and what the
whole row changes falls apart by path into what each of them does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from reviewbot.errors import AuthorError
from reviewbot.tree.letter import Letter
from reviewbot.tree.model import Method, Step
from reviewbot.tree.screen import verify
from reviewbot.tree.staging import Changes, Staging

#: patches, files and bytes that are handed to one process
_PATCHES, _FILES, _BYTES = 32, 200, 4 << 20
#: lines by which git says in whose place it stands (see say_patch_name() of git), and that a hunk was moved
_SAID = ("Checking patch ", "Applied patch ")
_MOVED = re.compile(r"Hunk #\d+ succeeded at \d+ \(offset (-?\d+) lines?\)\.")
_PLAIN = re.compile(r"[\w./+-]+", re.ASCII)


def independent(letters: Sequence[Letter]) -> int:
    """Return how many of the leading patches only change files, none of them twice."""
    seen: set[str] = set()
    size = 0
    for count, letter in enumerate(letters[:_PATCHES]):
        files = letter.files
        simple = not files.oddities and all(one.old_path == one.new_path and one.hunks for one in files.files)
        size += len(letter.diff)
        if not (simple and letter.paths and all(map(_PLAIN.fullmatch, letter.paths))) or seen & set(letter.paths):
            return count
        seen.update(letter.paths)
        if len(seen) > _FILES or size > _BYTES:
            return count
    return min(len(letters), _PATCHES)


def apply_row(staging: Staging, letters: Sequence[Letter], scratch: Path) -> list[Step]:
    """Apply all of some independent patches to the staged tree, or none of them.

    :returns: what became of each; empty when one does not go in as it is, or
        when git sees other files in the mails than we do.
    """
    files = []
    for number, letter in enumerate(letters):
        files.append(scratch / f"row-{number}")
        files[-1].write_bytes(letter.diff)
    output = staging.apply(b"", "-v", patches=files)
    if not output.ok:
        return []
    said = [line for line in output.stderr.split("\n") if line.startswith(_SAID)]
    parts = _shared_out(staging.changes(), letters)
    if parts and said == [line for letter in letters for line in _expected(letter)]:
        try:
            for part in parts:
                verify(staging, part)
        except AuthorError:
            parts = []
        if parts:
            moves = moved(output.stderr)
            return [
                Step(Method.CLEAN, staging.accept(part), max(moves.get(path, 0) for path in letter.paths))
                for letter, part in zip(letters, parts, strict=True)
            ]
    staging.restore()
    return []


def moved(report: str) -> dict[str, int]:
    """Return path -> lines by which a hunk stands elsewhere than its patch says, at most, from what git reports."""
    moves: dict[str, int] = {}
    path = ""
    for line in report.split("\n"):
        if line.startswith(_SAID[0]):
            path = line.removeprefix(_SAID[0]).removesuffix("...")
        elif match := _MOVED.fullmatch(line):
            moves[path] = max(moves.get(path, 0), abs(int(match[1])))
    return moves


def _expected(letter: Letter) -> list[str]:
    """Return what git says of a patch that goes in, when it sees the files that we do."""
    return [f"Checking patch {path}..." for path in letter.paths] + [
        f"Applied patch {path} cleanly." for path in letter.paths
    ]


def _shared_out(changes: Changes, letters: Sequence[Letter]) -> list[Changes]:
    """Return what each patch changes; empty when that is nothing, or when a change is nobody's."""
    parts = [{path: changes[path] for path in letter.paths if path in changes} for letter in letters]
    return list(parts) if all(parts) and sum(map(len, parts)) == len(changes) else []
