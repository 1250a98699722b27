"""Commands in a mail: lines that begin with ``#reviewbot`` in what its author wrote.

What is quoted, what stands in a signature and what belongs to a diff is no
command: an answer quotes the mail that it answers, and patches quote anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reviewbot.mail.blocks import Block, Kind, parse_blocks
from reviewbot.mail.diff import find_diff
from reviewbot.mail.message import ATTACHED

MARK = "#reviewbot"
#: commands that are read in one mail
MOST = 10
#: characters of the words of one
MAX_TEXT = 2000

_LINE = re.compile(rf"[ \t]{{0,8}}{MARK}[ \t]+(?P<word>[a-z-]{{1,30}})(?P<rest>\b.*)", re.IGNORECASE)
#: how a patch begins that git format-patch or git show wrote
_PATCH = re.compile(r"^(?:From [0-9a-f]{12,40} |(?:From|Subject): |commit [0-9a-f]{12,40}\b)", re.MULTILINE)


class Word(StrEnum):
    """What can be asked for."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_WORTH = "not-worth"
    RERUN = "rerun"
    MUTE = "mute"
    UNMUTE = "unmute"
    TEST = "test"
    EXPLAIN = "explain"


_WORDS = {str(word): word for word in Word}


@dataclass(frozen=True, slots=True)
class Command:
    """One line that asks for something.

    :ivar word: what is asked for; None for a word that is not known.
    :ivar names: the words before the colon, e.g. the rule.
    :ivar text: what stands behind it, with the lines of the same paragraph.
    :ivar line: the line itself, to speak of it.
    :ivar quoted: the lines that are quoted above it, from the last comment on, without their marks.
    """

    word: Word | None
    names: tuple[str, ...]
    text: str
    line: str
    quoted: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the words of the command, whether a colon stands before them or not."""
        return self.names or tuple(self.text.split())


def commands(body: str) -> tuple[Command, ...]:
    """Return the commands of a mail, in their order.

    :param body: its readable text; what the changelog of a patch in it asks for is somebody else's wish.
    """
    body = _own_words(body)
    if MARK not in body.lower():
        return ()
    found: list[Command] = []
    quoted: list[str] = []
    answered = False
    for block in parse_blocks(body):
        if block.kind is Kind.QUOTE and block.level == 1:
            quoted = [*(() if answered else quoted), *block.lines]
            answered = False
        elif block.kind is Kind.COMMENT:
            found += _of(block, quoted)
            answered = True
    return tuple(found[:MOST])


def _own_words(body: str) -> str:
    """Return what stands above a patch that is attached, or pasted with its header."""
    body = body.partition(f"\n{ATTACHED}\n")[0]
    begin = _PATCH.search(body)
    return body[: begin.start()] if begin and find_diff(body) > begin.start() else body


def _of(block: Block, quoted: Sequence[str]) -> list[Command]:
    found: list[Command] = []
    lines = [*block.lines, ""]
    for at, line in enumerate(lines):
        if not (match := _LINE.match(line)):
            continue
        end = next(n for n, each in enumerate(lines[at + 1 :], at + 1) if not each.strip() or _LINE.match(each))
        names, colon, text = match["rest"].partition(":")
        if colon:
            text = " ".join([text, *lines[at + 1 : end]])[:MAX_TEXT]
        word = _WORDS.get(match["word"].lower())
        stated = " ".join(line.split())[:200]
        found.append(Command(word, tuple(names[:MAX_TEXT].split()), " ".join(text.split()), stated, tuple(quoted)))
    return found
