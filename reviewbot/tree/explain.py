"""Why a patch does not apply: the hunk, what it expects, and what the tree has there instead."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import NamedTuple

import pygit2

from reviewbot.mail.diff import FileDiff, Hunk
from reviewbot.tree.letter import Letter
from reviewbot.tree.model import Reject
from reviewbot.tree.screen import shown
from reviewbot.tree.staging import Staging

_FAILED = re.compile(r"^error: patch failed: (?P<file>.+):(?P<line>\d+)$", re.MULTILINE)
_FILE = re.compile(
    r"^error: (?P<file>.+): (?P<what>does not exist in index|already exists in index|patch does not apply|wrong type)$",
    re.MULTILINE,
)
_SPACE = re.compile(r"\s+")
#: lines around the nearest place that are compared
_MARGIN = 4
#: a line that stands in more places than this says nothing about where a hunk belongs
_COMMON = 60
#: lines of a hunk, and characters of a line, that are compared: a hostile hunk must not cost minutes
_COMPARED = 400
_COMPARED_WIDTH = 400
#: files of the same name that are looked into
_NAMESAKES = 40
_WIDTH = 160


class Place(NamedTuple):
    """The place of a file that resembles a hunk most.

    ``start`` counts lines from 0; ``telling`` is a sentence part on the first
    difference, e.g. "expects `a` near line 7; the tree has `b`".
    """

    start: int
    telling: str


def explain(staging: Staging, letter: Letter, complaint: str) -> Reject:
    """Turn git's complaint about a patch into what a reviewer wants to know.

    :param staging: the tree before the patch.
    :param complaint: of git-apply(1), in English.
    """
    failed, named = _FAILED.search(complaint), _FILE.search(complaint)
    if failed and (not named or failed.start() < named.start() or named["what"] == "patch does not apply"):
        reject = _mismatch(staging, letter, failed["file"], int(failed["line"]))
    elif named and named["what"] == "does not exist in index":
        reject = _missing(staging, letter, named["file"])
    elif named and named["what"] == "already exists in index":
        reject = _simple(letter, f"{named['file']} is in the tree already, and the patch creates it.", named["file"])
    elif named and named["what"] == "wrong type":
        reject = _simple(letter, f"{named['file']} is not the kind of file that the patch expects.", named["file"])
    else:
        return _simple(letter, _malformed(letter, complaint))
    others = {match["file"] for match in _FILE.finditer(complaint)} - {reject.file}
    if not others:
        return reject
    also = f"{len(others)} more files do" if len(others) > 1 else f"{others.pop()} does"
    return replace(reject, reason=f"{reject.reason} Also {also} not match.")


def broken(letter_number: int, message_id: str, reason: str) -> Reject:
    """Return the reject of a mail or patch that is not even tried."""
    return Reject(letter_number, message_id, "", "", "", "", 0, reason)


def _simple(letter: Letter, reason: str, file: str = "") -> Reject:
    return Reject(letter.number, letter.message_id, file, "", "", "", 0, reason)


def _malformed(letter: Letter, complaint: str) -> str:
    """Say what is wrong with the patch itself."""
    text = complaint.strip()
    first = next((line for line in text.splitlines() if line.startswith(("error:", "fatal:"))), text[:200])
    if "No valid patches in input" in text:
        if any("combined" in oddity for oddity in letter.files.oddities):
            return "The mail holds the combined diff of a merge (diff --cc), which cannot be applied."
        return "There is no patch in the mail that could be applied."
    if line := re.search(r"corrupt patch at (?:line |<stdin>:|-:)?(\d+)", text):
        at = int(line[1])
        lines = letter.diff.split(b"\n")
        around = _quote(lines[at - 1].decode("utf-8", "replace")) if 0 < at <= len(lines) else ""
        return f"The patch is damaged at line {at} of the diff {around}: lines were wrapped, lost or edited by hand."
    if "without full index line" in text:
        return "The patch changes a binary file without its full blob names: post it with git format-patch --binary."
    if "is beyond a symbolic link" in text:
        return f"The patch writes through a symbolic link: {shown(first.partition(': ')[2])}."
    return f"git does not take the patch: {first.partition(': ')[2][:300] or 'it says no reason'}."


def _file_diff(letter: Letter, path: str) -> FileDiff | None:
    for file in letter.files.files:
        if path in (file.old_path, file.new_path):
            return file
    return None


def _mismatch(staging: Staging, letter: Letter, path: str, line: int) -> Reject:
    file = _file_diff(letter, path)
    hunks = file.hunks if file else ()
    number, hunk = next(((n, h) for n, h in enumerate(hunks, 1) if h.old_start == line), (0, None))
    content = staging.read(file.old_path or path) if file else None
    if file is None or hunk is None or content is None:
        return _simple(letter, f"{path}: the patch does not match the file at line {line}.", path)
    have = content.decode("utf-8", "replace").split("\n")
    wanted = _wanted(hunk)
    header = hunk.header[: hunk.header.find("@@", 2) + 2]
    name = f"{path}: hunk {number} ({header})"
    place = nearest(wanted, have, max(line - 1, 0))
    if place is None:
        rare = max(wanted, key=lambda text: len(text.strip()), default="")
        reason = f"{name} expects {_quote(rare)} near line {line}; the file has nothing like that."
        found, start = "", -1
    else:
        reason = f"{name} {place.telling}."
        start = place.start
        found = "\n".join(have[start : start + len(wanted)])
    return Reject(letter.number, letter.message_id, path, hunk.header, "\n".join(wanted), found, start + 1, reason)


def _wanted(hunk: Hunk) -> list[str]:
    lines = [line.text for line in hunk.lines if line.kind != "+"]
    return [line.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for line in lines]


def nearest(wanted: Sequence[str], have: Sequence[str], around: int) -> Place | None:
    """Find where a file resembles a hunk most.

    Every line of the hunk that stands somewhere in the file votes for the
    start it would mean, the rarer and longer the louder.

    :param around: line where the hunk says it belongs, from 0; decides ties.
    :returns: None when no telling line of the hunk is in the file.
    """
    wanted = [line[:_COMPARED_WIDTH] for line in wanted[:_COMPARED]]
    where: dict[str, list[int]] = defaultdict(list)
    for at, line in enumerate(have):
        where[_folded(line[:_COMPARED_WIDTH])].append(at)
    votes: Counter[int] = Counter()
    for at, line in enumerate(wanted):
        folded = _folded(line)
        places = where.get(folded, ())
        if len(folded) > 2 and len(places) <= _COMMON:
            for place in places:
                votes[place - at] += 100 * len(folded) // len(places)
    if not votes:
        return None

    def support(start: int) -> tuple[int, int]:
        near = sum(votes[start + shift] // (1 + abs(shift)) for shift in range(-_MARGIN, _MARGIN + 1))
        return near, -abs(start - around)

    start = max(0, max(votes, key=support))
    return Place(start, _difference(wanted, have, start))


def _difference(wanted: Sequence[str], have: Sequence[str], start: int) -> str:
    """Say the first telling difference between a hunk and the place where it belongs."""
    low = max(0, start - _MARGIN)
    window = [line[:_COMPARED_WIDTH] for line in have[low : start + len(wanted) + _MARGIN]]
    steps = SequenceMatcher(None, [_folded(w) for w in wanted], [_folded(h) for h in window], autojunk=False)
    sayings: list[tuple[bool, str]] = []
    for kind, i1, i2, j1, j2 in steps.get_opcodes():
        line = low + j1 + 1
        if kind == "replace":
            text, other = _pair(wanted[i1:i2], window[j1:j2])
            sayings.append((_tells(text), f"expects {_quote(text)} near line {line}; the tree has {_quote(other)}"))
        elif kind == "delete":
            text = max(wanted[i1:i2], key=_weight)
            sayings.append((_tells(text), f"expects {_quote(text)} near line {line}; the tree does not have that line"))
        elif kind == "insert" and 0 < i1 < len(wanted):
            text = max(window[j1:j2], key=_weight)
            said = f"expects {_quote(wanted[i1])} right after {_quote(wanted[i1 - 1])}"
            sayings.append((_tells(text), f"{said}; the tree has {_quote(text)} in between, at line {line}"))
        elif kind == "equal":
            for text, other, at in zip(wanted[i1:i2], window[j1:j2], range(line, line + i2 - i1), strict=True):
                if text != other:
                    sayings.append((False, f"differs in white space only, at line {at}: {_quote(text)}"))
                    break
    telling = [said for tells, said in sayings if tells] or [said for _, said in sayings]
    if telling:
        return telling[0]
    return f"is at line {start + 1} of the tree word for word, but earlier hunks of the patch lead elsewhere"


def _pair(wanted: Sequence[str], have: Sequence[str]) -> tuple[str, str]:
    """Return the most telling expected line and the line of the tree that is most like it."""
    text = next((line for line in wanted if _tells(line)), wanted[0])
    return text, max(have[:_COMMON], key=lambda line: SequenceMatcher(None, text.strip(), line.strip()).ratio())


def _tells(line: str) -> bool:
    return _weight(line) >= 4


def _weight(line: str) -> int:
    return sum(character.isalnum() for character in line)


def _folded(line: str) -> str:
    return _SPACE.sub(" ", line).strip()


def _quote(line: str) -> str:
    text = _folded(line)
    text = text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
    return f"`{text}`" if text else "an empty line"


def _missing(staging: Staging, letter: Letter, path: str) -> Reject:
    """Say where a file that is not there may have gone."""
    whole = next((other for other in letter.paths if other.endswith(f"/{path}") and other in staging.entries), "")
    if whole and path not in letter.paths:
        said = f"The paths of the diff lack a/ and b/ in front (diff.noprefix): git looks for {path}, not {whole}."
        return _simple(letter, said, whole)
    file = _file_diff(letter, path)
    hunk = file.hunks[0] if file and file.hunks else None
    wanted = {_folded(text) for h in (file.hunks if file else ()) for text in _wanted(h)}
    wanted = {text for text in wanted if len(text) > 3}
    best, score = "", 0
    for other, lines in _namesakes(staging, path):
        have = {_folded(line) for line in lines.decode("utf-8", "replace").split("\n")}
        common = len(wanted & have)
        if not best or common > score:
            best, score = other, common
    reason = f"{path} is not in the tree"
    if best and wanted:
        reason += f"; {best} has {score} of the {len(wanted)} different lines that the patch expects in it."
    else:
        reason += f"; {best} has its name." if best else ", and no other file has its name."
    header = hunk.header if hunk else ""
    return Reject(
        letter.number, letter.message_id, path, header, "\n".join(_wanted(hunk)) if hunk else "", "", 0, reason
    )


def _namesakes(staging: Staging, path: str) -> list[tuple[str, bytes]]:
    """Return the files of the tree that have the last part of a path, the nearest first."""
    name = path.rpartition("/")[2]
    output = staging.store.git.run("ls-tree", "-r", "--name-only", "-z", staging.tree)
    names = output.stdout.decode("utf-8", "surrogateescape").split("\0")
    found = [other for other in names if other.rpartition("/")[2] == name]
    found.sort(key=lambda other: -len(set(other.split("/")) & set(path.split("/"))))
    tree = staging.store.repository[staging.tree].peel(pygit2.Tree)
    contents = []
    for other in found[:_NAMESAKES]:
        try:
            blob = tree[other]
        except KeyError:
            continue
        if isinstance(blob, pygit2.Blob):
            contents.append((other, blob.data))
    return contents
