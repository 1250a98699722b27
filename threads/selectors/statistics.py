"""Numbers about the service and its rules."""

from __future__ import annotations

from typing import Any

from django.db.models import Count

from threads.models import Message, Series
from threads.selectors import marks, service


def overview() -> dict[str, Any]:
    """Return how much was looked at, what came of it, what waits, and how the rules fared (9 queries)."""
    verdicts = dict(Series.objects.values_list("verdict").annotate(n=Count("pk")).order_by("verdict"))
    newest = service.service_state().newest_mail
    return {
        "series": sum(verdicts.values()),
        "mails": Message.objects.count(),
        "verdicts": verdicts,
        "queues": [
            {
                "name": queue.name,
                "waiting": queue.waiting,
                "running": queue.running,
                "oldest": queue.oldest.isoformat() if queue.oldest else None,
            }
            for queue in service.queues()
        ],
        "newest_mail": newest.isoformat() if newest else None,
        "rules": [
            {
                "rule": rule,
                "right": standing.right,
                "wrong": standing.wrong,
                "not_worth_it": standing.unworthy,
                "precision": standing.precision,
                "muted": standing.muted,
            }
            for rule, standing in sorted(marks.standings().items())
        ],
    }
