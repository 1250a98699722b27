"""Numbers over versions and over time, for the pictures."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from django.db.models import Count, F
from django.db.models.functions import TruncMonth
from django.utils import timezone

from reviewbot.reports.facts import Verdict
from threads.models import FindingLife, Report, Series

#: series whose time to a verdict counts, those that were looked at last
LATEST = 300
MONTHS = 12
#: upper ends of the times that are told apart, in words
TIMES = (
    ("1 min", timedelta(minutes=1)), ("5 min", timedelta(minutes=5)), ("15 min", timedelta(minutes=15)),
    ("1 h", timedelta(hours=1)), ("4 h", timedelta(hours=4)), ("1 d", timedelta(days=1)), ("more", timedelta.max),
)  # fmt: skip


def history(series: Series, versions: list[int]) -> list[tuple[int, int, int, int]]:
    """Return for each version how many findings were still there, new, and fixed in it (1 query, none for one)."""
    if len(versions) < 2:
        return []
    lives = list(
        FindingLife.objects.filter(topic=series.topic_id).values_list("first_version", "last_version", "fixed_in")
    )
    return [
        (
            version,
            sum(first < version <= last for first, last, _ in lives),
            sum(first == version for first, _, _ in lives),
            sum(fixed == version for _, _, fixed in lives),
        )
        for version in versions
    ]


def times_to_verdict() -> tuple[list[tuple[str, int]], timedelta | None, timedelta | None]:
    """Return how many of the latest series had a verdict within which time, and the times of half and 95 % (1 query).

    The time runs from when the mail arrived here to the last word about it.
    """
    rows = Report.objects.order_by("-pk").values_list("series__verdict", "series__received_at", "updated_at")
    looked_at = (Verdict.CLEAN, Verdict.FINDINGS, Verdict.DOES_NOT_APPLY)
    took = sorted(max(timedelta(), said - came) for verdict, came, said in rows[:LATEST] if verdict in looked_at)
    counts = Counter(next(label for label, end in TIMES if time <= end) for time in took)
    shown = [(label, counts[label]) for label, _ in TIMES]
    if not took:
        return shown, None, None
    return shown, took[len(took) // 2], took[min(len(took) - 1, int(0.95 * len(took)))]


def found_by_month(rule: str) -> list[tuple[datetime, int]]:
    """Return in how many works a rule found something that was new, month by month of the last year (1 query)."""
    month = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = [month]
    while len(months) < MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    rows = Series.objects.filter(
        topic__lives__rule=rule, version=F("topic__lives__first_version"), date__gte=months[-1]
    )
    counts = dict(
        rows.annotate(month=TruncMonth("date"))
        .values_list("month")
        .annotate(n=Count("topic", distinct=True))
        .order_by()
    )
    return [(one, counts.get(one, 0)) for one in reversed(months)]
