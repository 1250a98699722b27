"""What the facts about a series are as fields of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model

from reviewbot.reports.facts import State, Verdict
from reviewbot.series.model import WAITING, Patch, Series, Trailer, spans
from reviewbot.series.subject import is_for_stable
from threads import models
from threads.conversion import storable
from threads.services.versions import name_key

#: characters of a path, and files of a series, that are kept to find it by
MAX_PATH, MAX_PATHS = 500, 2000


def update(row: Model, fields: Mapping[str, Any]) -> bool:
    """Set fields and save what is new; return whether anything is."""
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, fields[name])
    if changed:
        row.save(update_fields=changed)
    return bool(changed)


def series_fields(series: Series, mails: Mapping[str, models.Message]) -> dict[str, Any]:
    """Return the fields of a series that its mails alone decide."""
    cover = series.cover.message_id if series.cover else ""
    return {
        "root_msgid": series.root_msgid,
        "subject": storable(series.subject),
        "name": storable(series.name)[:500],
        "name_key": name_key(series.name),
        "version": series.version,
        "expected": series.expected,
        "author_id": mails[series.root_msgid].author_id,
        "date": series.date,
        # A partial re-roll has the cover of the version before in view; it is not its own.
        "cover_id": mails[cover].pk if cover in series.message_ids else None,
        "prefixes": [storable(word) for word in series.prefixes],
        "base_commit": storable(series.base_commit)[:64],
        "change_id": storable(series.change_id)[:255],
        "prerequisites": list(series.prerequisites),
        "based_on": [storable(one) for one in series.based_on],
        "links": [storable(one) for one in series.links],
        "cover_trailers": as_json(series.cover_trailers),
    }


def standing(row: models.Series, series: Series) -> dict[str, Any]:
    """Return the verdict on a series that nobody has looked at yet."""
    if row.state != State.NOT_RUN:
        return {}
    if series.complete:
        return {"verdict": Verdict.UNKNOWN, "reason": ""}
    return {"verdict": Verdict.INCOMPLETE, "reason": _missing(series)}


def _missing(series: Series) -> str:
    word = "patch" if len(series.missing) == 1 else "patches"
    which = f"{word} {spans(series.missing)} of {series.expected}"
    if is_for_stable(series.prefixes):
        return f"Without {which}: of a stable tree's queue, each list gets the patches that concern it."
    return f"{WAITING} {which}: not in the archive so far; the author can resend."


def patch_fields(patch: Patch, mail: models.Message, own_trailers: int) -> dict[str, Any]:
    """Return the fields of a patch.

    :param own_trailers: how many of its trailers were not carried over from another posting.
    """
    return {
        "number": patch.number,
        "message_id": mail.pk,
        "subject": storable(patch.subject),
        "name_key": name_key(patch.subject),
        "patch_id": patch.patch_id,
        "files": [storable(name) for name in patch.files],
        "trailers": as_json(patch.trailers),
        "own_trailers": own_trailers,
    }


def paths_of(patches: Iterable[models.Patch]) -> list[str]:
    """Return the files that some patches touch, sorted; of very many the first."""
    return sorted({path for patch in patches for path in patch.files if len(path) <= MAX_PATH})[:MAX_PATHS]


def as_json(trailers: Iterable[Trailer]) -> list[list[Any]]:
    """Return trailers as they are kept."""
    return [[storable(part) if isinstance(part, str) else part for part in trailer] for trailer in trailers]
