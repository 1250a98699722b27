"""Series in flight on the same files: whether one still applies after the other."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Exists, OuterRef

from reviewbot.series.model import Patch as PatchFacts
from reviewbot.tree import model
from reviewbot.tree.apply import apply_series
from reviewbot.tree.store import Store
from threads import conversion, models
from threads.selectors.versions import newer_by_its_author

#: how far apart two series may be sent that are in flight together
IN_FLIGHT = timedelta(days=45)
#: other series that are compared with, those with the most files in common first, and files of a series that count
MAX_OTHERS = 12
MAX_PATHS = 500
#: seconds for trying them; the rest is known to touch the same files and no more
_PATIENCE = 20.0


def find(series: models.Series, application: model.Application) -> list[models.Overlap]:
    """Compare a series with those in flight that touch its files; the rows are not saved yet.

    In flight is the latest version of a topic whose patches some tree lacks.
    Two series collide when each applies to one base, and the one no longer
    after the other; a 3-way merge counts as applying.

    :raises OperatorError: when git, the disk or the store is at fault.
    """
    outdated = models.Series.objects.filter(Exists(newer_by_its_author()), pk=series.pk).exists()
    if outdated or any(one.method is model.Method.ALREADY for one in application.attempts if one.applies):
        return []
    paths = _paths(series)
    end = time.monotonic() + _PATIENCE
    mine = [conversion.patch(row) for row in series.patches.all()]
    overlaps = []
    for other in _others(series, paths):
        files = sorted(set(other.paths.filter(path__in=paths).values_list("path", flat=True)))
        collides, reason = None, ""
        if application.applies and time.monotonic() < end:
            collides, reason = _try(series, mine, application.chosen, other)
        first, second = sorted((series, other), key=lambda row: row.pk)
        overlaps.append(models.Overlap(first=first, second=second, files=files, collides=collides, reason=reason))
    return overlaps


def keep(overlaps: Iterable[models.Overlap]) -> None:
    """Note what became of the comparisons."""
    for one in overlaps:
        models.Overlap.objects.update_or_create(
            first=one.first,
            second=one.second,
            defaults={"files": one.files, "collides": one.collides, "reason": one.reason},
        )


def _paths(series: models.Series) -> list[str]:
    return list(series.paths.order_by("path").values_list("path", flat=True)[:MAX_PATHS])


def _others(series: models.Series, paths: Sequence[str]) -> list[models.Series]:
    """Return the series in flight that were tried on a tree and share files with one, most files first."""
    tried = models.Application.objects.filter(series=OuterRef("pk"))
    made = models.AppliedPatch.objects.filter(application=OuterRef("pk"), number__gt=0)
    merged = models.Application.objects.filter(
        Exists(made), ~Exists(made.exclude(method=model.Method.ALREADY)), series=OuterRef("pk"), applies=True
    )
    near = models.Series.objects.filter(
        ~Exists(newer_by_its_author()),
        Exists(tried),
        paths__path__in=paths,
        date__range=(series.date - IN_FLIGHT, series.date + IN_FLIGHT),
    )
    found = near.exclude(topic=series.topic_id).filter(~Exists(merged))
    shared = found.annotate(shared=Count("paths", distinct=True)).order_by("-shared", "-date", "-pk")
    return list(shared.select_related("author")[:MAX_OTHERS])


def _try(
    series: models.Series, mine: Sequence[PatchFacts], attempt: model.Attempt, other: models.Series
) -> tuple[bool | None, str]:
    """Apply two series one after the other, on a base that takes either."""
    theirs = other.applications.filter(chosen=True, applies=True).first()
    if theirs is None:
        return None, ""
    store = Store(settings.STORE)
    patches = [conversion.patch(row) for row in other.patches.select_related("message__author")]
    base, last = attempt.base, (other, patches)
    tip = attempt.patches[-1].commit if attempt.patches else base.commit
    if theirs.base_commit != base.commit and not apply_series(store, base, patches).applies:
        # It was made for another tree: perhaps that one takes both.
        base = model.Base(theirs.tree_name, theirs.base_commit, "", theirs.describe)
        if not store.has_commit(base.commit) or not apply_series(store, base, mine).applies:
            return None, ""
        commits = theirs.commits.order_by("-number").values_list("commit", flat=True)
        tip, last = commits[0], (series, list(mine))
    after = apply_series(store, model.Base(base.tree, tip, "after the other"), last[1])
    name = f"{last[0].name} (v{last[0].version})"
    where = base.describe or base.tree
    if after.reject is None:
        there = [str(patch.number) for patch in after.patches if patch.method is model.Method.ALREADY]
        both = f" Patch {', '.join(there)} of it is in both." if there else ""
        return False, f"On {where}, {name} applies after the other.{both}"
    return True, conversion.storable(
        f"On {where}, {name} does not apply after the other at patch {after.reject.patch}: {after.reject.reason}"
    )
