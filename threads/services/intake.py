"""What people ask for: a Message-ID, a link or a mailbox, until it has become series."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from reviewbot.errors import AuthorError, NotFoundError, ReviewError, TransientError
from reviewbot.lore.fetch import fetch_thread
from reviewbot.lore.origin import Origin, parse_target
from reviewbot.reports.facts import State
from threads import models
from threads.services import assembly, messages, pipeline
from threads.services.queue import claim, enqueue, mark_queued, release


def submit(target: str, options: dict[str, Any] | None = None) -> models.Submission:
    """Ask for the series that a Message-ID or an archive link belongs to.

    Asking again for what is under way changes nothing; asking for what failed
    tries it again.

    :raises NotFoundError: when the target is neither a Message-ID nor a link to a mail.
    """
    with transaction.atomic():
        row = _submission(target, options)
        if mark_queued(models.Submission.objects.filter(pk=row.pk)):
            enqueue("fetch", row.pk)
    return row


def fetch_now(target: str, options: dict[str, Any]) -> models.Series:
    """Fetch what a person at a terminal asks for, without a queue in between; its review is not asked for yet.

    :raises ReviewError: as :func:`fetch`; somebody who waits is told at once, also of what time may mend.
    """
    row = _submission(target, options)
    try:
        series = _fetch(row, want=False)
    except ReviewError as error:
        pipeline.failed("fetch", (row.pk,), error)
        raise
    if series is None:
        raise TransientError(f"<{row.target}> is being fetched by another process; ask again in a minute.")
    return series


def _submission(target: str, options: dict[str, Any] | None) -> models.Submission:
    row, _ = models.Submission.objects.get_or_create(target=parse_target(target).message_id)
    row.options = options or row.options
    if State(row.state).settled:
        row.state, row.reason, row.actor, row.attempts = State.NOT_RUN, "", "", 0
        row.queued_until = row.leased_until = None
    row.save()
    return row


def fetch(submission_id: int) -> None:
    """Fetch the thread that was asked for, keep its mails and ask for its series.

    :raises NotFoundError: the archive does not have it, or it is no patch series.
    :raises TransientError: the archive does not answer.
    """
    _fetch(models.Submission.objects.get(pk=submission_id), want=True)


def _fetch(row: models.Submission, *, want: bool) -> models.Series | None:
    """Fetch and keep what was asked for; None when somebody else does, or did."""
    rows = models.Submission.objects.filter(pk=row.pk)
    if not claim(rows):
        return None
    rows.update(state=State.RUNNING)
    try:
        raw = fetch_thread(row.target, Origin(settings.LORE_URL, timeout=settings.FETCH_SECONDS))
        series = take_in(raw, row.target, row.options.get("version"))
        with transaction.atomic():
            if want:
                pipeline.want(series, row.options)
            rows.update(state=State.PASSED, series=series)
        return series
    finally:
        release(rows)


def take_in(raw_mails: Iterable[bytes], target: str = "", version: int | None = None) -> models.Series:
    """Keep the mails of a discussion and return the series that ``target`` belongs to, else the newest one.

    :param version: another version of the same work.
    :raises AuthorError: when there is no patch series in it.
    :raises NotFoundError: when there is no such version.
    """
    kept = messages.keep(raw_mails)
    assembly.assemble_threads(kept.threads)
    series = series_of(target) if target else _newest(kept.message_ids)
    if series is None:
        what = f"The thread of <{target}>" if target else "This mailbox"
        raise AuthorError(f"{what} holds no patch series: {len(kept.message_ids)} mails were read, none is one.")
    return series if version is None else _version(series, version)


def _newest(message_ids: Iterable[str]) -> models.Series | None:
    """Return the newest series that has one of the mails as its cover or a patch."""
    names = list(message_ids)
    of_these = Q(cover__message_id__in=names) | Q(patches__message__message_id__in=names)
    return models.Series.objects.filter(of_these).select_related("previous").order_by("date", "version").last()


def _version(series: models.Series, version: int) -> models.Series:
    found = models.Series.objects.filter(topic=series.topic_id, version=version).order_by("-date").first()
    if found is None:
        known = ", ".join(f"v{row.version}" for row in series.topic.series.order_by("version"))
        raise NotFoundError(f"There is no version {version} of this series; known are {known}.")
    return found


def series_of(message_id: str) -> models.Series | None:
    """Return the series that a mail is about, by any of its Message-IDs."""
    row = models.Message.objects.filter(message_id=message_id).select_related("series__previous").first()
    return row.series if row else None


def require_series(message_id: str) -> models.Series:
    """Return the series that a mail is about.

    :raises NotFoundError: when it is not known here.
    """
    series = series_of(message_id)
    if series is None:
        raise NotFoundError(f"No series is known by <{message_id}>; submit it and it will be fetched.")
    return series
