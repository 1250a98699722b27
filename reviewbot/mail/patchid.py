"""The name of a diff that survives a rebase, equal to that of ``git patch-id --stable``."""

from __future__ import annotations

import hashlib
import re

_COMMIT = re.compile(rb"(?:commit |From )?[0-9a-fA-F]{40}")
_COUNTS = re.compile(rb"@@ -\d+(?:,(\d{1,9}))? \+\d+(?:,(\d{1,9}))?")
_SPACE = b" \t\n\r"
_BLOBS = re.compile(rb"index ([^.]*)\.\.(\S*)")


def patch_id(diff: str) -> str:
    """Return the hash that ``git patch-id --stable`` gives a diff: forty digits, "" for no diff.

    White space and line numbers do not count, nor does the order of the files.
    The text may go on behind the diff, as a mail body does. See git-patch-id(1);
    where that program stops or skips lines, so does this.
    """
    state = _PatchId()
    lines = diff.encode("utf-8", "surrogateescape").split(b"\n")
    if "\0" in diff:
        lines = [line.partition(b"\0")[0] for line in lines]
    at = 0
    while at < len(lines):
        if state.in_hunk and (rest := state.take_hunk(lines, at)) > at:
            at = rest
            continue
        if not state.take(lines[at]):
            if state.length:
                break
            state = _PatchId()
        at += 1
    return state.finish()


#: how lines begin that may end a patch inside a hunk too (a commit's name), or not count ("\\ No newline …")
_CLOSER_LOOK = frozenset(bytes((byte,)) for byte in b"\\0123456789abcdefABCDEF")


class _PatchId:
    """The state of git's patch-id between two lines."""

    def __init__(self) -> None:
        self.hash = hashlib.sha1(usedforsecurity=False)
        self.sum = 0
        self.length = 0
        self.before = self.after = -1  # lines left in the hunk; before is -1 within a file header
        self.binary = False
        self.blobs = b""

    def take(self, line: bytes) -> bool:
        """Count one line; false when the patch ends before it."""
        if line.startswith(b"\\ ") and len(line) > 11:
            return True
        if _COMMIT.match(line):
            return False
        if not self.length and not line.startswith(b"diff "):
            return True
        if self.before == -1 and (verdict := self._header(line)) is not None:
            return verdict
        if self.binary:
            if line.startswith(b"diff "):
                self.binary, self.before = False, -1
            return True
        if self.before == 0 and self.after == 0:
            if line.startswith(b"@@ -"):
                if match := _COUNTS.match(line):
                    self.before, self.after = int(match[1] or 1), int(match[2] or 1)
                return True
            if not line.startswith(b"diff "):
                return False
            self._flush()
            self.before = self.after = -1
        self.before -= line[:1] in (b"-", b" ")
        self.after -= line[:1] in (b"+", b" ")
        self._count(line)
        return True

    @property
    def in_hunk(self) -> bool:
        """Tell whether a hunk has lines left, so that the next one can be nothing else."""
        return self.length > 0 and not self.binary and self.before >= 0 and (self.before > 0 or self.after > 0)

    def take_hunk(self, lines: list[bytes], at: int) -> int:
        """Count the lines of a hunk, which need no closer look; return the place behind them."""
        start, before, after = at, self.before, self.after
        for at in range(start, len(lines)):
            kind = lines[at][:1]
            if kind == b"+":
                after -= 1
            elif kind == b" ":
                before -= 1
                after -= 1
            elif kind == b"-":
                before -= 1
            elif kind in _CLOSER_LOOK:
                break
            if before <= 0 and (after <= 0 or before < 0):
                at += 1
                break
        else:
            at = len(lines)
        self.before, self.after = before, after
        self._count(b"".join(lines[start:at]))
        return at

    def _count(self, text: bytes) -> None:
        stripped = text.translate(None, _SPACE)
        self.length += len(stripped)
        self.hash.update(stripped)

    def _header(self, line: bytes) -> bool | None:
        """Take a line of a file header: None when it counts like any other."""
        if line.startswith((b"GIT binary patch", b"Binary files")):
            self.binary, self.before = True, 0
            self.hash.update(self.blobs)
            self._flush()
            return True
        if line.startswith(b"index "):
            if match := _BLOBS.match(line):
                self.blobs = match[1][:40] + match[2][:40]
            return True
        if line.startswith(b"--- "):
            self.before = self.after = 1
            return None
        return None if line[:1].isalpha() else False

    def _flush(self) -> None:
        """Add the hash of a file to the sum, which does not depend on the order."""
        self.sum = (self.sum + int.from_bytes(self.hash.digest(), "little")) % (1 << 160)
        self.hash = hashlib.sha1(usedforsecurity=False)

    def finish(self) -> str:
        """Return the hash of all that was taken."""
        if not self.length:
            return ""
        self._flush()
        return self.sum.to_bytes(20, "little").hex()
