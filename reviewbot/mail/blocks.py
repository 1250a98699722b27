"""The parts of a reply: what is quoted from whom, what is said, what is only furniture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

#: lines that are told apart; what stands beyond them is one block
MAX_LINES = 10_000
#: and lines of "… wrote:"; honest mails have a few
MAX_ATTRIBUTIONS = 500
_MAX_ATTRIBUTION = 300  # characters

_MARKS = re.compile(r">(?:[ \t]?>)*")
_MORE_MARKS = frozenset("> \t")
_ATTRIBUTION_ENDS = ("wrote", "writes", "said", "schrieb", "schreibt", "a écrit", "escribió", "ha scritto", "написал")
_SCHRIEB = re.compile(r"\bschrieb\s[^:]{1,80}$", re.IGNORECASE)
_VERB = re.compile(r"(?:wrote|writes|said|a écrit|escribió|ha scritto|написал)\s*:\s*$", re.IGNORECASE)
_ATTRIBUTION_START = re.compile(
    r"(?:on|am|le|el|il|at|quoting|\*|\[.*\]|\d{1,4}[./-]\d|mon|tue|wed|thu|fri|sat|sun)\b|.{0,80}<[^<>\s][^<>\s@]*+@[^<>\s]++>|.{1,60}$",
    re.IGNORECASE,
)
_STARRED = re.compile(r"\* (?P<name>[^<>\[\]]{1,80}?) (?:<[^<>\s]+>|\[[^\[\]]+\])[^:]*+:?\s*+$")
_BARE_ADDRESS = re.compile(r"(?<!\S)(?=\S+@\S)\S++")
_WHEN = re.compile(
    r".*(?:\d{1,2}:\d{2}(?::\d{2})?|\b\d{4})(?:\s*[AP]M)?"
    r"(?:\s*(?:[+-]\d{4}|(?-i:[A-Z]{3,4})\b))?(?:\s*\([A-Za-z ]+\))?\s*,?\s+",
    re.IGNORECASE,
)
_TRAILER = re.compile(
    r"(?:[A-Z][A-Za-z]*(?:-[A-Za-z]+)*-(?:by|off|to|from)|Fixes|Closes|Link|Cc|CC|Reported-and-tested-by)\s*:\s+\S.*"
)
# In two parts, each of which is done with a line of a million dashes in one pass.
_SCISSORS = re.compile(r"[-\s]*+(?:8<|>8|%<|>%)[-\s8%<>]*+(?:cut here)?[-\s8%<>]*+$", re.IGNORECASE)
_PERFORATED = re.compile(r"--\s*+(?:8<|>8|%<|>%)|(?:8<|>8|%<|>%)\s*+--")
_SCISSORS_START = frozenset("->8% \t\r\f\v\xa0")
_DIFF = re.compile(r"diff --git a/|Index: \S|--- a/\S")
_OF_DIFF = re.compile(
    r"[ +\-@\\\t]"
    r"|(?:diff|index|Index:|new|old|deleted|rename|copy|similarity|dissimilarity|GIT binary|Binary|literal|delta) "
)
_ORIGINAL = re.compile(r"\s*-{3,}\s*(?:original message|forwarded message)\s*-{3,}\s*$", re.IGNORECASE)
_ELISION = re.compile(
    r"\s*(?:\[\s*(?:\.{2,}|…|snip|cut)\s*\]|<\s*(?:snip|cut)[^<>]*>|\[snip[^\]]*\])\s*$", re.IGNORECASE
)


class Kind(StrEnum):
    """What a block of a mail body is."""

    COMMENT = "comment"
    QUOTE = "quote"
    ATTRIBUTION = "attribution"
    TRAILERS = "trailers"
    SIGNATURE = "signature"
    SCISSORS = "scissors"
    DIFF = "diff"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive lines of one kind.

    :ivar lines: without quote marks; a quoted diff keeps its own first column.
    :ivar start: number of the first line in the body, from 0.
    :ivar level: depth of quoting; 0 for what the author of the mail wrote.
    :ivar who: whom a quote is from as the attribution names them, "" when it does not say.
    """

    kind: Kind
    lines: tuple[str, ...]
    start: int
    level: int = 0
    who: str = ""

    @property
    def text(self) -> str:
        """The lines as one text, without empty ones around it."""
        return "\n".join(self.lines).strip("\n")


def parse_blocks(body: str) -> tuple[Block, ...]:
    """Divide a mail body; every line is in exactly one block, empty lines around comments are dropped."""
    speakers: dict[int, str] = {}
    blocks = []
    lines = body.split("\n")
    for block in _runs(lines[:MAX_LINES]):
        if block.kind is Kind.ATTRIBUTION:
            speakers[block.level + 1] = attributed_name(" ".join(block.lines))
        if block.kind is Kind.QUOTE:
            block = Block(block.kind, block.lines, block.start, block.level, speakers.get(block.level, ""))
        if block.kind is not Kind.COMMENT or block.text.strip():
            blocks.append(block)
    if len(lines) > MAX_LINES:
        blocks.append(Block(Kind.REST, tuple(lines[MAX_LINES:]), MAX_LINES))
    return tuple(blocks)


