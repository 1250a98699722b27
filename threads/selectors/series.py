"""Everything about one series."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.db.models import Count, F, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Left

from reviewbot.reports.facts import SeriesReport, State, Verdict
from reviewbot.reports.keeping import unpack
from reviewbot.reports.status import Beside, Elsewhere, RunFacts
from threads.conversion import storable
from threads.models import Delivery, ForeignCheck, Message, Run, Series
from threads.selectors.provisional import provisional_report

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
    """Return the facts about a series (no query, or 9 while they are not put together yet).

    While a series is looked at again, its row says so and the rest is what was known before.
    """
    row = getattr(series, "report", None)
    if row is None:
        return provisional_report(series)
    report = unpack(SeriesReport, row.facts)
    if settled(series):
        return report
    return replace(report, state=State(series.state), verdict=Verdict(series.verdict), reason=series.reason)


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
    """Return what the status says beyond the report (4 queries)."""
    runs = {cell.run for cell in report.cells if cell.run}
    mail = latest_delivery(series)
    return Beside(
        others=others(series),
        patch_ids=dict(series.patches.values_list("number", "patch_id")),
        runs={pk: RunFacts(version, command) for pk, version, command in _run_facts(runs)},
        mail=(mail.stage, mail.message_id) if mail else None,
    )


def others(series: Series) -> dict[int, tuple[Elsewhere, ...]]:
    """Return what other bots say about the patches, by number, the newest of each bot and context (1 query)."""
    rows = ForeignCheck.objects.filter(message__patches__series=series).annotate(n=F("message__patches__number"))
    found: dict[int, dict[tuple[str, str], Elsewhere]] = {}
    for row in rows.select_related("user").order_by("pk"):
        bot = row.user.get_username()
        one = Elsewhere(bot, row.context, row.state, row.description, row.target_url, row.date)
        found.setdefault(row.n, {})[bot, row.context] = one
    return {number: tuple(of.values()) for number, of in found.items()}


def _run_facts(ids: Iterable[int]) -> QuerySet[Run, tuple[int, str, str]]:
    return Run.objects.filter(pk__in=list(ids)).values_list("pk", "version", "command")


def tag_of(series: Series) -> str:
    """Return the entity tag of everything that is said about a series, without quotes (1 query).

    It changes with the report, with the state of the row, with the reply, and with checks of other bots.
    """
    row = getattr(series, "report", None)
    mails = Delivery.objects.filter(series=OuterRef("pk")).order_by("-created_at", "-id")
    others = ForeignCheck.objects.filter(message__series=OuterRef("pk")).order_by("-pk")
    beside = [Subquery(mails.values("pk")[:1]), Subquery(mails.values("stage")[:1]), Subquery(others.values("pk")[:1])]
    known = Series.objects.filter(pk=series.pk).values_list(*beside).first() or ()
    parts = [row.digest[:24] if row else f"{series.pk}", series.state, *(str(part or "") for part in known)]
    return "-".join(part.replace(" ", "") for part in parts)


def thread_tag(series: Series) -> str:
    """Return what changes when a mail is added to a series (1 query)."""
    known = series.messages.aggregate(newest=Max("pk"), number=Count("pk"))
    return f"{known['newest']}.{known['number']}"


def version_rows(series: Series) -> dict[str, tuple[int, int]]:
    """Return the number of the row and the version of each posting of the same work, by root Message-ID (1 query)."""
    rows = Series.objects.filter(topic=series.topic_id).values_list("root_msgid", "pk", "version")
    return {root: (pk, version) for root, pk, version in rows}


def settled(series: Series) -> bool:
    """True when nothing more will happen by itself (no query)."""
    return State(series.state).settled or not series.wanted


def mails_of(series: Series) -> list[bytes | memoryview]:
    """Return the kept bytes of the cover and the patches, in the order to apply them (2 queries)."""
    patches = series.patches.order_by("number").values_list("message__raw", flat=True)
    return [*([series.cover.raw] if series.cover else []), *patches]
