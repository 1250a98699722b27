"""Which line of which patch a reply speaks about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from reviewbot.mail.blocks import Block, Kind, is_elision, parse_blocks
from reviewbot.mail.diff import parse_diff
from reviewbot.mail.message import Message

#: places at which a quoted line is looked for, when the patch has it many times
_MAX_CANDIDATES = 200
#: lines that are looked at to tell such places apart
_MAX_RUN = 50


@dataclass(frozen=True, slots=True)
class Quote:
    """A comment in a reply, and the line of the patch that it stands beneath.

    :ivar file: path of the file, "" when the quoted line belongs to the commit message.
    :ivar line: number of the line in the new file, 0 for a removed line or the commit message.
    :ivar old_line: number of the line in the old file, 0 for an added line.
    :ivar position: index of the line in the body of the patch mail, from 0.
    :ivar quoted: the quoted lines that lead to the comment, without quote marks.
    :ivar comment: what the reply says there.
    """

    file: str
    line: int
    old_line: int
    position: int
    quoted: tuple[str, ...]
    comment: str


class _Place(NamedTuple):
    file: str
    line: int
    old_line: int


def quoted_hunks(reply: Message, patch: Message) -> tuple[Quote, ...]:
    """Return the comments of a reply that stand beneath lines quoted from a patch, in their order.

    Only what the reply itself says is returned, also where it quotes another
    reply that quotes the patch; lines that a mailer wrapped or trimmed are tolerated. A
    comment beneath a quote that is not from the patch is not returned.
    """
    commented = list(_commented(parse_blocks(reply.body)))
    if not commented:
        return ()
    index = _Index.of(patch.body)
    quotes = []
    at = -1
    for quoted, comment in commented:
        found = index.locate(quoted, after=at)
        if found is None:
            continue
        at = found
        place = index.place(at)
        quotes.append(Quote(place.file, place.line, place.old_line, at, tuple(quoted), comment))
    return tuple(quotes)


def _commented(blocks: Sequence[Block]) -> Iterator[tuple[list[str], str]]:
    """Yield the quoted lines before each comment, and the comment; paragraphs of one comment come together."""
    quoted: list[str] = []
    said: list[str] = []
    for block in blocks:
        if block.kind is Kind.QUOTE:
            if said:
                yield quoted, "\n\n".join(said)
                quoted, said = [], []
            quoted += block.lines
        elif block.kind in (Kind.COMMENT, Kind.DIFF) and quoted and not all(map(is_elision, block.text.split("\n"))):
            said.append(block.text)
    if said:
        yield quoted, "\n\n".join(said)


class _Index:
    """The lines of a patch mail, found by their text, and where in the files they are."""

    def __init__(self, body: str) -> None:
        self._files = parse_diff(body).files
        self._keys = [_key(line) for line in body.split("\n")]
        self._positions: dict[str, list[int]] = defaultdict(list)
        for position, key in enumerate(self._keys):
            if key:
                self._positions[key].append(position)

    @classmethod
    @lru_cache(maxsize=2)
    def of(cls, body: str) -> _Index:
        """Return the index of a mail; the answers to one patch are looked at one after the other."""
        return cls(body)

    def place(self, position: int) -> _Place:
        """Return the place in a file that a line of the mail shows."""
        for file in self._files:
            for hunk in file.hunks:
                if position == hunk.position:
                    return _Place(file.path, hunk.new_start, hunk.old_start)
                if hunk.position < position <= hunk.position + len(hunk.written):
                    line = next((line for line in hunk.lines if line.position == position), None)
                    return _Place(file.path, line.new, line.old) if line else _Place("", 0, 0)
        return _Place("", 0, 0)

    def locate(self, quoted: Sequence[str], *, after: int) -> int | None:
        """Return the position of the last quoted line that is in the patch.

        Of several equal lines the one is meant whose predecessors are quoted
        too, and of those the next one after the previous comment.
        """
        keys = [key for key in map(_key, quoted) if key]
        furniture: list[int] = []  # a lone brace is only known by what is quoted somewhere above it
        for end in range(len(keys) - 1, -1, -1):
            candidates = self._positions.get(keys[end], [])[:_MAX_CANDIDATES]
            if not candidates:
                continue
            runs = {at: self._run(keys, end, at) for at in candidates}
            best = max(candidates, key=lambda at: (runs[at], at > after, -abs(at - after)))
            if runs[best] > 1 or not _is_common(keys[end]):
                return next((at for at in furniture if at > best), best)
            furniture = furniture or candidates
        return None

    def _run(self, keys: Sequence[str], end: int, at: int) -> int:
        """Count the quoted lines, from ``end`` upwards, that stand above this position in the same order."""
        count = 0
        above = at
        for key in reversed(keys[max(0, end - _MAX_RUN) : end + 1]):
            while above >= 0 and not self._keys[above]:
                above -= 1
            if above >= 0 and self._keys[above] == key:
                count += 1
                above -= 1
        return count


def _key(line: str) -> str:
    """Return what of a line survives mailers: the sign of the first column, and the words."""
    if line.startswith("@@ -"):
        return line[: line.find("@@", 3) + 2]  # the function behind it is often cut
    return line[:1].strip() + " ".join(line[1:].split()) if line.strip() else ""


def _is_common(key: str) -> bool:
    """Return whether a line is furniture of C, or of a diff."""
    return len(key.strip("+- \t{};()")) < 3
