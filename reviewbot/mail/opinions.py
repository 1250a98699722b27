"""What a reply does with a patch: asks, objects, agrees, or promises a change; by plain rules.

A rule speaks only where the words leave no other reading. Whatever is hedged,
negated, conditional or ironic is no opinion here: a missed one costs a reader a
glance, an invented one puts words into somebody's mouth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reviewbot.mail.blocks import Kind, parse_blocks
from reviewbot.mail.message import Message
from reviewbot.mail.quoting import Quote, quoted_hunks
from reviewbot.mail.subject import is_patch
from reviewbot.mail.thread import Thread


class Stance(StrEnum):
    """What a sentence does."""

    ASKS = "asks"
    OBJECTS = "objects"
    AGREES = "agrees"
    PROMISES = "promises a change"


@dataclass(frozen=True, slots=True)
class Opinion:
    """One sentence of a reply that has a stance.

    :ivar sentence: the words, on one line.
    :ivar quote: the place in the patch that it is about, None when it stands beneath no line of it.
    """

    stance: Stance
    sentence: str
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A question or an objection to a patch, and whether anybody took it up.

    :ivar message_id: of the reply that raised it.
    :ivar answered_by: Message-ID of the first answer that quotes it and adds something, "" while it is open.
    :ivar promised: true when the author of the patch promised a change in that answer.
    """

    opinion: Opinion
    message_id: str
    author: str
    answered_by: str = ""
    promised: bool = False


_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[A-Z\"'(*_`]|\w+\()|\n\s*\n")
_FLAGS = re.IGNORECASE

