"""Topics: the versions of a work that lead to each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from reviewbot.series.grouping import Links
from reviewbot.series.model import Series
from threads import models
from threads.conversion import storable
from threads.services.tying import chunks


def assign(linked: Sequence[Series], rows: Mapping[str, models.Series]) -> None:
    """Give each series the topic of its previous version; the oldest topic that is there is kept.

    :param linked: every series of the topics that may change.
    :param rows: theirs, by Message-ID of the root; saved or not.
    """
    links = Links()
    for one in linked:
        links.join(one.root_msgid, one.previous.root_msgid if one.previous else one.root_msgid)
    works: dict[str, list[Series]] = defaultdict(list)
    for one in linked:
        works[links.top(one.root_msgid)].append(one)
    taken: set[int] = set()
    known: list[tuple[list[Series], models.Topic]] = []
    for work in sorted(works.values(), key=lambda work: _age(work, rows)):
        name = storable(min(work, key=lambda one: (one.version, one.date, one.root_msgid)).name)[:500]
        there = sorted({rows[one.root_msgid].topic_id or 0 for one in work} - taken - {0})
        taken |= set(there[:1])
        known.append((work, models.Topic(pk=there[0] if there else None, name=name)))
        if there:
            models.Topic.objects.filter(pk=there[0]).exclude(name=name).update(name=name)
    models.Topic.objects.bulk_create([topic for _, topic in known if topic.pk is None])
    for work, topic in known:
        for one in work:
            _move(rows[one.root_msgid], topic.pk)


def _age(work: Sequence[Series], rows: Mapping[str, models.Series]) -> float:
    return min((rows[one.root_msgid].pk or float("inf") for one in work), default=float("inf"))


def _move(row: models.Series, topic: int) -> None:
    """Put a series into a topic; the lives of its findings, and what was said about them, go along."""
    if row.pk is not None and row.topic_id != topic:
        there = models.FindingLife.objects.filter(topic=topic).values("fingerprint")
        models.FindingLife.objects.filter(topic=row.topic_id).exclude(fingerprint__in=there).update(topic=topic)
        models.Mark.objects.move(row.pk, topic)
        models.Series.objects.filter(pk=row.pk).update(topic=topic)
    row.topic_id = topic


def remove_empty(topics: Iterable[int]) -> None:
    """Remove those topics that have no series any more."""
    for chunk in chunks(topics):
        empty = models.Topic.objects.filter(pk__in=chunk, series__isnull=True).values_list("pk", flat=True)
        if keys := list(empty):
            models.Topic.objects.filter(pk__in=keys).delete()
