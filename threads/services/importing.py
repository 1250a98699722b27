"""Taking in mailboxes: from any source, with a cursor, so that an import may be interrupted and goes on."""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from reviewbot.errors import ReviewError
from reviewbot.lore.mbox import Read, is_packed, read_on, size_of
from reviewbot.reports.facts import Verdict
from threads import models
from threads.services import arrivals
from threads.services.tying import chunks

#: mails that are written together, and their bytes: what an import holds in memory
BATCH = 1000
BATCH_BYTES = 16 * 1024 * 1024
_BEGINNING = 4096


@dataclass(slots=True)
class Progress:
    """How far an import has come.

    :ivar seen: mails that were read by this call.
    :ivar new: of these, mails that were not there before.
    :ivar earlier: mails that were read before it was interrupted.
    :ivar series: keys of the series that were put together or added to.
    :ivar done: share of the source that is read, 0 to 1; None where its size is not known.
    """

    earlier: int = 0
    seen: int = 0
    new: int = 0
    series: set[int] = field(default_factory=set)
    done: float | None = None
    _start: float = field(default_factory=time.monotonic)
    _from: float | None = None

    @property
    def rate(self) -> float:
        """Mails a second."""
        return self.seen / max(1e-6, time.monotonic() - self._start)

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at the rate so far, None where that cannot be said."""
        if self.done is None or self._from is None or self.done <= self._from:
            return None
        return (time.monotonic() - self._start) * (1 - self.done) / (self.done - self._from)


def take_in(
    source: str, mailing_list: models.MailingList | None = None, *, tell: Callable[[Progress], None] = lambda _: None
) -> Progress:
    """Keep the mails of a mailbox and assemble their series; nothing is applied or built.

    Each batch is written with the place behind it. The next import of the same
    mailbox begins there, and reads on what has been appended since.

    :param source: as for :func:`reviewbot.lore.mbox.read_mailbox`.
    :param tell: is told after every batch.
    :raises ReviewError: when the mailbox cannot be read to its end; what came before is kept.
    """
    row = _row(source, mailing_list)
    size = size_of(source)
    progress = Progress(earlier=row.mails)
    with _own_collections():
        for batch, error in _batches(read_on(source, row.place)):
            if batch:
                before = progress.done
                progress.done = batch[-1].done / size if size and batch[-1].done else None
                progress._from = before if progress._from is None and before is not None else progress._from
                _keep(row, batch, progress, mailing_list)
                gc.collect()
                tell(progress)
            if error:
                raise error
    return progress


def incomplete(progress: Progress) -> list[models.Series]:
    """Return the series that an import added to and that lack parts, oldest first; ``reason`` says which."""
    rows: list[models.Series] = []
    for chunk in chunks(sorted(progress.series)):
        rows += models.Series.objects.filter(pk__in=chunk, verdict=Verdict.INCOMPLETE)
    return sorted(rows, key=lambda row: (row.date, row.pk))


@contextmanager
def _own_collections() -> Iterator[None]:
    """Keep Python from looking for garbage of its own accord: what a batch leaves is looked through behind it.

    What was there before, modules above all, is not looked at again.
    """
    enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()


def _row(source: str, mailing_list: models.MailingList | None) -> models.Import:
    """Return how far a mailbox was read; another one under the same name begins anew."""
    where = source if source == "-" else str(Path(source).resolve())[:1000]
    name = mailing_list.name if mailing_list else ""
    row, _ = models.Import.objects.get_or_create(source=where, list_name=name)
    if not _is_same(row):
        row.place, row.mails = "", 0
    row.beginning = _beginning(Path(source)) if source != "-" else ""
    return row


def _is_same(row: models.Import) -> bool:
    """Tell whether a mailbox still begins as it did, and reaches as far as it was read."""
    path = Path(row.source)
    if row.source == "-" or path.is_dir() != (not row.beginning):
        return False
    if not row.beginning:
        return True
    length = int(row.beginning.partition(":")[0])
    short = row.place.isdecimal() and not is_packed(path) and path.stat().st_size < int(row.place)
    return _beginning(path, length) == row.beginning and not short


def _beginning(path: Path, length: int = _BEGINNING) -> str:
    """Return what tells a file from another one: how many bytes were looked at, and their digest."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        head = file.read(length)
    return f"{len(head)}:{hashlib.sha256(head).hexdigest()[:40]}"


def _batches(mails: Iterator[Read]) -> Iterator[tuple[list[Read], ReviewError | None]]:
    """Yield mails in batches; an error comes with those that were read before it."""
    batch: list[Read] = []
    size = 0
    try:
        for mail in mails:
            batch.append(mail)
            size += len(mail.raw)
            if len(batch) == BATCH or size >= BATCH_BYTES:
                yield batch, None
                batch, size = [], 0
    except ReviewError as error:
        yield batch, error
        return
    yield batch, None


def _keep(row: models.Import, batch: list[Read], progress: Progress, mailing_list: models.MailingList | None) -> None:
    """Write a batch and the place behind it."""
    with transaction.atomic():
        kept, series = arrivals.take_in([mail.raw for mail in batch], mailing_list)
        row.place = batch[-1].place
        row.mails += len(batch)
        row.save()
    progress.seen += len(batch)
    progress.new += kept.new
    progress.series |= {one.pk for one in series}
