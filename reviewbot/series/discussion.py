"""What a thread says about a finding: who raised it, what was answered, what was promised.

A finding counts as raised only when a reply comments beneath the very line, in a
sentence that says what is wrong there and of what. A missed
remark costs a repetition; an invented one puts words into somebody's mouth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from reviewbot.findings import Finding, normalise
from reviewbot.mail.blocks import Kind, parse_blocks
from reviewbot.mail.message import Message
from reviewbot.mail.opinions import Stance, opinions
from reviewbot.mail.quoting import Quote, quoted_hunks
from reviewbot.series.model import Patch
from reviewbot.series.remarks import Remark, Said

#: what of a remark is quoted, in characters
MAX_WORDS = 600

_WORD = re.compile(r"\w+")
_CALLED = re.compile(r"\b([A-Za-z_]\w{2,})\s*\(")
_NO_CALLS = frozenset(("if", "for", "while", "switch", "return", "sizeof", "BUG_ON", "WARN_ON", "WARN_ON_ONCE"))
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n\s*\n")
#: a word that speaks of the place itself, where the quote ends there
_HERE = re.compile(
    r"\b(?:here|this|it|that|which|the (?:result|return|constructor|destructor|table|page|lock))\b", re.IGNORECASE
)
#: longer ones are pasted logs
_MAX_SENTENCE = 80
#: sentences beneath a line that speak of it without naming what it calls
_NEAR = 2
_RESULT = r"(?:returns?|returned|return value|return code|result|error|failure)"
_SUBJECTS = (
    re.compile(r"\b[cd]tors?\b|\b(?:con|de)struct(?:or|ors|ed|s)?\b", re.IGNORECASE),
    re.compile(
        r"\bleak(?:s|ed|ing|age)?\b|\b(?:double|never|not|nobody|nothing|forg[eo]ts?|forgotten|missing|without|who|where"
        r"|before|after|twice)\b[^.?!]{0,40}\b(?:free[ds]?|freeing)\b|n't\b[^.?!]{0,40}\b(?:free[ds]?|freeing)\b"
        r"|\b(?:frees?|freed)\b[^.?!]{0,30}\b(?:twice|again|missing|that was)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\bfail(?:s|ed|ures?)?\b(?! to (?:compile|build|link|apply|boot|work))|\bunchecked\b"
        rf"|\b(?:check|test|handle|propagat|ignor|drop|discard|lose|unus)\w*\b[^.?!]{{0,40}}\b{_RESULT}\b"
        rf"|\b{_RESULT}\b[^.?!]{{0,60}}\b(?:check|test|propagat|ignor|drop|discard|lost|unus)\w*",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?:ptlock|ptl|spin ?lock|init_mm|account(?:ed|ing)?)\b", re.IGNORECASE),
)


class Discussion:
    """The replies to a series, asked about one finding after the other.

    :param patches: the patches of the series.
    :param replies: every other mail of its thread, oldest first.
    :param author: address of the author of the series.
    """

    def __init__(self, patches: Sequence[Patch], replies: Sequence[Message], author: str) -> None:
        self._author = author.lower()
        self._replies = replies
        self._quotes = [
            (reply, quote) for reply in replies for patch in patches for quote in quoted_hunks(reply, patch.message)
        ]

    def about(self, finding: Finding) -> tuple[Said, ...]:
        """Return what was said about a finding: each remark, and the author's answer to it."""
        said: dict[Said, None] = {}  # the same words may stand beneath lines that several patches show
        for reply, quote in self._quotes:
            if reply.author.email.lower() == self._author or not _is_about(quote, finding):
                continue
            said[_said(Remark.RAISED, reply, quote.comment)] = None
            said |= dict.fromkeys(self._answers(reply, quote))
        return tuple(dict.fromkeys(said))  # a quote may fit into several patches

    def _answers(self, raised: Message, quote: Quote) -> Iterator[Said]:
        """Yield what the author answered to a remark: only where the answer quotes it."""
        words = {normalise(line) for line in quote.comment.split("\n") if len(line.split()) > 2}
        for reply in self._replies:
            if reply.parent != raised.message_id or reply.author.email.lower() != self._author:
                continue
            for answer in _comments_beneath(reply, words):
                promises = any(
                    opinion.stance is Stance.PROMISES and opinion.sentence in normalise(answer)
                    for opinion in opinions(reply)
                )
                yield _said(Remark.PROMISED if promises else Remark.ANSWERED, reply, answer)


def _is_about(quote: Quote, finding: Finding) -> bool:
    """Tell whether a comment speaks about the place of a finding, and about what is wrong there.

    A sentence has to say what is wrong, and to name what the line calls; where the
    quote ends with the line, the first ones may say "it" or "here" instead.
    """
    place = finding.location
    if quote.file != place.file or not place.text:
        return False
    text = normalise(place.text)
    quoted = [normalise(line[1:]) for line in quote.quoted if line[:1] in ("+", " ")]
    if text not in quoted:
        return False
    called = set(_CALLED.findall(place.text)) - _NO_CALLS
    sentences = [one for one in _SENTENCE_END.split(quote.comment) if 0 < len(one.split()) <= _MAX_SENTENCE]
    for number, sentence in enumerate(sentences):
        fault = _fault(sentence, finding.message)
        if fault is None:
            continue
        here = _HERE.search(sentence) if quoted[-1] == text and number < _NEAR else None
        if called & set(_WORD.findall(sentence)) or (here and here.start() <= fault.start()):
            return True
    return False


def _fault(sentence: str, message: str) -> re.Match[str] | None:
    """Return where a sentence says what is wrong, in the sense of the message of a finding."""
    found = (subject.search(sentence) for subject in _SUBJECTS if subject.search(message))
    return next(filter(None, found), None)


def _comments_beneath(reply: Message, words: set[str]) -> Iterator[str]:
    """Yield the comments of a reply that stand beneath a quote of these words."""
    quoted = False
    for block in parse_blocks(reply.body):
        if block.kind is Kind.QUOTE:
            quoted = any(normalise(line) in words for line in block.lines)
        elif block.kind is Kind.COMMENT and quoted:
            yield block.text


def _said(remark: Remark, mail: Message, words: str) -> Said:
    shown = words if len(words) <= MAX_WORDS else words[:MAX_WORDS].rsplit(None, 1)[0] + " …"
    return Said(remark, mail.author.name or mail.author.email, mail.date, mail.message_id, shown)
