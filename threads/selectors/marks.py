"""What maintainers said about findings, and what follows for the rules."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import Count, Exists, OuterRef, QuerySet

from reviewbot.reports.facts import SeriesReport
from threads.models import AuditEntry, Mark, Series

#: a rule of which a smaller share of marked findings is right says nothing by mail
THRESHOLD = 0.8
#: marked findings before a rule is judged by them
ENOUGH = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rule fared: one for each finding that was marked, by its newest mark."""

    right: int = 0
    wrong: int = 0
    unworthy: int = 0

    @property
    def marked(self) -> int:
        """Number of findings that were marked."""
        return self.right + self.wrong + self.unworthy

    @property
    def precision(self) -> int | None:
        """Share of right findings in percent, None when nothing is marked."""
        return 100 * self.right // self.marked if self.marked else None

    @property
    def muted(self) -> bool:
        """True when enough was marked, and too little of it right, to tell anybody by mail."""
        return self.marked >= ENOUGH and self.right < THRESHOLD * self.marked


def standings() -> dict[str, Standing]:
    """Return how each rule fared that has a marked finding (1 query)."""
    counts = _counting().values("rule", "judgement").annotate(n=Count("pk")).order_by()
    found: dict[str, dict[str, int]] = {}
    for row in counts:
        found.setdefault(row["rule"], {})[row["judgement"]] = row["n"]
    judgement = Mark.Judgement
    return {
        rule: Standing(of.get(judgement.RIGHT, 0), of.get(judgement.WRONG, 0), of.get(judgement.UNWORTHY, 0))
        for rule, of in found.items()
    }


def _counting() -> QuerySet[Mark]:
    """Return the marks that count: the newest of each finding of a topic."""
    same = Mark.objects.filter(topic=OuterRef("topic"), fingerprint=OuterRef("fingerprint"))
    return Mark.objects.filter(~Exists(same.filter(pk__gt=OuterRef("pk"))))


def muted_rules() -> dict[str, str]:
    """Return the rules that say nothing by mail, each with the sentence that tells why (1 query)."""
    return {
        rule: f"{rule} is muted for mail: {standing.right} of {standing.marked} findings that maintainers marked "
        f"were right, and {THRESHOLD:.0%} are asked for."
        for rule, standing in standings().items()
        if standing.muted
    }


def for_mail(report: SeriesReport) -> tuple[SeriesReport, tuple[str, ...]]:
    """Return a report without what is not said by mail, and a sentence for each rule that is muted in it (2 queries).

    Left out are findings of muted rules, and those that a maintainer called wrong or not worth it.
    """
    muted = muted_rules()
    told = tuple(one for one in report.findings if one.finding.rule not in muted)
    series = Series.objects.filter(root_msgid=report.message_id).values("topic")
    refused = set(
        _counting()
        .filter(topic__in=series)
        .exclude(judgement=Mark.Judgement.RIGHT)
        .values_list("fingerprint", flat=True)
    )
    names = dict.fromkeys(one.finding.rule for one in report.findings if one.finding.rule in muted)
    told = tuple(one for one in told if one.finding.fingerprint not in refused)
    return replace(report, findings=told), tuple(muted[name] for name in names)


def marks_of(topic_id: int) -> dict[str, list[Mark]]:
    """Return every mark in a topic by fingerprint, newest first (1 query)."""
    found: dict[str, list[Mark]] = {}
    for row in Mark.objects.filter(topic=topic_id).order_by("-pk")[:1000]:
        found.setdefault(row.fingerprint, []).append(row)
    return found


def marked(rule: str) -> list[Mark]:
    """Return the newest marks of findings of a rule, with their series (1 query)."""
    return list(Mark.objects.filter(rule=rule).select_related("series").order_by("-pk")[:50])


def audit_log(older_than: int, size: int) -> list[AuditEntry]:
    """Return what people did, newest first (1 query).

    :param older_than: the row before which it begins, 0 for the newest.
    """
    rows = AuditEntry.objects.order_by("-pk")
    return list((rows.filter(pk__lt=older_than) if older_than else rows)[:size])
