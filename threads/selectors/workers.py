"""Which workers listen to which queues, as they say themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from kombu.exceptions import KombuError

#: seconds that workers have to answer, and for which their answer is kept
PATIENCE = 0.4
KEPT = 20


@dataclass(frozen=True, slots=True)
class Listening:
    """Which workers there are.

    :ivar workers: the queues of each, by its name.
    :ivar unheard: queues that no worker takes work from.
    :ivar problem: why it is not known, "" when it is.
    """

    workers: dict[str, list[str]]
    unheard: tuple[str, ...] = ()
    problem: str = ""

    @property
    def heard(self) -> set[str]:
        """Return the queues that some worker takes work from."""
        return {queue for queues in self.workers.values() for queue in queues}


def listening() -> Listening:
    """Ask the workers; at most every :data:`KEPT` seconds, and never for longer than :data:`PATIENCE`."""
    known: Listening | None = cache.get("workers-listening")
    if known is None:
        known = _ask()
        cache.set("workers-listening", known, KEPT)
    return known


def _ask() -> Listening:
    try:
        answers = current_app.control.inspect(timeout=PATIENCE).active_queues() or {}
    except (KombuError, OSError) as error:
        return Listening({}, problem=f"the queue does not answer: {type(error).__name__}")
    workers = {name: sorted(str(queue["name"]) for queue in queues) for name, queues in sorted(answers.items())}
    known = Listening(workers)
    return replace(known, unheard=tuple(queue for queue in settings.QUEUES if queue not in known.heard))
