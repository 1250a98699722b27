"""Answers in long threads: tied to the series of what they answer, without putting the whole thread together anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from reviewbot.series.grouping import Links
from reviewbot.series.mails import Kind, classify
from reviewbot.series.trailers import find_trailers
from threads import conversion, models
from threads.services.bulk import assign
from threads.services.tying import chunks

#: mails of a thread that is put together as a whole, whatever comes to it
LONG = 2000


def tie(threads: Iterable[str], rows: Mapping[str, models.Message]) -> set[str]:
    """Tie new mails to their series where these are plain answers in a long thread; return the threads this settles.

    A plain answer gives no trailer, was not answered by an earlier arrival, and all mails that it names are
    here and about one series. Nothing but its own place follows from it, so it costs the same in any thread.

    :param rows: mails that were just kept, by Message-ID.
    """
    new: dict[str, list[models.Message]] = defaultdict(list)
    for row in rows.values():
        new[row.thread].append(row)
    settled = set()
    for thread in set(threads) & new.keys():
        if _is_long(thread) and all(map(_is_plain, new[thread])):
            homes = _homes(new[thread])
            if homes.keys() == {row.pk for row in new[thread]}:
                for row in new[thread]:
                    row.series_id = homes[row.pk]
                assign(models.Message, "series", homes)
                settled.add(thread)
    return settled


def _is_long(thread: str) -> bool:
    return models.Message.objects.filter(thread=thread).order_by()[LONG : LONG + 1].exists()


def _is_plain(row: models.Message) -> bool:
    mail = classify(conversion.message(row, raw=False, recipients=False))
    return row.answer and bool(row.parent_msgid) and mail.kind is Kind.REPLY and not find_trailers(row.body)


def _homes(rows: Sequence[models.Message]) -> dict[int, int | None]:
    """Return the series of each mail, by key, None being that of a mere discussion; those in doubt are left out."""
    own = {row.message_id: row for row in rows}
    named = {row.message_id: {*row.references, row.in_reply_to} - {row.message_id, ""} for row in rows}
    others = {name for names in named.values() for name in names} - own.keys()
    there: dict[str, int | None] = {}
    for chunk in chunks(others):
        there |= models.Message.objects.filter(message_id__in=chunk).values_list("message_id", "series_id")
    links = Links()
    for name, names in named.items():
        for other in names:
            links.join(other, name)
    about: dict[str, set[int | None]] = defaultdict(set)
    for name, series in there.items():
        about[links.top(name)].add(series)
    doubtful = {links.top(name) for name in others - there.keys()}
    for chunk in chunks(own):
        early = models.Message.objects.filter(parent_msgid__in=chunk).values_list("message_id", "parent_msgid")
        doubtful |= {links.top(parent) for name, parent in early if name not in own}
    return {
        row.pk: next(iter(about[top]))
        for name, row in own.items()
        if (top := links.top(name)) not in doubtful and len(about[top]) == 1
    }
