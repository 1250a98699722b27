"""Why a patch does not apply: the hunk, what it expects, and what the tree has there instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pygit2

from reviewbot.mail.diff import FileDiff, Hunk
from reviewbot.tree.letter import Letter
from reviewbot.tree.model import Reject
from reviewbot.tree.places import find, folded, nearest, quote
from reviewbot.tree.screen import shown
from reviewbot.tree.staging import Staging

_FAILED = re.compile(r"^error: patch failed: (?P<file>.+):(?P<line>\d+)$", re.MULTILINE)
_FILE = re.compile(
    r"^error: (?P<file>.+): (?P<what>does not exist in index|already exists in index|patch does not apply|wrong type)$",
    re.MULTILINE,
)
#: files of the same name that are looked into
_NAMESAKES = 40


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
        reject = _simple(letter, _there_already(staging, letter, named["file"]), named["file"])
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
        around = f" ({quote(lines[at - 1].decode('utf-8', 'replace'))})" if 0 < at <= len(lines) else ""
        return f"The patch is damaged at line {at} of the diff{around}: lines were wrapped, lost or edited by hand."
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
    wanted = _side(hunk, "-")
    header = hunk.header[: hunk.header.find("@@", 2) + 2]
    name = f"{path}: hunk {number} ({header})"
    place = nearest(wanted, have, max(line - 1, 0))
    there = find(_side(hunk, "+"), have) if any(line.kind == "+" for line in hunk.lines) else -1
    found, start = "", there
    if there >= 0:
        reason = f"{name} is in the tree already, at line {there + 1}: the patch, or a part of it, was merged."
    elif place is None:
        rare = max(wanted, key=lambda text: len(text.strip()), default="")
        reason = f"{name} expects {quote(rare)} near line {line}; the file has nothing like that."
    else:
        start = place.start
        reason = f"{name} {place.telling or _fixed_place(hunk, wanted, have, start)}."
    if start >= 0:
        found = "\n".join(have[start : start + len(wanted)])
    if file.old_blob.strip("0") and staging.entries[file.old_path or path].oid.startswith(file.old_blob):
        reason += " The file is the very one that the patch was made from: the patch was damaged or edited afterwards."
    return Reject(letter.number, letter.message_id, path, hunk.header, "\n".join(wanted), found, start + 1, reason)


def _side(hunk: Hunk, kind: str) -> list[str]:
    """Return the lines of a hunk before (``-``) or after it (``+``)."""
    lines = [line.text for line in hunk.lines if line.kind in (" ", kind)]
    return [line.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for line in lines]


def _fixed_place(hunk: Hunk, wanted: Sequence[str], have: Sequence[str], start: int) -> str:
    """Say why a hunk that the file has word for word does not go in there.

    One that starts at line 1 has to stand at the beginning of the file, and one
    without context behind its change at the end (see apply_one_fragment() of git).
    """
    end = start + len(wanted)
    last = [line for line in hunk.lines if line.kind != "+"][-1:]
    if hunk.old_start <= 1 and start > 0:
        return f"belongs at the beginning of the file; the tree has {_count(start, 'line')} before it"
    if last and not last[0].newline and end < len(have):
        return f"expects the file to end at line {end} without a newline; the tree's has one"
    if hunk.lines[-1].kind != " " and have[end:] not in ([], [""]):
        return f"belongs at the end of the file; the tree goes on with {quote(have[end])} at line {end + 1}"
    if last and last[0].newline and end == len(have):
        return f"expects a newline at the end of line {end}, the last one; the tree has none"
    return f"is at line {start + 1} of the tree word for word, but earlier hunks of the patch lead elsewhere"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _there_already(staging: Staging, letter: Letter, path: str) -> str:
    """Say of a file that a patch creates whether the one in the tree is the same."""
    file, content = _file_diff(letter, path), staging.read(path)
    new = [line for hunk in (file.hunks if file else ()) for line in _side(hunk, "+")]
    if content is not None and new and content.decode("utf-8", "replace").removesuffix("\n").split("\n") == new:
        said = "word for word: the patch, or a part of it, was merged"
    else:
        said = "with another content"
    return f"The patch creates {path}, which is in the tree already, {said}."


def _missing(staging: Staging, letter: Letter, path: str) -> Reject:
    """Say where a file that is not there may have gone."""
    whole = next((other for other in letter.paths if other.endswith(f"/{path}") and other in staging.entries), "")
    if whole and path not in letter.paths:
        said = f"The paths of the diff lack a/ and b/ in front (diff.noprefix): git looks for {path}, not {whole}."
        return _simple(letter, said, whole)
    file = _file_diff(letter, path)
    hunk = file.hunks[0] if file and file.hunks else None
    wanted = {folded(text) for h in (file.hunks if file else ()) for text in _side(h, "-")}
    wanted = {text for text in wanted if len(text) > 3}
    best, score = "", 0
    for other, lines in _namesakes(staging, path):
        have = {folded(line) for line in lines.decode("utf-8", "replace").split("\n")}
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
        letter.number, letter.message_id, path, header, "\n".join(_side(hunk, "-")) if hunk else "", "", 0, reason
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
