"""From mails to series and topics: the rows that a thread amounts to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from reviewbot.reports.facts import State, Verdict
from reviewbot.series.assemble import assemble
from reviewbot.series.model import Patch, Series, Trailer
from reviewbot.series.topics import carry_over, link_versions
from threads import conversion, models
from threads.conversion import storable
from threads.services.pipeline import start_over


def assemble_threads(threads: Iterable[str]) -> list[models.Series]:
    """Assemble the series of some threads, and of those that hold other versions of the same work.

    Running it twice over the same mails changes nothing.
    """
    seen: dict[str, models.Message] = {}
    wanted = set(threads)
    found: list[Series] = []
    for _ in range(2):  # once for the threads themselves, once with the threads of other versions
        for row in models.Message.objects.filter(thread__in=wanted).select_related("author"):
            seen[row.message_id] = row
        found = assemble(conversion.message(row) for row in seen.values())
        more = _threads_of_other_versions(found) - wanted
        if not more:
            break
        wanted |= more
    with transaction.atomic():
        return _keep_all(carry_over(link_versions(found)), seen)


def _threads_of_other_versions(found: Sequence[Series]) -> set[str]:
    """Return the threads of series that may be other versions of these; whether they are is decided later."""
    names = {series.name for series in found}
    changes = {series.change_id for series in found if series.change_id}
    links = {link for series in found for link in series.links}
    patch_ids = {patch.patch_id for series in found for patch in series.patches}
    subjects = {patch.subject for series in found for patch in series.patches}
    authors = {series.author.email.lower() for series in found}
    rows = models.Series.objects.filter(
        Q(name__in=names)
        | Q(change_id__in=changes)
        | Q(root_msgid__in=links)
        | Q(patches__message__message_id__in=links)
        | Q(patches__patch_id__in=patch_ids)
        | Q(author__email__in=authors, patches__subject__in=subjects)
    )
    roots = rows.values_list("root_msgid", flat=True)
    return set(models.Message.objects.filter(message_id__in=list(roots)).values_list("thread", flat=True))


def _keep_all(found: Sequence[Series], mails: dict[str, models.Message]) -> list[models.Series]:
    rows: dict[str, models.Series] = {}
    for series in sorted(found, key=lambda one: (one.version, one.date)):
        previous = rows.get(series.previous.root_msgid) if series.previous else None
        rows[series.root_msgid] = _keep(series, previous, mails)
    own = [name for series in found for name in series.message_ids]
    # What was taken for a part of something else, before more of the thread was there.
    models.Patch.objects.filter(message__message_id__in=own).exclude(series__in=rows.values()).delete()
    return list(rows.values())


def _keep(series: Series, previous: models.Series | None, mails: dict[str, models.Message]) -> models.Series:
    row = _existing(series)
    if row is None:
        topic = previous.topic if previous else models.Topic.objects.create(name=storable(series.name)[:500])
        row = models.Series(topic=topic)
    elif previous and row.topic_id != previous.topic_id:
        models.Series.objects.filter(topic=row.topic_id).update(topic=previous.topic)
        row.topic = previous.topic
    for name, value in _fields(series, mails).items():
        setattr(row, name, value)
    row.previous = previous if previous and previous.pk != row.pk else None
    row.previous_how = series.previous.how if series.previous and row.previous else ""
    row.author = mails[series.message_ids[0]].author
    if row.state == State.NOT_RUN:
        row.verdict, row.reason = (Verdict.UNKNOWN, "") if series.complete else (Verdict.INCOMPLETE, _missing(series))
    row.save()
    if _keep_patches(row, series, mails):
        start_over(row)
    _keep_discussion(row, series)
    return row


def _existing(series: Series) -> models.Series | None:
    """Find the row of a series by any of its Message-IDs; its root changes when a cover arrives late."""
    names = series.message_ids
    return (
        models.Series.objects.filter(
            Q(root_msgid__in=names)
            | Q(cover__message_id__in=names)
            | Q(patches__message__message_id__in=names, patches__message__series=F("pk"))
        )
        .select_related("topic")
        .order_by("id")
        .first()
    )


def _fields(series: Series, mails: dict[str, models.Message]) -> dict[str, Any]:
    return {
        "root_msgid": series.root_msgid,
        "subject": storable(series.subject),
        "name": storable(series.name)[:500],
        "version": series.version,
        "expected": series.expected,
        "date": series.date,
        # A partial re-roll has the cover of the version before in view; it is not its own.
        "cover": mails[series.cover.message_id]
        if series.cover and series.cover.message_id in series.message_ids
        else None,
        "prefixes": [storable(word) for word in series.prefixes],
        "base_commit": storable(series.base_commit)[:64],
        "change_id": storable(series.change_id)[:255],
        "prerequisites": list(series.prerequisites),
        "based_on": [storable(one) for one in series.based_on],
        "links": [storable(one) for one in series.links],
        "cover_trailers": _as_json(series.cover_trailers),
    }


def _as_json(trailers: Iterable[Trailer]) -> list[list[Any]]:
    return [[storable(part) if isinstance(part, str) else part for part in trailer] for trailer in trailers]


def _missing(series: Series) -> str:
    numbers = ", ".join(map(str, series.missing[:20])) + (" …" if len(series.missing) > 20 else "")
    word = "patch" if len(series.missing) == 1 else "patches"
    return f"Waiting for {word} {numbers} of {series.expected}: not in the archive so far; the author can resend."


def _keep_patches(row: models.Series, series: Series, mails: dict[str, models.Message]) -> bool:
    """Make the patch rows those of the series; say whether a diff or a place changed."""
    before = {patch.number: (patch.message.message_id, patch.patch_id) for patch in _patches(row)}
    after = {patch.number: (patch.message.message_id, patch.patch_id) for patch in series.patches}
    if before != after:
        row.patches.all().delete()
    for patch in series.patches:
        models.Patch.objects.update_or_create(
            series=row, number=patch.number, defaults=_patch_fields(patch, mails[patch.message.message_id])
        )
    return bool(before) and before != after


def _patches(row: models.Series) -> QuerySet[models.Patch]:
    return row.patches.select_related("message").defer("message__raw", "message__body")


def _patch_fields(patch: Patch, mail: models.Message) -> dict[str, Any]:
    return {
        "message": mail,
        "subject": storable(patch.subject),
        "patch_id": patch.patch_id,
        "files": [storable(name) for name in patch.files],
        "trailers": _as_json(patch.trailers),
    }


def _keep_discussion(row: models.Series, series: Series) -> None:
    """Tie the mails to the series, and the series to the lists its mails are on."""
    names = [*series.message_ids, *(reply.message_id for reply in series.replies)]
    models.Message.objects.filter(message_id__in=names).update(series=row)
    row.lists.set(models.MailingList.objects.filter(messages__message_id__in=series.message_ids).distinct())
