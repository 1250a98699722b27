"""The weekly digest of a list, for those who asked for mails: what was found, fixed, and marked wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from reviewbot.mail.compose import wrap
from reviewbot.reports.sentences import counted
from reviewbot.reports.terminal import indented, shortened, visible

#: lines under one heading; the rest is counted
MOST = 40


@dataclass(frozen=True, slots=True)
class Item:
    """One line: what it is about, what is said of it, and where it can be read."""

    subject: str
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Week:
    """What happened on a list.

    :ivar until: the first moment that does not belong to it any more.
    :ivar posted: number of series.
    :ivar checked: how many of them were applied and looked at.
    :ivar found: series with findings that are new with them.
    :ivar fixed: findings that a version of the week has no more.
    :ivar wrong: findings that a maintainer called wrong, with the reason.
    """

    name: str
    since: datetime
    until: datetime
    posted: int
    checked: int
    found: tuple[Item, ...] = ()
    fixed: tuple[Item, ...] = ()
    wrong: tuple[Item, ...] = ()


def subject(week: Week) -> str:
    """Return the subject of the mail."""
    found = counted(len(week.found), "series", "series")
    return f"{week.name}: {found} with findings in the week to {week.until:%Y-%m-%d}"


def write(week: Week, site_url: str) -> str:
    """Return the body of the mail; the same for the same week."""
    posted = counted(week.posted, "series was posted", "series were posted")
    lead = (
        f"From {week.since:%Y-%m-%d} to {week.until:%Y-%m-%d} {posted} to {week.name}. "
        f"{counted(week.checked, 'of them was', 'of them were')} applied and checked."
    )
    lines = [*wrap(visible(lead)), ""]
    lines += _part("Found:", week.found)
    lines += _part("Fixed by a later version:", week.fixed)
    lines += _part("Marked as wrong by maintainers:", week.wrong)
    if not (week.found or week.fixed or week.wrong):
        lines += ["Nothing was found, fixed or marked as wrong.", ""]
    return "\n".join(
        [
            *lines,
            "-- ",
            visible(f"{site_url}/project/{week.name}/list/"),
            'You asked for these mails; answer "#reviewbot mute" for no more.',
            "",
        ]
    )


def _part(title: str, items: Sequence[Item]) -> Iterator[str]:
    if not items:
        return
    yield title
    yield ""
    for item in items[:MOST]:
        first, *more = wrap(visible(shortened(" ".join(f"{item.subject}: {item.words}".split()), 300)), 70) or [""]
        yield f"- {first}"
        yield from indented(more, 2)
        yield f"  {visible(item.url)}"
    if len(items) > MOST:
        yield f"- and {len(items) - MOST} more"
    yield ""