_SAYING = (Kind.COMMENT, Kind.DIFF, Kind.TRAILERS)
_TAGS = {
    "nacked-by": Stance.OBJECTS,
    "nak": Stance.OBJECTS,
    "acked-by": Stance.AGREES,
    "reviewed-by": Stance.AGREES,
    "tested-by": Stance.AGREES,
    "reviewed-and-tested-by": Stance.AGREES,
}
_HEDGE = re.compile(
    r"\b(?:if|unless|whether|would|could|might|may|perhaps|maybe|assuming|once|until|except|but|not sure|i think"
    r"|i guess|probably|possibly|seems?|supposed|hopefully|otherwise|ideally|modulo|apart from)\b"
    r"|^\W*with (?:that|this|these|those)\b",
    _FLAGS,
)
_NOT = re.compile(r"\b(?:not|never|no|none|hardly|without|cannot)\b|n't\b", _FLAGS)
_NAK = re.compile(r"^\W*(?:NAK|NACK)(?:ed)?\b", 0)
# "that" and "it" speak of the patch only where a clause begins: not in "one that breaks", "where it crashes".
_THIS = (
    r"(?:\b(?:this|patch|change)"
    r"|(?:^|[,;:]\s)\W*(?:(?:and|so|but|no|sorry|well)\s*,?\s+)?(?:that|it))"
)
_OBJECTION = re.compile(
    r"(?:^|[,;:]\s)\W*(?:(?:and|so|no|sorry|well)\s*,?\s+)?(?:this|that|it|the\s+\w+|your\s+\w+)\b"
    r"[^.?!]{0,30}?\b(?:is|are|looks|was)\s+"
    r"(?:(?:just|simply|clearly|plain|completely|totally|quite|still|also|very|obviously|definitely)\s+)*"
    r"(?:wrong|broken|buggy|racy|incorrect|bogus|unsafe|a bug|a layering violation|nonsense)\b"
    rf"|{_THIS}\s+(?:will\s+)?(?:breaks?(?!\s+(?:down|out|into))|crashes|deadlocks|leaks|corrupts)\b"
    rf"|{_THIS}\s+(?:does(?:n't| not)|won't|will not|can(?:no|')t|can not)\s+"
    r"(?:even\s+)?(?:work|compile|build|apply|boot|make sense)\b"
    r"|\bI\s+(?:really\s+|strongly\s+)?(?:object|disagree|dislike|do not like|don't like)\b"
    r"|\bplease\s+(?:drop|remove|revert)\b|\bplease\s+(?:don't|do not)(?:\W*$|\s+(?:add|use|change|do|introduce|put"
    r"|call|send|break|hide|make|remove|drop|mix|open-code|copy|duplicate|rely|touch|export|move|split|abuse|invent|ignore)\b)"
    r"|\bwe (?:can't|cannot|must not) do (?:this|that)\b",
    _FLAGS,
)
# What is wrong is something else: code that is there already, somebody else's report, a step of a story.
_ELSEWHERE = re.compile(
    r"\b(?:upstream|mainline|(?:ro)?bot|syzbot"
    r"|(?:current|existing|old|original) (?:code|kernel|behaviou?r|implementation))\b"
    r"|\bas you (?:say|said|note[ds]?|mention(?:ed)?|point(?:ed)?)\b"
    r"|^\W*(?:(?:and|so|then|but)\s+)?(?:when|while|after|before)\b",
    _FLAGS,
)
_SETTLED = re.compile(r"\b(?:already|is|was|are|were|been|got)\s+fixed\b", _FLAGS)
_AGREEMENT = re.compile(
    r"^\W*(?:(?:yes|yep|yeah|ok(?:ay)?|ah|right|sure)\s*,?\s+)?"
    r"(?:LGTM|(?:this|that|it|the (?:patch|series|change|code))?\s*(?:all\s+)?(?:look|make|seem)s?\s+"
    r"(?:(?:very|really|pretty|quite|perfectly)\s+)?(?:good|fine|great|correct|reasonable|sane|sense|right)"
    r"|(?:I\s+)?(?:fully\s+|totally\s+|completely\s+)?agreed?|(?:very\s+)?good (?:point|catch|idea|find)"
    r"|fair (?:enough|point)|(?:you(?:'re| are)|that(?:'s| is)) (?:absolutely |quite )?right|nice catch|well spotted"
    r"|makes sense|precisely|exactly)\b",
    _FLAGS,
)
_NEXT = (
    r"(?:in|for|with)\s+(?:the\s+)?"
    r"(?:v\d+(?!\d|\.\d)|next\s+(?:version|spin|revision|round|post(?:ing)?|iteration|series)|new version)"
)
_CHANGE = (
    r"(?:fix|change|drop|remove|add|update|rename|move|rework|respin|resend|repost|send|post|split|squash|fold|correct|clean"
    r"|rebase|revise|rewrite|convert|adjust|address|document|include|use|make|mention|clarify|reword|take care"
    r"|do(?=\s+(?:it|that|this|so)\b|\W*$))"
)
_PROMISE = re.compile(
    rf"^\W*(?:(?:ok(?:ay)?|sure|yes|yep|yeah|right|agreed|ack|thanks|ah|good point|good catch)\b[\s,.!;:-]*)*"
    rf"(?:(?:so\s+)?(?:I|we)(?:'ll|\s+will|'m going to|\s+am going to|\s+shall)\s+"
    rf"(?:also\s+|just\s+|then\s+)?{_CHANGE}\b"
    rf"|(?:and\s+)?will\s+(?:also\s+)?{_CHANGE}\b"
    rf"|(?:fixed|done|changed|dropped|removed|updated|added|renamed|addressed)\s+{_NEXT})",
    _FLAGS,
)
_NO_CHANGE = re.compile(
    r"\b(?:do|make|use|take)\s+(?:not|n't|nothing)\b|\bsend (?:a )?(?:separate|another) (?:mail|email|reply)\b"
    r"|\bseparate (?:e?mail|thread)\b"
    r"|\b(?:test|look|check|think|see|try|wait|investigat|get back)"
    r"|\b(?:tree|queue|branch|mm-(?:new|unstable|stable|hotfixes\S*|everything)|linux-next)\b",
    _FLAGS,
)
_ASIDE = re.compile(r"^\W*(?:right|no|ok(?:ay)?|eh|huh|hm+|really|why not|you know|see|what)\?+$", _FLAGS)


