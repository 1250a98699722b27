"""What is in the outbox, what people wish, and how much has gone out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from reviewbot.mail.policy import Ledger, Limits
from threads.models import Consent, Delivery, MailStop

Stage = Delivery.Stage

#: what counts against a limit: it is out, or may be
OUT = (Stage.SENDING, Stage.SENT, Stage.UNCLEAR)
_DAY = timedelta(hours=24)


def ledger() -> Ledger:
    """Return who wants mails and who wants none; the newest wish of an address counts."""
    newest = Consent.objects.filter(address=OuterRef("address")).order_by("-pk").values("pk")[:1]
    wishes = Consent.objects.filter(pk=Subquery(newest)).values_list("address", "wish")
    by_wish: dict[str, set[str]] = {Consent.Wish.MAILS: set(), Consent.Wish.NONE: set()}
    for address, what in wishes:
        by_wish[what].add(address)
    return Ledger(volunteers=by_wish[Consent.Wish.MAILS], refused=by_wish[Consent.Wish.NONE])


def standing_stop() -> MailStop | None:
    """Return the stop that keeps all mails here, if there is one."""
    return MailStop.objects.filter(lifted_at=None).order_by("pk").first()


def at(stages: Iterable[str]) -> QuerySet[Delivery]:
    """Return the mails at some stages, the newest first, ready to be listed."""
    return Delivery.objects.filter(stage__in=list(stages)).select_related("series__author").order_by("-pk")


def over_limit(delivery: Delivery, limits: Limits) -> str:
    """Return the sentence that says which limit is reached, "" when there is room for one more."""
    lately = Delivery.objects.filter(stage__in=OUT, claimed_at__gt=timezone.now() - _DAY).exclude(pk=delivery.pk)
    if lately.count() >= limits.all:
        return f"{limits.all} mails went out within 24 hours, the limit for all."
    if lately.filter(series__author=delivery.series.author_id).count() >= limits.author:
        return f"{limits.author} mails went to this author within 24 hours, the limit for one."
    if lately.filter(thread=delivery.thread).count() >= limits.thread:
        return f"{limits.thread} mails went into this thread within 24 hours, the limit for one."
    for mailing_list in delivery.series.lists.all():
        if lately.filter(series__lists=mailing_list).count() >= limits.list:
            return f"{limits.list} mails went out for {mailing_list.name} within 24 hours, the limit for a list."
    return ""


def failed_lately() -> int:
    """Return how many mails of the last 24 hours were refused by a server."""
    return Delivery.objects.filter(stage=Stage.REFUSED, claimed_at__gt=timezone.now() - _DAY).count()
