"""Who may be told what: the policy file of the operator, and the one question that it answers.

What a table does not say is as in ``[default]``; a person's table only takes
away. Where several tables fit, the strictest value of each word counts.
See RFC 3834 for the mails that are never answered.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TypeVar

from reviewbot.findings import Severity
from reviewbot.mail.message import Address


class Audience(StrEnum):
    """Who is told, the fewest first."""

    OFF = "off"
    DRAFT = "draft"
    AUTHOR = "author"
    VOLUNTEERS = "volunteers"
    EVERYBODY = "everybody"


class What(StrEnum):
    """The least that is worth a mail, the strictest first."""

    ERRORS = "errors"
    WARNINGS = "warnings"
    ALL = "all"


_LEAST = {What.ERRORS: Severity.ERROR, What.WARNINGS: Severity.WARNING, What.ALL: Severity.NOTE}
Ordered = TypeVar("Ordered", Audience, What)


@dataclass(frozen=True, slots=True)
class Rule:
    """One table of the policy; by default drafts are kept, and nothing is sent.

    :ivar name: the table, for the reason of a decision.
    :ivar clean: tell an author who has asked for such mails of a clean result, and of a series that does not apply.
    :ivar each: answer each patch that something is wrong with, instead of one mail for a version.
    :ivar notes: say so when what was told turned out wrong, or a later version has it no more.
    :ivar sender: From, "" for that of the configuration; so with ``reply_to``.
    """

    name: str = "default"
    to: Audience = Audience.DRAFT
    what: What = What.ERRORS
    embargo: timedelta = timedelta()
    moderate: bool = True
    clean: bool = False
    each: bool = False
    notes: bool = False
    sender: str = ""
    reply_to: str = ""

    def stricter(self, other: Rule) -> Rule:
        """Return the strictest of both, word for word, named after the one that decides who is told."""
        return Rule(
            name=other.name if _rank(other.to) < _rank(self.to) else self.name,
            to=_strictest(self.to, other.to),
            what=_strictest(self.what, other.what),
            embargo=max(self.embargo, other.embargo),
            moderate=self.moderate or other.moderate,
            clean=self.clean and other.clean,
            each=self.each and other.each,
            notes=self.notes and other.notes,
            sender=self.sender or other.sender,
            reply_to=self.reply_to or other.reply_to,
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """How many mails may go out within 24 hours: together, and for each list, author and thread.

    ``answers`` are what one person gets to what they wrote to us; they are not among the others.
    """

    all: int = 50
    list: int = 20
    author: int = 3
    thread: int = 1
    answers: int = 5


@dataclass(frozen=True, slots=True)
class Breaker:
    """What stops all sending until a person looks at it.

    :ivar bounces: mails within 24 hours that were refused or came back.
    :ivar wrong: share of the marks of the last 30 days that say that a finding was wrong.
    :ivar marks: number of marks below which that share says nothing.
    """

    bounces: int = 5
    wrong: float = 0.2
    marks: int = 10


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole file.

    :ivar lists: rules by address of a list, in lower case.
    :ivar people: rules by address of a person, in lower case; only the words that their table has.
    :ivar do_not_mail: patterns of addresses that nothing is ever sent to.
    :ivar robots: patterns of senders who are never answered.
    :ivar list_addresses: patterns of addresses that are lists; without a rule for everybody they get no copy.
    """

    default: Rule = Rule()
    lists: Mapping[str, Rule] = field(default_factory=dict)
    people: Mapping[str, Rule] = field(default_factory=dict)
    do_not_mail: tuple[str, ...] = ()
    robots: tuple[str, ...] = (
        "*bot@*",
        "*bot+*@*",
        "*-bot@*",
        "*robot@*",
        "*noreply*@*",
        "*no-reply*@*",
        "mailer-daemon@*",
    )
    list_addresses: tuple[str, ...] = (
        "*@vger.kernel.org",
        "*@kvack.org",
        "*@lists.*",
        "*@*.lists.*",
        "*@googlegroups.com",
    )
    limits: Limits = Limits()
    breaker: Breaker = Breaker()