def unquote(line: str) -> tuple[int, str]:
    """Return the depth of quoting of a line, and the line without its marks.

    One blank after the last mark belongs to the mark; more are the line's own.
    """
    if not line.startswith(">"):
        return 0, line  # an indented > begins no quote
    if line[1:2] == " " and line[2:3] not in _MORE_MARKS:
        return 1, line[2:]  # as nearly all are, at a fraction of the time
    marks = _MARKS.match(line)
    level, position = (marks[0].count(">"), marks.end()) if marks else (0, 0)
    return level, line[position + 1 :] if line[position : position + 1] == " " else line[position:]


def is_elision(line: str) -> bool:
    """Return whether a line says that something was left out: ``[...]``, ``<snip>``."""
    return bool(_ELISION.match(line))


def attributed_name(text: str) -> str:
    """Return whom an attribution line names, "" when that cannot be told."""
    text = text.strip()[:400]
    if starred := _STARRED.match(text):
        return starred["name"].strip()
    text = re.sub(r"\bschrieb\b", "", _VERB.sub("", text)).strip(" \t,:")
    before, found, _ = text.partition("<")
    name = before if found else _BARE_ADDRESS.sub("", text)
    name = _WHEN.sub("", name + " ").strip(" \t,;:\"'*")
    name = re.sub(r"^(?:on|am|le|el)\b.*,\s*", "", name, flags=re.IGNORECASE)
    return name[:100]


def _runs(lines: list[str]) -> Iterator[Block]:
    """Yield runs of lines of the same kind and level."""
    kinds = list(_classify(lines))
    start = 0
    for end in range(1, len(kinds) + 1):
        if end == len(kinds) or kinds[end][:2] != kinds[start][:2]:
            kind, level, _ = kinds[start]
            yield Block(kind, tuple(text for _, _, text in kinds[start:end]), start, level)
            start = end


def _classify(lines: list[str]) -> Iterator[tuple[Kind, int, str]]:
    """Yield kind, level and text of each line."""
    mode: Kind | None = None  # once begun, a signature or an inline diff reaches to the end
    unquoted = [unquote(line) for line in lines]
    closing = [text.startswith("* ") or _ends_attribution(text) for _, text in unquoted]
    attributions = 0
    position = 0
    while position < len(lines):
        line = lines[position]
        level, text = unquoted[position]
        mode = _mode(mode, line, text, level)
        attribution = 0
        near = attributions < MAX_ATTRIBUTIONS and True in closing[position : position + 3]
        if near and not mode and not _is_trailer(text):
            attribution = _attribution_length(unquoted, closing, position)
        if attribution:
            attributions += 1
            for _, each in unquoted[position : position + attribution]:
                yield Kind.ATTRIBUTION, level, each
            position += attribution
            continue
        position += 1
        if mode:
            yield mode, 0 if mode is not Kind.QUOTE else 1, line
        elif level:
            yield Kind.QUOTE, level, text
        elif line[:1] in _SCISSORS_START and _SCISSORS.match(line) and _PERFORATED.search(line):
            yield Kind.SCISSORS, 0, line
        elif _is_trailer(line):
            yield Kind.TRAILERS, 0, line
        else:
            yield Kind.COMMENT, 0, line


def _mode(mode: Kind | None, line: str, text: str, level: int) -> Kind | None:
    if level:
        return mode if mode in (Kind.SIGNATURE, Kind.QUOTE) else None
    if line == "-- ":
        return Kind.SIGNATURE
    if "---" in text and _ORIGINAL.match(text):
        return Kind.QUOTE
    if mode is None and _DIFF.match(text):
        return Kind.DIFF
    if mode is Kind.DIFF and line and not _OF_DIFF.match(line):
        return None  # prose goes on below the diff
    return mode


def _is_trailer(line: str) -> bool:
    return ":" in line and len(line) < 1000 and bool(_TRAILER.match(line))


def _ends_attribution(text: str) -> bool:
    """Tell whether a line ends with "… wrote:" in a language of the lists."""
    text = text[-_MAX_ATTRIBUTION:].rstrip()
    if not text.endswith(":"):
        return False
    said = text[-200:-1].rstrip().lower()
    return said.endswith(_ATTRIBUTION_ENDS) or ("schrieb" in said and bool(_SCHRIEB.search(said)))


def _attribution_length(lines: list[tuple[int, str]], closing: list[bool], position: int) -> int:
    """Return how many lines an attribution at this place has, 0 when there is none.

    It is "… wrote:" on up to three lines, before a quote one level deeper.

    :param lines: depth and text of each.
    :param closing: for each whether an attribution may end there.
    """
    level, first = lines[position]
    text = first.strip()
    if not text or len(first) > _MAX_ATTRIBUTION:
        return 0
    for length, (depth, last) in enumerate(lines[position : position + 3], 1):
        if depth != level or not last.strip():
            return 0
        starred = last.startswith("* ") and not _ends_attribution(last)
        if closing[position + length - 1] and (not starred or (length == 1 and _STARRED.match(last[:400]))):
            follows = _quote_follows(lines, position + length, level)
            return length if follows and _ATTRIBUTION_START.match(text) else 0
    return 0


def _quote_follows(lines: list[tuple[int, str]], position: int, level: int) -> bool:
    for depth, text in lines[position : position + 3]:
        if depth > level:
            return True
        if text.strip():
            return False
    return False
