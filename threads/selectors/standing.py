"""How one series stands: what the status API is asked for all day, in as few queries as it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, Max, OuterRef, QuerySet, Subquery

from reviewbot.reports.facts import SeriesReport, State, Verdict
from reviewbot.reports.keeping import unpack
from reviewbot.reports.status import Beside, Elsewhere, RunFacts
from threads.models import Delivery, ForeignCheck, Patch, Run, Series
from threads.selectors.prepared import Prepared
from threads.selectors.provisional import provisional_report


@dataclass(frozen=True, slots=True)
class Standing:
    """A series as its rows have it.

    :ivar digest: of the report, "" while it is not put together.
    :ivar facts: the packed report, None while it is not put together.
    :ivar reply: row id, stage and Message-ID of the newest reply; None when there is none.
    :ivar check: row id of the newest check of another bot, None when there is none.
    """

    pk: int
    root_msgid: str
    state: str
    verdict: str
    reason: str
    wanted: bool
    digest: str | None
    reply: int | None
    stage: str | None
    reply_msgid: str | None
    check: int | None
    facts: Mapping[str, Any] | None

    @property
    def tag(self) -> str:
        """The entity tag of everything that is said about the series, without quotes.

        It changes with the report, with the state of the row, with the reply, and with checks of other bots.
        """
        key = self.digest[:24] if self.digest else str(self.pk)
        parts = (key, self.state, *(str(part or "") for part in (self.reply, self.stage, self.check)))
        return "-".join(part.replace(" ", "") for part in parts)

    def report(self) -> SeriesReport:
        """Return the facts (no query, or 10 while they are not put together yet)."""
        if self.facts is None:
            return provisional_report(Series.objects.select_related("author", "previous").get(pk=self.pk))
        return as_it_stands(self, self.facts)

    def beside(self, report: SeriesReport) -> Beside:
        """Return what the status says beyond the report (at most 3 queries)."""
        runs = {cell.run for cell in report.cells if cell.run}
        return Beside(
            others=others(self.pk) if self.check else {},
            patch_ids=dict(_patch_ids(self.pk)),
            runs={pk: RunFacts(version, command) for pk, version, command in _run_facts(sorted(runs))},
            mail=(self.stage or "", self.reply_msgid or "") if self.reply else None,
        )


def settled(row: Standing | Series) -> bool:
    """True when nothing more will happen to a series by itself (no query)."""
    return State(row.state).settled or not row.wanted


def as_it_stands(row: Standing | Series, facts: Mapping[str, Any]) -> SeriesReport:
    """Return a kept report (no query).

    While the series is looked at again, its row says so and the rest is what was known before.
    """
    report = unpack(SeriesReport, facts)
    if settled(row):
        return report
    return replace(report, state=State(row.state), verdict=Verdict(row.verdict), reason=row.reason)


def by_message(message_id: str) -> Standing | None:
    """Return how the series of a mail stands: of its cover, a patch or a reply (1 query)."""
    found = _by_message(message_id)
    return Standing(*found[0]) if found else None


def by_series(series: Series) -> Standing:
    """Return how a series stands (1 query)."""
    return Standing(*_by_series(series.pk)[0])


def _standing(rows: QuerySet[Series]) -> QuerySet[Series, tuple[Any, ...]]:
    mails = Delivery.objects.filter(series=OuterRef("pk")).order_by("-created_at", "-id")
    newest = [Subquery(mails.values(name)[:1]) for name in ("pk", "stage", "message_id")]
    # A greatest number, not the first of an order: that would be looked for among the checks of all series.
    checks = ForeignCheck.objects.filter(message__patches__series=OuterRef("pk")).order_by()
    check = Subquery(checks.values("message__patches__series").annotate(newest=Max("pk")).values("newest"))
    row = ("pk", "root_msgid", "state", "verdict", "reason", "wanted", "report__digest")
    return rows.order_by().values_list(*row, *newest, check, "report__facts")


_by_message = Prepared(lambda key: _standing(Series.objects.filter(messages__message_id=key)))
_by_series = Prepared(lambda pk: _standing(Series.objects.filter(pk=pk)))
_patch_ids = Prepared(lambda pk: Patch.objects.filter(series=pk).order_by().values_list("number", "patch_id"))
_run_facts = Prepared(lambda ids: Run.objects.filter(pk__in=ids).values_list("pk", "version", "command"))


def others(series: int) -> dict[int, tuple[Elsewhere, ...]]:
    """Return what other bots say about the patches, by number, the newest of each bot and context (1 query)."""
    rows = ForeignCheck.objects.filter(message__patches__series=series).annotate(n=F("message__patches__number"))
    found: dict[int, dict[tuple[str, str], Elsewhere]] = {}
    for row in rows.select_related("user").order_by("pk"):
        bot = row.user.get_username()
        one = Elsewhere(bot, row.context, row.state, row.description, row.target_url, row.date)
        found.setdefault(row.n, {})[bot, row.context] = one
    return {number: tuple(of.values()) for number, of in found.items()}
