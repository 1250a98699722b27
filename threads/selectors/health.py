"""What is wrong with the service, in words: one list for the status page, for probes, for alarms and for the doctor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from reviewbot.capabilities import queue_of
from reviewbot.embedded import broker_answers
from reviewbot.errors import TransientError
from reviewbot.reports.facts import State
from threads.lanes import BUILD
from threads.models import Delivery, MailingList, Run, Tree
from threads.selectors import outbox, service, workers

#: what waits longer than this is stuck, whatever it is
PATIENCE = timedelta(hours=1)
#: a followed list from which nothing has come for so long is silent
SILENCE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    :ivar name: word for machines: the label of the metric and of the alarm.
    :ivar words: one sentence or two, the last of which says what the operator can do.
    :ivar blocks: nothing at all works while this stands, so that no request should be sent here.
    """

    name: str
    words: str
    blocks: bool = False


def problems() -> list[Problem]:
    """Return what is wrong with the service, the gravest first; it never fails (about 15 queries)."""
    database = list(_database())
    if database:
        return database
    found: list[Problem] = []
    for look in _LOOKS:
        try:
            found.extend(look())
        except DatabaseError as error:
            found.append(Problem("database", f"The database gave up on a question: {error}", blocks=True))
    return sorted(found, key=lambda problem: not problem.blocks)


def _database() -> Iterator[Problem]:
    try:
        pending = MigrationExecutor(connection)
        plan = pending.migration_plan(pending.loader.graph.leaf_nodes())
    except DatabaseError as error:
        said = str(error).strip().splitlines()
        why = said[0] if said else type(error).__name__
        yield Problem("database", f"The database does not answer: {why} The operator must see to it.", blocks=True)
        return
    if plan:
        words = f"The database is {len(plan)} migrations behind this program; run manage.py migrate."
        yield Problem("migrations", words, blocks=True)


def _queue() -> Iterator[Problem]:
    try:
        broker_answers()
    except TransientError as error:
        words = f"{error} What came in is kept, and goes on by itself as soon as the queue is back."
        yield Problem("queue", words, blocks=True)
        return
    known = workers.listening()
    if not known.problem and not known.workers:
        yield Problem("workers", "No worker answers: start one (manage.py up, or manage.py worker).")
    elif known.unheard:
        named = ", ".join(known.unheard)
        yield Problem("workers", f"No worker takes work of the queues {named}; start one (manage.py worker).")
    if not known.problem and known.workers:
        yield from _builders(known)


def _builders(known: workers.Listening) -> Iterator[Problem]:
    """See whether the builds that wait are for compilers that some worker has."""
    waiting = Run.objects.filter(check_name=BUILD, state=State.NOT_RUN).values_list("configuration").distinct()
    needed = {queue_of(configuration) for (configuration,) in waiting}
    if unserved := sorted(needed - known.heard):
        names = ", ".join(queue.removeprefix(f"{BUILD}.") for queue in unserved)
        words = (
            f"Builds wait for {names}, and no worker has the compiler; install it where manage.py worker build runs."
        )
        yield Problem("builders", words)


def _waits() -> Iterator[Problem]:
    now = timezone.now()
    for queue in service.queues():
        if queue.oldest is not None and now - queue.oldest > PATIENCE:
            hours = (now - queue.oldest).total_seconds() / 3600
            words = (
                f"Work waits: {queue.waiting} in {queue.name}, the oldest for {hours:.0f} hours; see the workers' logs."
            )
            yield Problem(f"waiting-{queue.name}", words)


def _lists() -> Iterator[Problem]:
    now = timezone.now()
    for one in MailingList.objects.exclude(epochs="").order_by("name"):
        if one.failing_since is not None:
            since = f"{one.failing_since:%Y-%m-%d %H:%M} UTC"
            yield Problem("list-failing", f"The list {one.name} cannot be read since {since}: {one.failure}")
        elif one.seen_at is not None and now - one.seen_at > SILENCE:
            days = (now - one.seen_at).days
            words = f"Nothing has come from the list {one.name} for {days} days; see whether {one.epochs} is right."
            yield Problem("list-silent", words)


def _trees() -> Iterator[Problem]:
    rows = list(Tree.objects.all())
    if not rows:
        yield Problem("trees", "No kernel tree is registered, so nothing can be applied; see manage.py tree add.")
    for tree in rows:
        if tree.stale:
            yield Problem("tree-stale", f"The tree {tree.name} is stale: {tree.stale}")


def _disk() -> Iterator[Problem]:
    scarce = [disk for disk in service.disks() if disk.scarce]
    if scarce:  # most often all of them are one disk, so one sentence names them all
        names = ", ".join(disk.name for disk in scarce)
        free = min(disk.free for disk in scarce) / 1e9
        yield Problem("disk", f"Less than a tenth is free where these are kept: {names} ({free:.1f} GB); make room.")


def _runs() -> Iterator[Problem]:
    lately = Run.objects.filter(state="broken", finished_at__gt=timezone.now() - timedelta(days=1))
    reasons = list(lately.values_list("reason", flat=True).order_by("-finished_at")[:1000])
    if reasons:
        words = f"{len(reasons)} runs broke on our side within a day, the last with: {reasons[0] or 'no reason'}"
        yield Problem("sandbox" if "sandbox" in reasons[0].lower() else "runs", words)


def _mail() -> Iterator[Problem]:
    stop = outbox.standing_stop()
    if stop is not None:
        words = f"No mail leaves since {stop.at:%Y-%m-%d %H:%M} UTC ({stop.why}); manage.py mail start lifts it."
        yield Problem("mail-stopped", words)
    unclear = Delivery.objects.filter(stage=Delivery.Stage.UNCLEAR).count() if settings.SENDING else 0
    if unclear:
        yield Problem(
            "mail-unclear", f"Of {unclear} mails it is not known whether they arrived; the outbox lists them."
        )


_LOOKS: tuple[Callable[[], Iterator[Problem]], ...] = (_queue, _waits, _lists, _trees, _disk, _runs, _mail)
