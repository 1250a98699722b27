"""Everything about one series."""

from __future__ import annotations

from django.db.models import Count, Max
from django.db.models.functions import Left

from reviewbot.reports.facts import SeriesReport
from reviewbot.reports.status import Beside
from threads.conversion import storable
from threads.models import Delivery, Message, Series
from threads.selectors.provisional import provisional_report
from threads.selectors.standing import as_it_stands, by_series

#: mails of one thread on one page, and characters of each
THREAD_SIZE = 400
BODY_SIZE = 12_000


def bare_msgid(text: str) -> str:
    """Return a Message-ID as it is kept: without brackets and blanks around it (no query)."""
    return storable(text.strip("<> \t\r\n"))


def find_series(message_id: str) -> Series | None:
    """Return the series that a mail belongs to, with author and report: cover, patch or reply (1 query)."""
    return (
        Series.objects.filter(messages__message_id=bare_msgid(message_id))
        .select_related("author", "report", "previous")
        .first()
    )


def report_of(series: Series) -> SeriesReport:
    """Return the facts about a series (no query, or 9 while they are not put together yet)."""
    row = getattr(series, "report", None)
    return as_it_stands(series, row.facts) if row else provisional_report(series)


def list_names(series: Series) -> list[str]:
    """Return the lists that a series was posted to, by name (1 query)."""
    return sorted(series.lists.values_list("name", flat=True))


def thread_of(series: Series) -> list[Message]:
    """Return the mails of a series without their bytes, oldest first (1 query).

    ``text`` of each is its body up to :data:`BODY_SIZE` characters; there are at
    most :data:`THREAD_SIZE`.
    """
    mails = Message.objects.filter(series=series).select_related("author").defer("raw", "body")
    return list(mails.annotate(text=Left("body", BODY_SIZE)).order_by("date", "id")[:THREAD_SIZE])


def latest_delivery(series: Series) -> Delivery | None:
    """Return the newest drafted or sent reply (1 query)."""
    return series.deliveries.order_by("-created_at", "-id").first()


def beside(series: Series, report: SeriesReport) -> Beside:
    """Return what the status says beyond the report (at most 4 queries)."""
    return by_series(series).beside(report)


def tag_of(series: Series) -> str:
    """Return the entity tag of everything that is said about a series, without quotes (1 query)."""
    return by_series(series).tag


def thread_tag(series: Series) -> str:
    """Return what changes when a mail is added to a series (1 query)."""
    known = series.messages.aggregate(newest=Max("pk"), number=Count("pk"))
    return f"{known['newest']}.{known['number']}"


def version_rows(series: Series) -> dict[str, tuple[int, int]]:
    """Return the number of the row and the version of each posting of the same work, by root Message-ID (1 query)."""
    rows = Series.objects.filter(topic=series.topic_id).values_list("root_msgid", "pk", "version")
    return {root: (pk, version) for root, pk, version in rows}


def mails_of(series: Series) -> list[bytes | memoryview]:
    """Return the kept bytes of the cover and the patches, in the order to apply them (2 queries)."""
    patches = series.patches.order_by("number").values_list("message__raw", flat=True)
    return [*([series.cover.raw] if series.cover else []), *patches]
