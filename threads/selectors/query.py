"""The language of the search: what a person typed, taken apart. Reading it asks the database nothing.

Where public-inbox has a prefix for the same thing (``s:``, ``f:``, ``b:``,
``d:``, ``m:``, ``l:``, ``dfn:``, ``dfhh:``), it means the same here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from reviewbot.reports.facts import State, Verdict
from threads.conversion import storable
from threads.fulltext import MAX_TERMS, Term

MAX_QUERY = 1000


class Prefix(NamedTuple):
    """One prefix of the language, as the help page shows it.

    :ivar names: how it can be written; the first is the one that is meant.
    :ivar means: what it finds, as a clause.
    """

    names: tuple[str, ...]
    means: str
    example: str


PREFIXES = (
    Prefix(("s", "subject"), "words of the subject of a mail", "s:pagetable"),
    Prefix(("f", "from", "a", "author"), "name or address of who sent a mail", 'from:"Mira Lindqvist"'),
    Prefix(("b", "body"), "words of the text of a mail, patches included", 'b:"lock order"'),
    Prefix(("file", "dfn"), "a file that a patch touches, else a part of its path", "file:arch/arm64/mm/mmu.c"),
    Prefix(("func", "dfhh"), "a function or another name that stands in a patch", "func:pagetable_pte_ctor"),
    Prefix(("m", "mid"), "the mail of a Message-ID", "mid:20260302.1-1-mira@example.org"),
    Prefix(("rule",), "series in which a rule found something new", "rule:C01"),
    Prefix(("state",), "the state or the verdict of a series, - in place of blanks; also new-version, applies-no-more, "
           "awaiting-moderation and waiting-for-parts", "state:does-not-apply"),
    Prefix(("l", "list"), "the mailing list", "list:linux-mm"),
    Prefix(("d", "date"), "when it was sent: a day, a month, or from..to with one side or both", "d:2.weeks.ago.."),
)  # fmt: skip
_NAMES = {name: prefix.names[0] for prefix in PREFIXES for name in prefix.names}
_COLUMNS = {"s": "subject", "f": "from", "b": "body"}

_TOKEN = re.compile(r'(?P<not>-)?(?:(?P<prefix>[A-Za-z]{1,10}):)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_LINK = re.compile(r"https?://\S+?/(?P<mid>[^/\s]+@[^/\s]+)(?:/\S*)?")
_DAY = re.compile(r"(\d{4})(?:-?(\d\d)(?:-?(\d\d))?)?")
_AGO = re.compile(r"(\d{1,4})\.?(day|week|month|year)s?(?:\.ago)?")
_UNITS = {"day": 1, "week": 7, "month": 30, "year": 365}
#: what can be asked of a series besides its state and verdict
NEW_VERSION, NO_MORE, MODERATION = "new version", "applies no more", "awaiting moderation"
WAITING = "waiting for parts"
_STATES = {str(one).replace(" ", "-"): one for one in (*State, *Verdict, NEW_VERSION, NO_MORE, MODERATION, WAITING)}
_STATES["not-looked-at"] = _STATES.pop(Verdict.UNKNOWN)


class Condition(NamedTuple):
    """What a series or a mail must be, or must not be, besides having the words."""

    field: str
    value: str
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A query, taken apart.

    :ivar terms: words that one and the same mail must have.
    :ivar conditions: ``file``, ``func``, ``m``, ``rule``, ``state``, ``l``; each must hold.
    :ivar since: earliest moment, None for any.
    :ivar until: first moment that is too late, None for any.
    :ivar problems: a sentence for each part that was not understood, and what was made of it.
    """

    terms: tuple[Term, ...] = ()
    conditions: tuple[Condition, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    problems: tuple[str, ...] = ()

    @property
    def wanted(self) -> bool:
        """True when there is a word to look for; words to leave out are none."""
        return any(not term.excluded for term in self.terms)


def parse(text: str) -> Query:
    """Read a query. Whatever is typed is one: what is not understood is explained in ``problems``."""
    text = storable(text.strip())[:MAX_QUERY]
    link = _LINK.fullmatch(text)
    if link:
        text = f"mid:{link['mid']}"
    if (bare := text.strip("<>")) and _is_message_id(bare, bracketed=bare != text):
        return Query(conditions=(Condition("m", bare),))
    reading = _Reading()
    for match in _TOKEN.finditer(text):
        reading.take(match)
    return reading.query()


def _is_message_id(text: str, *, bracketed: bool) -> bool:
    """Tell a bare Message-ID from a query; one without brackets looks like nothing else."""
    if "@" not in text or re.search(r'[\s"]', text):
        return False
    prefix = re.match(r"-?([A-Za-z]{1,10}):", text)
    return bracketed or not (prefix and prefix[1].lower() in _NAMES)


class _Reading:
    """Collects what the parts of a query mean."""

    def __init__(self) -> None:
        self.terms: list[Term] = []
        self.conditions: list[Condition] = []
        self.since: datetime | None = None
        self.until: datetime | None = None
        self.problems: list[str] = []

    def take(self, match: re.Match[str]) -> None:
        written = match["prefix"] or ""
        text = match["word"] if match["phrase"] is None else match["phrase"]
        field = _NAMES.get(written.lower(), "")
        excluded = bool(match["not"])
        if written and not field:
            self.problems.append(
                f"“{written}:” is no prefix that is known here; “{written}:{text}” was looked for as words."
            )
            text = f"{written} {text}"
        if field == "d":
            self._date(text, excluded)
        elif field == "state":
            self._state(text, excluded)
        elif field and field not in _COLUMNS:
            self.conditions.append(Condition(field, text.strip("<>") if field == "m" else text, excluded))
        elif re.search(r"\w", text):
            prefix = match["phrase"] is None and text.endswith("*")
            self.terms.append(Term(text, _COLUMNS.get(field, ""), excluded, prefix))

    def _state(self, text: str, excluded: bool) -> None:
        state = _STATES.get(text.lower().replace(" ", "-"))
        if state is None:
            known = ", ".join(dict.fromkeys(_STATES))
            self.problems.append(f"“{text}” is no state; there are {known}. It was left out.")
        else:
            self.conditions.append(Condition("state", str(state), excluded))

    def _date(self, text: str, excluded: bool) -> None:
        first, dots, last = text.partition("..")
        since, until = _moments(first), _moments(last if dots else first)
        if excluded or (first and since is None) or (dots and last and until is None) or not (first or last):
            self.problems.append(
                f"“d:{text}” is no range of dates; write d:2026-03-01..2026-03-15, d:2026-03 or d:2.weeks.ago.. "
                "It was left out."
            )
            return
        self.since = since[0] if since else self.since
        self.until = until[1] if until else self.until

    def query(self) -> Query:
        problems = [*self.problems]
        if self.terms and all(term.excluded for term in self.terms):
            problems.append("Words with - narrow what other words find; here are none, so they were ignored.")
            self.terms = []
        if len(self.terms) > MAX_TERMS:
            problems.append(f"Only the first {MAX_TERMS} words were looked for.")
        return Query(tuple(self.terms[:MAX_TERMS]), tuple(self.conditions[:MAX_TERMS]), self.since, self.until,
                     tuple(problems[:MAX_TERMS]))  # fmt: skip


def _moments(text: str) -> tuple[datetime, datetime] | None:
    """Return the first moment of a date, and the first one behind it; None when it is none."""
    if match := _AGO.fullmatch(text.lower()):
        days = int(match[1]) * _UNITS[match[2]]
        if days > 40_000:
            return None
        day = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
        return day, day + timedelta(days=1)
    match = _DAY.fullmatch(text)
    if not match:
        return None
    year, month, day_of_month = (int(part) if part else 0 for part in match.groups())
    try:
        first = datetime(year, month or 1, day_of_month or 1, tzinfo=UTC)
        if day_of_month:
            return first, first + timedelta(days=1)
        return first, datetime(year + (month in (0, 12)), month % 12 + 1 if month else 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
