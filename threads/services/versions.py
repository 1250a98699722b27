"""What is known of series that were put together before, without reading their mails again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from django.db.models import Q

from reviewbot.mail.message import Address, Message
from reviewbot.series.model import Patch, Series
from reviewbot.series.topics import ALIKE, fold_name
from threads import conversion, models
from threads.conversion import storable
from threads.services.tying import chunks

#: versions of one work are posted within this time
_WORKING = timedelta(days=800)
#: series that are looked at for one author or key, the latest first
_MAX_LOOK = 200


def name_key(name: str) -> str:
    """Return what names are looked up by."""
    return storable(fold_name(name))[:200]


def candidates(found: Sequence[Series]) -> set[int]:
    """Return the keys of series that may be other versions of these; whether they are is decided later."""
    keys = _by_names(found) | _by_mails(found)
    for chunk in chunks({one.change_id for one in found if one.change_id}):
        keys |= _some(Q(change_id__in=[storable(one)[:255] for one in chunk]))
    for chunk in chunks({patch.patch_id for one in found for patch in one.patches if patch.patch_id}):
        keys |= _some(Q(patches__patch_id__in=chunk))
    return keys | _by_author(found)


def _some(test: Q) -> set[int]:
    return set(models.Series.objects.filter(test).order_by("-pk").values_list("pk", flat=True)[: _MAX_LOOK * 10])


def _by_names(found: Sequence[Series]) -> set[int]:
    """Return the series that have the name of one of these, or one of its patches."""
    names = {name_key(one.name) for one in found} | {name_key(patch.subject) for one in found for patch in one.patches}
    keys: set[int] = set()
    for chunk in chunks(names - {""}):
        keys |= _some(Q(name_key__in=chunk)) | _some(Q(patches__name_key__in=chunk))
    return keys


def _by_mails(found: Sequence[Series]) -> set[int]:
    """Return the series that these link to, or answer."""
    named = {link for one in found for link in one.links}
    for one in found:
        parts = [one.cover, *(patch.message for patch in one.patches)]
        head = next((part for part in parts if part and part.message_id == one.root_msgid), None)
        named |= {head.in_reply_to, *head.references} if head else set()
    keys: set[int] = set()
    for chunk in chunks(named - {""}):
        mails = models.Message.objects.filter(message_id__in=chunk, series__isnull=False)
        keys |= set(mails.values_list("series_id", flat=True).distinct())
    return {key for key in keys if key is not None}


def _by_author(found: Sequence[Series]) -> set[int]:
    """Return the series of the same authors that have another version and a like name, or link to these."""
    authors: dict[str, list[tuple[Series, set[str]]]] = defaultdict(list)
    for one in found:
        authors[storable(one.author.email).lower()].append((one, set(name_key(one.name).split())))
    mails = {message_id for one in found for message_id in one.message_ids}
    keys: set[int] = set()
    for chunk in chunks(authors):
        dates = [one.date for email in chunk for one, _ in authors[email]]
        rows = models.Series.objects.filter(
            author__email__in=chunk, date__range=(min(dates) - _WORKING, max(dates) + _WORKING)
        )
        for key, email, name, version, links in rows.values_list("pk", "author__email", "name_key", "version", "links"):
            words = set(name.split())
            if not mails.isdisjoint(links):
                keys.add(key)
            for one, others in authors[email]:
                if version != one.version and len(words & others) >= ALIKE * len(words | others):
                    keys.add(key)
    return keys


def recall(rows: Sequence[models.Series], patches: Mapping[int, Sequence[models.Patch]]) -> list[Series]:
    """Return series as far as versions are told by it: without texts, and with the trailers they were given themselves.

    :param patches: of the rows, by their key, in order of number.
    """
    about: dict[int, list[Message]] = defaultdict(list)
    mails: dict[int, Message] = {}
    for chunk in chunks(row.pk for row in rows):
        for key, series, mail in _light(Q(series_id__in=chunk)):
            about[series or 0].append(mail)
            mails[key] = mail
    carried = {patch.message_id for row in rows for patch in patches.get(row.pk, ())} - mails.keys()
    for chunk in chunks(carried):
        mails |= {key: mail for key, _, mail in _light(Q(pk__in=chunk))}
    return [_series(row, patches.get(row.pk, ()), about[row.pk], mails) for row in rows]


def _light(test: Q) -> Iterator[tuple[int, int | None, Message]]:
    """Yield mails without their texts, with their keys and those of their series."""
    fields = ("pk", "series_id", "message_id", "author_name", "author__email", "date", "in_reply_to", "references")
    for key, series, message_id, name, email, date, parent, references in models.Message.objects.filter(
        test
    ).values_list(*fields):
        yield key, series, Message(message_id, "", Address(name, email), date, parent, tuple(references))


def _series(
    row: models.Series, rows: Sequence[models.Patch], about: Sequence[Message], mails: Mapping[int, Message]
) -> Series:
    patches = tuple(
        Patch(
            number=patch.number,
            message=mails[patch.message_id],
            subject=patch.subject,
            diff="",
            files=tuple(patch.files),
            patch_id=patch.patch_id,
            trailers=conversion.trailers(patch.trailers[: patch.own_trailers]),
        )
        for patch in rows
    )
    own = {mail.message_id for mail in about}
    parts = {patch.message.message_id for patch in patches}
    cover = mails.get(row.cover_id) if row.cover_id else None
    head = cover or next((mail for mail in about if mail.message_id == row.root_msgid), None)
    return Series(
        root_msgid=row.root_msgid,
        subject=row.subject,
        name=row.name,
        version=row.version,
        expected=row.expected,
        author=head.author if head else Address("", ""),
        date=row.date,
        cover=cover,
        patches=patches,
        change_id=row.change_id,
        links=tuple(row.links),
        replies=tuple(mail for mail in about if mail.message_id not in parts),
        carried=tuple(sorted(parts - own)),
    )
