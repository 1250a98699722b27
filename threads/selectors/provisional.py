"""What can be said about a series before its report is put together: the mails, the base, the runs so far."""

from __future__ import annotations

from django.conf import settings

from reviewbot.reports.facts import BaseFacts, Cell, PatchFacts, SeriesReport, State, Verdict, VersionFacts
from threads.lanes import lanes_of
from threads.models import Application, Patch, Series


def provisional_report(series: Series) -> SeriesReport:
    """Return a report that claims no more than the rows do (9 queries)."""
    patches = list(series.patches.select_related("message").defer("message__raw", "message__body"))
    application = series.applications.filter(chosen=True).prefetch_related("commits").first()
    numbers = {patch.number for patch in patches}
    return SeriesReport(
        message_id=series.root_msgid,
        subject=series.subject,
        name=series.name,
        version=series.version,
        expected=series.expected,
        author=series.author.name or series.author.email,
        author_email=series.author.email,
        date=series.date,
        lists=tuple(series.lists.order_by("name").values_list("name", flat=True)),
        lore=settings.LINK_URL,
        state=State(series.state),
        verdict=Verdict(series.verdict),
        reason=series.reason,
        patches=tuple(_patch(patch, application) for patch in patches),
        missing=tuple(number for number in range(1, min(series.expected, 1000) + 1) if number not in numbers),
        base=_base(application),
        failure=None,
        cells=_cells(series, application),
        findings=(),
        fixed=(),
        preexisting=(),
        gone=(),
        versions=_versions(series),
        replies=0,
        people=(),
        looked_at=(),
        not_looked_at=(),
        reproduce=(),
    )


def _patch(patch: Patch, application: Application | None) -> PatchFacts:
    commits = {one.number: one for one in application.commits.all()} if application else {}
    commit = commits.get(patch.number)
    return PatchFacts(
        number=patch.number,
        message_id=patch.message.message_id,
        subject=patch.subject,
        files=tuple(patch.files),
        commit=commit.commit if commit else "",
        method=commit.method if commit else "",
        trailers=tuple(f"{name}: {value}" for name, value, *_ in patch.trailers),
    )


def _base(application: Application | None) -> BaseFacts | None:
    if application is None:
        return None
    return BaseFacts(
        tree=application.tree_name,
        commit=application.base_commit,
        describe=application.describe,
        how=application.how,
        trace=tuple(application.trace),
    )


def _cells(series: Series, application: Application | None) -> tuple[Cell, ...]:
    if application is None:
        return ()
    return tuple(cell for lane in lanes_of(series, list(application.commits.all())) for cell in lane.cells())


def _versions(series: Series) -> tuple[VersionFacts, ...]:
    rows = Series.objects.filter(topic=series.topic_id).order_by("version", "date")[:100]
    return tuple(
        VersionFacts(
            version=row.version,
            message_id=row.root_msgid,
            subject=row.subject,
            date=row.date,
            verdict=Verdict(row.verdict),
            findings=row.new_errors + row.new_warnings,
            how=row.previous_how,
        )
        for row in rows
    )
