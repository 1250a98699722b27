"""What is in the outbox, what people wish, and how much has gone out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.utils import timezone

from reviewbot.mail.policy import Breaker, Ledger, Limits
from reviewbot.reports.facts import SeriesReport
from threads.models import Bounce, Consent, Delivery, MailStop, Mark, RuleMute, Series
from threads.selectors import marks

Stage = Delivery.Stage
Kind = Delivery.Kind

#: what counts against a limit: it is out, or may be
OUT = (Stage.SENDING, Stage.SENT, Stage.UNCLEAR)
#: mails that have to come back from an address until none is sent there
SEVERAL = 2
#: mails of one stage on the page
SHOWN = 50
_DAY = timedelta(hours=24)


def ledger() -> Ledger:
    """Return who wants mails and who wants none; the newest wish of an address counts."""
    newest = Consent.objects.filter(address=OuterRef("address")).order_by("-pk").values("pk")[:1]
    wishes = Consent.objects.filter(pk=Subquery(newest)).values_list("address", "wish")
    by_wish: dict[str, set[str]] = {Consent.Wish.MAILS: set(), Consent.Wish.NONE: set()}
    for address, what in wishes:
        by_wish[what].add(address)
    return Ledger(volunteers=by_wish[Consent.Wish.MAILS], refused=by_wish[Consent.Wish.NONE] | unreachable())


def unreachable() -> set[str]:
    """Return the addresses from which several mails came back for good within a month (1 query)."""
    failed = Bounce.objects.filter(status__startswith="5", at__gt=timezone.now() - 30 * _DAY)
    counts = failed.values("address").annotate(mails=Count("delivery", distinct=True))
    return set(counts.filter(mails__gte=SEVERAL).values_list("address", flat=True))


def standing_stop() -> MailStop | None:
    """Return the stop that keeps all mails here, if there is one."""
    return MailStop.objects.filter(lifted_at=None).order_by("pk").first()


def count_waiting(lists: Collection[int] | None = None) -> int:
    """Return how many mails wait for a moderator (1 query, none for no lists).

    :param lists: rows of the lists whose mails are counted, None for all.
    """
    waiting = Delivery.objects.filter(stage=Stage.WAITING)
    if lists is None:
        return waiting.count()
    return waiting.filter(series__in=_posted_to(lists)).count() if lists else 0


def _posted_to(lists: Collection[int]) -> QuerySet[Any, Any]:
    return Series.lists.through.objects.filter(mailinglist__in=lists).values("series")


@dataclass(frozen=True, slots=True)
class Shelf:
    """The mails at one stage, the newest first; of many the newest."""

    stage: str
    count: int
    rows: list[Delivery]


def shelves(lists: Collection[int] | None = None) -> list[Shelf]:
    """Return what is in the outbox, what waits for a person first; without the copies for moderators (10 queries).

    :param lists: rows of the lists whose mails are wanted, None for all.
    """
    shown = Delivery.objects.exclude(kind=Kind.COPY)
    if lists is not None:
        shown = shown.filter(series__in=_posted_to(lists))
    counts = dict(shown.values_list("stage").annotate(n=Count("pk")).order_by())
    ready = shown.select_related("series__author").defer("raw", "drafted")
    order = (
        *(Stage.WAITING, Stage.UNCLEAR, Stage.REFUSED, Stage.APPROVED, Stage.SENDING, Stage.DRAFT),
        *(Stage.SENT, Stage.REJECTED, Stage.WITHHELD),
    )
    return [
        Shelf(stage.label, counts[stage], list(ready.filter(stage=stage).order_by("-pk")[:SHOWN]))
        for stage in order
        if stage in counts
    ]


def mail(pk: int) -> Delivery | None:
    """Return one mail, unless it is a copy for the moderators, which holds the word that decides (1 query)."""
    return Delivery.objects.exclude(kind=Kind.COPY).select_related("series__author").filter(pk=pk).first()


def for_mail(report: SeriesReport) -> SeriesReport:
    """Return a report without what is not told by mail: muted rules, and what a maintainer called wrong (3 queries)."""
    report, _ = marks.for_mail(report)
    muted = muted_rules()
    return replace(report, findings=tuple(one for one in report.findings if one.finding.rule not in muted))


def muted_rules() -> set[str]:
    """Return the rules that a person has muted (1 query)."""
    return set(RuleMute.objects.filter(lifted_at=None).values_list("rule", flat=True))


def over_limit(delivery: Delivery, limits: Limits) -> str:
    """Return the sentence that says which limit is reached, "" when there is room for one more."""
    if delivery.kind == Kind.COPY:
        return ""
    lately = Delivery.objects.filter(stage__in=OUT, claimed_at__gt=timezone.now() - _DAY)
    lately = lately.exclude(pk=delivery.pk).exclude(kind=Kind.COPY)
    if lately.count() >= limits.all:
        return f"{limits.all} mails went out within 24 hours, the limit for all."
    if delivery.kind == Kind.ANSWER:
        given = lately.filter(kind=Kind.ANSWER).values_list("recipients", flat=True)
        if sum(one == delivery.recipients for one in given) >= limits.answers:
            return f"{limits.answers} answers went to this person within 24 hours, the limit for one."
    if delivery.series is None:
        return ""
    person = addressee(delivery)
    if sum(addressee(one) == person for one in lately.exclude(series=None).only("recipients")) >= limits.author:
        return f"{limits.author} mails went to this author within 24 hours, the limit for one."
    if lately.filter(thread=delivery.thread).count() >= limits.thread:
        return f"{limits.thread} mails went into this thread within 24 hours, the limit for one."
    for mailing_list in delivery.series.lists.all():
        if lately.filter(series__lists=mailing_list).count() >= limits.list:
            return f"{limits.list} mails went out for {mailing_list.name} within 24 hours, the limit for a list."
    return ""


def addressee(delivery: Delivery) -> str:
    """Return the address that a mail is written to first, that of the author of the patch; "" when there is none."""
    return delivery.recipients[0].rpartition(" ")[2].strip("<>").lower() if delivery.recipients else ""


def tripped(breaker: Breaker) -> str:
    """Return the sentence that says why all sending has to stop, "" when all is well.

    What happened before a person lifted the last stop was looked at by them.
    """
    last = MailStop.objects.exclude(lifted_at=None).aggregate(at=Max("lifted_at"))["at"]
    day, month = (max(filter(None, (last, timezone.now() - span))) for span in (_DAY, 30 * _DAY))
    failed = Delivery.objects.filter(stage=Stage.REFUSED, claimed_at__gt=day).count()
    failed += Bounce.objects.filter(at__gt=day).values("delivery", "address").distinct().count()
    if failed >= breaker.bounces:
        return f"{failed} mails were refused or came back within 24 hours."
    judged = Mark.objects.filter(at__gt=month)
    total, wrong = judged.count(), judged.filter(judgement=Mark.Judgement.WRONG).count()
    if total >= max(breaker.marks, 1) and wrong > breaker.wrong * total:
        return f"{wrong} of the {total} findings that were judged within 30 days were wrong."
    return ""