@dataclass(frozen=True, slots=True)
class Question:
    """A series that something could be said about.

    :ivar lists: addresses of the lists it was posted to.
    :ivar others: everybody else in To and Cc.
    :ivar worst: severity of the worst finding that is new; None for a clean result, and when the series does not apply.
    :ivar asked: the author has asked for this very result.
    :ivar automatic: the mail says of itself that no person wrote it (``Auto-Submitted``, ``Precedence``), or is ours.
    """

    lists: Sequence[str]
    author: Address
    others: Sequence[Address]
    worst: Severity | None
    posted: datetime
    now: datetime
    asked: bool = False
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    """Who has asked for mails (``volunteers``), and who has asked for none (``refused``); in lower case."""

    volunteers: Collection[str] = ()
    refused: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer.

    :ivar audience: OFF when nothing may be sent, DRAFT when it may be read here only.
    :ivar copied: who stands in Cc.
    :ivar moderated: a person has to approve it.
    :ivar not_before: end of the embargo.
    :ivar reason: one sentence that names the rule.
    :ivar rule: what the tables say together.
    """

    audience: Audience
    reason: str
    copied: tuple[Address, ...] = ()
    moderated: bool = True
    not_before: datetime | None = None
    rule: Rule = Rule()

    @property
    def sends(self) -> bool:
        """True when the mail may leave the house, at once or once it is approved."""
        return self.audience not in (Audience.OFF, Audience.DRAFT)


def decide(policy: Policy, question: Question, ledger: Ledger = Ledger()) -> Decision:
    """Return who may be told about a series."""
    author = question.author.email.lower()
    rule = rule_for(policy, question.lists, author)
    if refusal := refused(policy, author, ledger, automatic=question.automatic):
        return Decision(Audience.OFF, refusal, rule=rule)
    if refusal := _not_worth_it(rule, question, question.asked or author in ledger.volunteers):
        return Decision(Audience.OFF, refusal, rule=rule)
    if rule.to in (Audience.OFF, Audience.DRAFT):
        kept = "Nothing is sent" if rule.to is Audience.OFF else "Drafts are kept and not sent"
        return Decision(rule.to, f"{kept}: [{rule.name}] says to = {rule.to.value!r}.", rule=rule)
    clean = question.worst is None
    copied = () if clean else tuple(one for one in question.others if _copied(one, rule, policy, ledger))
    until = question.posted + rule.embargo
    return Decision(
        Audience.AUTHOR if clean else rule.to,
        f"[{rule.name}] says to = {rule.to.value!r}.",
        copied,
        rule.moderate,
        until if until > question.now else None,
        rule,
    )


def refused(policy: Policy, address: str, ledger: Ledger = Ledger(), *, automatic: bool = False) -> str:
    """Return the sentence that says why nothing may ever go to an address, "" when it may."""
    email = address.lower()
    if automatic or _fits(email, policy.robots):
        return "A robot wrote this; robots are not answered."
    if _fits(email, policy.do_not_mail) or email in ledger.refused:
        return "The author is on the list of those who get no mail."
    return ""


def rule_for(policy: Policy, lists: Iterable[str], author: str) -> Rule:
    """Return the strictest of the rules that fit: those of the lists, else the default; and the author's."""
    named = [policy.lists[address] for address in sorted({one.lower() for one in lists}) if address in policy.lists]
    rule = named[0] if named else policy.default
    for other in named[1:]:
        rule = rule.stricter(other)
    person = policy.people.get(author.lower())
    return rule.stricter(person) if person else rule


def _not_worth_it(rule: Rule, question: Question, asked: bool) -> str:
    if question.worst is None:
        if rule.clean and asked:
            return ""
        return "Nothing was found, and clean results go only to authors who asked for them."
    if question.worst.rank > _LEAST[rule.what].rank:
        return f"Nothing that was found is worth a mail: [{rule.name}] says what = {rule.what.value!r}."
    return ""


def _copied(address: Address, rule: Rule, policy: Policy, ledger: Ledger) -> bool:
    """True when an address of To or Cc stays: nobody is copied who did not ask, but on a list for everybody."""
    email = address.email.lower()
    person = policy.people.get(email)
    limit = _strictest(rule.to, person.to) if person else rule.to
    if _fits(email, policy.do_not_mail) or email in ledger.refused or _fits(email, policy.robots):
        return False
    if email in policy.lists or _fits(email, policy.list_addresses):
        return limit is Audience.EVERYBODY and email in policy.lists and policy.lists[email].to is Audience.EVERYBODY
    return limit is Audience.EVERYBODY or (limit is Audience.VOLUNTEERS and email in ledger.volunteers)


def _fits(address: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(address, pattern) for pattern in patterns)


def _rank(word: Ordered) -> int:
    return list(type(word)).index(word)


def _strictest(one: Ordered, other: Ordered) -> Ordered:
    return min(one, other, key=_rank)


_AUTOMATIC = re.compile(
    rb"^(?:Auto-Submitted:(?![ \t]*no\b)|X-Autoreply:|X-Auto-Response-Suppress:|X-Failed-Recipients:"
    rb"|Content-Type:[ \t]*multipart/report|Return-Path:[ \t]*<>)",
    re.IGNORECASE | re.MULTILINE,
)


def is_automatic(raw: bytes) -> bool:
    """True when the header of a mail says that no person wrote it; RFC 3834 section 2, RFC 3464.

    ``Precedence`` says nothing: the lists set it on every mail that they hand on.
    """
    header = re.split(rb"\r?\n\r?\n", raw[:262_144], maxsplit=1)[0]
    return bool(_AUTOMATIC.search(header))
