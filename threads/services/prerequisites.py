"""What a series is stated to stand on: known here, or fetched, as far as it can be had."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from django.conf import settings

from reviewbot.errors import NotFoundError, ReviewError
from reviewbot.lore.fetch import fetch_thread, find_patches
from reviewbot.lore.origin import Origin
from reviewbot.series.model import Patch as PatchFacts
from threads import conversion, models
from threads.services import assembly, messages

#: series below one another, of which each is stated to stand on the next
DEPTH = 3
#: patches that are looked for and applied, and questions to the archive
MAX_PATCHES = 200
_ASKED_AT_ONCE = 40
_QUESTIONS = 6


class Ground(NamedTuple):
    """What a series stands on.

    :ivar patches: in the order in which they go in.
    :ivar told: what was done to have them, and what could not be had: a sentence each.
    """

    patches: tuple[PatchFacts, ...]
    told: tuple[str, ...]


def find(series: models.Series) -> Ground:
    """Return the patches that a series is stated to stand on, those that others of them stand on first.

    What is not known here is asked for in the archive, unless the operator
    forbids that; what the archive does not have, or does not answer, is said.
    ``prerequisite-patch-id:`` lines name each patch, however far below
    (git-format-patch(1)); ``Based-on:`` names a series, which may stand on another.
    """
    search = _Search()
    found = search.named(series.prerequisites[:MAX_PATCHES]) or search.below(series, 1)
    return Ground(tuple(conversion.patch(row) for row in found[:MAX_PATCHES]), tuple(search.told))


class _Search:
    """A search for patches, within a number of questions and a time."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._seen: set[int] = set()
        self._questions = _QUESTIONS
        self._end = time.monotonic() + settings.FETCH_SECONDS

    def named(self, names: list[str]) -> list[models.Patch]:
        """Return the patches that are named by their patch-ids, in the order of the names."""
        known = _known(names)
        missing = [name for name in names if name not in known]
        if missing:
            asked = missing[:_ASKED_AT_ONCE]
            what = f"{len(missing)} of the {len(names)} patches that it stands on"
            if self._ask(what, lambda origin: find_patches(asked, origin)):
                known = _known(names)
                missing = [name for name in names if name not in known]
                first = ", ".join(name[:12] for name in missing[:3])
                self.told.append(
                    f"Of the patches that it stands on, {len(missing)} are not in the archive either: {first}."
                    if missing
                    else f"{what[:1].upper()}{what[1:]} were not here; they were fetched from the archive."
                )
        return [known[name] for name in names if name in known]

    def below(self, series: models.Series, depth: int) -> list[models.Patch]:
        """Return the patches of the series that one is stated to stand on, the undermost first."""
        self._seen.add(series.pk)
        found: list[models.Patch] = []
        for message_id in series.based_on:
            ground = _series(message_id) or self._fetched(message_id)
            if ground is None or ground.pk in self._seen:
                continue
            if depth < DEPTH:
                found += self.named(ground.prerequisites[:MAX_PATCHES]) or self.below(ground, depth + 1)
            elif ground.based_on:
                self.told.append(f"{ground.name} stands on yet another series; no more than {DEPTH} are followed.")
            self._seen.add(ground.pk)
            found += ground.patches.select_related("message__author").order_by("number")
        return found

    def _fetched(self, message_id: str) -> models.Series | None:
        what = f"The series <{message_id}> that it stands on"
        if not self._ask(what, lambda origin: fetch_thread(message_id, origin, versions=False)):
            return None
        series = _series(message_id)
        said = "was not here; it was fetched from the archive" if series else "is no patch series"
        self.told.append(conversion.storable(f"{what} {said}."))
        return series

    def _ask(self, what: str, question: Callable[[Origin], Iterable[bytes]]) -> bool:
        """Take in what the archive answers; False, and a sentence, when it cannot be asked or does not know."""
        left = self._end - time.monotonic()
        if not settings.FETCH_BASES:
            return False
        if not self._questions or left < 1:
            self.told.append(conversion.storable(f"{what}: the archive was asked for enough already."))
            return False
        self._questions -= 1
        try:
            kept = messages.keep(question(Origin(settings.LORE_URL, timeout=left)))
        except NotFoundError:
            self.told.append(conversion.storable(f"{what} is not in the archive {settings.LORE_URL}."))
        except ReviewError as error:
            self.told.append(conversion.storable(f"{what} could not be fetched. {error}"))
        else:
            assembly.assemble_threads(kept.threads)
            return True
        return False


def _known(names: Iterable[str]) -> dict[str, models.Patch]:
    rows = models.Patch.objects.filter(patch_id__in=list(names)).select_related("message__author")
    return {row.patch_id: row for row in rows}


def _series(message_id: str) -> models.Series | None:
    row = models.Message.objects.filter(message_id=message_id, series__isnull=False).select_related("series").first()
    return row.series if row else None
