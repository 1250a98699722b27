"""Looking the service over, and mending what can be mended without losing anything."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from reviewbot import sandbox
from reviewbot.builds import toolchains
from reviewbot.errors import ReviewError
from reviewbot.reports.facts import SeriesReport, State
from reviewbot.reports.keeping import unpack
from reviewbot.tree import fsck
from reviewbot.tree.store import Store
from threads import models
from threads.conversion import decompress
from threads.selectors import health
from threads.services import pipeline, trees
from threads.services.queue import UNSETTLED

#: rows that are read at a time when every one of a table is looked at
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Ailment:
    """One thing that is wrong.

    :ivar words: what it is, and what can be done.
    :ivar mend: does that; None when only a person can.
    """

    words: str
    mend: Callable[[], object] | None = None


def examine(*, thorough: bool = False) -> Iterator[Ailment]:
    """Yield what is wrong, with what mends it.

    :param thorough: also read every mail, log and report, and every object of the store, which takes minutes.
    """
    blocked = False
    for problem in health.problems():
        blocked = blocked or (problem.blocks and problem.name != "queue")
        yield Ailment(problem.words)
    if blocked:  # without a database that fits there is nothing to look at
        return
    yield from _machine()
    yield from store(thorough=thorough)
    yield from _leases()
    yield from _unfounded_runs()
    yield from _reports(thorough=thorough)
    if thorough:
        yield from _mails()
        yield from _logs()


def _machine() -> Iterator[Ailment]:
    """See whether this machine can build at all; on one that does not, it may well be so."""
    if not settings.BUILD_ENABLED:
        return
    for look in (sandbox.require, toolchains.find):
        try:
            look()
        except ReviewError as error:
            yield Ailment(f"{error} (Where another machine builds, this one need not.)")


def store(*, thorough: bool) -> Iterator[Ailment]:
    """Yield what is wrong with the store of this machine: it is damaged, or does not have a tree that is known."""
    kept = Store(settings.STORE)
    words = fsck.broken(kept, thorough=thorough)
    known = {branch.name: branch.commit for branch in kept.branches()} if not words else {}
    lost = [tree for tree in models.Tree.objects.all() if known.get(tree.name) != tree.commit]
    if words:
        advice = "It can be set aside and read again from the sources of the trees."
        yield Ailment(f"{words} {advice}", partial(_make_store_anew, kept))
    for tree in lost if not words else ():
        advice = (
            f"The store does not have the tree {tree.name} as it is known; it can be read again from {tree.source}."
        )
        yield Ailment(advice, partial(_read_again, tree))


def _make_store_anew(store: Store) -> None:
    fsck.set_aside(store)
    for tree in models.Tree.objects.all():
        _read_again(tree)
    for series in models.Series.objects.filter(wanted=True, state__in=[*UNSETTLED, State.BROKEN]):
        pipeline.start_over(series)
        pipeline.advance(series)


def _read_again(tree: models.Tree) -> None:
    trees.add(
        tree.name, tree.source, branch=tree.branch, role=tree.role, lists=tree.lists, words=tree.words,
        position=tree.position,
    )  # fmt: skip


def _leases() -> Iterator[Ailment]:
    """Find leases that no worker can have: a clock was wrong when they were given."""
    latest = timezone.now() + timedelta(seconds=2 * settings.LEASE_SECONDS)
    for model in (models.Series, models.Run, models.Submission):
        rows = model._default_manager.filter(
            Q(leased_until__gt=latest) | Q(queued_until__gt=latest), state__in=UNSETTLED
        )
        if count := rows.count():
            words = f"{count} {model._meta.verbose_name_plural} are held until long after any lease ends."
            yield Ailment(words, partial(_give_back, rows))


def _give_back(rows: QuerySet[models.Work]) -> None:
    rows.update(leased_until=None, queued_until=None)


def _unfounded_runs() -> Iterator[Ailment]:
    """Find runs that were asked for and belong to nothing any more."""
    used = models.AppliedPatch.objects.values("tree_id")
    bases = models.Application.objects.values("base_commit")
    rows = models.Run.objects.filter(state__in=UNSETTLED).exclude(Q(tree_id__in=used) | Q(commit__in=bases))
    if count := rows.count():
        yield Ailment(f"{count} checks or builds wait for patches that are not applied any more.", rows.delete)


def _reports(*, thorough: bool) -> Iterator[Ailment]:
    """Find reports that cannot be read; without being thorough, among the latest."""
    rows = models.Report.objects.order_by("-pk")
    broken = []
    for row in rows.iterator(_CHUNK) if thorough else rows[:_CHUNK]:
        try:
            unpack(SeriesReport, row.facts)
        except (TypeError, ValueError, KeyError, AttributeError):
            broken.append(row.series_id)
    if broken:
        again = models.Series.objects.filter(pk__in=broken)
        words = f"{len(broken)} reports cannot be read; they can be computed anew."
        yield Ailment(words, partial(pipeline.refresh, again))


def _mails() -> Iterator[Ailment]:
    lost = [
        row.message_id for row in models.Message.objects.only("message_id", "raw").iterator(_CHUNK) if _dead(row.raw)
    ]
    if lost:
        named = ", ".join(lost[:5]) + (" …" if len(lost) > 5 else "")
        yield Ailment(f"The bytes of {len(lost)} mails cannot be read ({named}); restore them from a backup.")


def _logs() -> Iterator[Ailment]:
    keys = [row.pk for row in models.Run.objects.only("log").iterator(_CHUNK) if _dead(row.log)]
    if keys:
        rows = models.Run.objects.filter(pk__in=keys)
        words = f"The logs of {len(keys)} runs cannot be read; they can be emptied, what was found stays."
        yield Ailment(words, partial(rows.update, log=b""))


def _dead(data: bytes | memoryview) -> bool:
    try:
        decompress(data)
    except zlib.error:
        return True
    return False