def opinions(reply: Message, patch: Message | None = None) -> tuple[Opinion, ...]:
    """Return the sentences of a reply that have a stance, in their order.

    :param patch: what the reply is about; sentences beneath quoted lines of it are tied to those lines.
    """
    found: list[Opinion] = []
    places: list[tuple[str, Quote]] | None = None  # looked for only where there is something to place
    for block in parse_blocks(reply.body):
        if block.kind is Kind.TRAILERS:
            found += _tags(block.lines)
        elif block.kind is Kind.COMMENT and (said := list(_said(block.text))):
            if places is None:
                places = [(quote.comment, quote) for quote in quoted_hunks(reply, patch)] if patch else []
            quote = next((quote for comment, quote in places if block.text in comment), None)
            found += (replace(opinion, quote=quote) for opinion in said)
    return tuple(found)


def points(thread: Thread, patch: Message) -> tuple[Point, ...]:
    """Return the questions and objections to a patch, open or answered, in the order of the thread.

    A point is answered when somebody else's direct answer quotes it and adds
    words of its own; whether the answer satisfies is for people to judge.
    """
    found = []
    for reply in _discussion(thread, patch):
        if reply.author.email == patch.author.email:
            continue
        for opinion in opinions(reply, patch):
            if opinion.stance in (Stance.ASKS, Stance.OBJECTS):
                answer = _answer(thread, reply, opinion.sentence)
                promised = bool(
                    answer
                    and answer.author.email == patch.author.email
                    and any(each.stance is Stance.PROMISES for each in opinions(answer))
                )
                answered_by = answer.message_id if answer else ""
                found.append(Point(opinion, reply.message_id, str(reply.author), answered_by, promised))
    return tuple(found)


def _answer(thread: Thread, reply: Message, sentence: str) -> Message | None:
    """Return the first direct answer by somebody else that quotes the sentence and says something beneath."""
    wanted = _words(sentence)
    for message_id in thread.children(reply.message_id):
        answer = thread[message_id].message
        if answer.author.email == reply.author.email:
            continue
        blocks = parse_blocks(answer.body)
        for position, block in enumerate(blocks):
            quoted = block.kind is Kind.QUOTE and block.level == 1 and wanted in _words(" ".join(block.lines))
            if quoted and any(later.kind in _SAYING for later in blocks[position + 1 :]):
                return answer
    return None


def _discussion(thread: Thread, patch: Message) -> Iterator[Message]:
    """Yield the replies to a patch; other patches posted below it have discussions of their own."""
    waiting = list(reversed(thread.children(patch.message_id)))
    while waiting:
        mail = thread[waiting.pop()].message
        if not is_patch(mail.subject):
            yield mail
            waiting.extend(reversed(thread.children(mail.message_id)))


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _tags(lines: Sequence[str]) -> Iterator[Opinion]:
    for line in lines:
        stance = _TAGS.get(line.partition(":")[0].strip().lower())
        if stance:
            yield Opinion(stance, " ".join(line.split())[:300])


def _said(text: str) -> Iterator[Opinion]:
    for piece in _SENTENCE_END.split(text[:20_000]):
        sentence = " ".join((piece or "").split())[:500]
        stance = _stance(sentence)
        if stance:
            yield Opinion(stance, sentence)


def _stance(sentence: str) -> Stance | None:
    if not sentence or len(sentence.split()) > 80:
        return None
    if sentence.rstrip("\"')").endswith("?"):
        return None if _ASIDE.match(sentence) else Stance.ASKS
    if _NAK.match(sentence):
        return Stance.OBJECTS
    if _PROMISE.match(sentence):
        hedged = _HEDGE.search(sentence) or _NOT.search(sentence) or _NO_CHANGE.search(sentence)
        return None if hedged else Stance.PROMISES
    if _OBJECTION.search(sentence):
        unsure = _HEDGE.search(sentence) or _SETTLED.search(sentence) or _ELSEWHERE.search(sentence)
        return None if unsure else Stance.OBJECTS
    if _AGREEMENT.match(sentence):
        return None if _HEDGE.search(sentence) or _NOT.search(sentence) else Stance.AGREES
    return None
