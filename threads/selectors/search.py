"""Finding mails and series by their words and by what they are about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import F, Q, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from threads import fulltext
from threads.fulltext import Term
from threads.models import MailingList, Message, Patch, Series
from threads.selectors.query import Condition, Query, parse

Row = TypeVar("Row", Message, Series)


def mails(text: str) -> QuerySet[Message]:
    """Return the mails that a query is about, newest first, without their text (1 query).

    The language is that of :mod:`threads.selectors.query`; ``rule:`` and
    ``state:`` mean the series of a mail. A query that wants nothing finds
    nothing. Of very common words the matches that arrived last count, at most
    :data:`threads.fulltext.MAX_MATCHES`.
    """
    query = parse(text)
    if not (query.wanted or query.conditions or query.since or query.until):
        return Message.objects.none()
    rows = _in_time(Message.objects.all(), query)
    if query.wanted:
        rows = rows.filter(pk__in=_matches(query.terms))
    for condition in query.conditions:
        test = _mail_test(condition)
        rows = rows.exclude(test) if condition.excluded else rows.filter(test)
    return rows.select_related("author").defer("raw", "body").order_by("-date", "-id")


def series(rows: QuerySet[Series], query: Query) -> QuerySet[Series]:
    """Return those of some series that a query is about: one mail of it has the words, and each condition holds."""
    rows = _in_time(rows, query)
    if query.wanted:
        rows = rows.filter(pk__in=_series_of(Message.objects.filter(pk__in=_matches(query.terms))))
    for condition in query.conditions:
        test = _series_test(condition)
        rows = rows.exclude(test) if condition.excluded else rows.filter(test)
    return rows


def touching(path: str) -> QuerySet[Series]:
    """Return the series with a patch that touches exactly this file."""
    return Series.objects.filter(pk__in=_patches_of_file(path, exactly=True).values("series"))


def _in_time(rows: QuerySet[Row], query: Query) -> QuerySet[Row]:
    if query.since:
        rows = rows.filter(date__gte=query.since)
    return rows.filter(date__lt=query.until) if query.until else rows


def _matches(terms: Iterable[Term]) -> RawSQL | list[int]:
    return fulltext.matches(terms) or []


def _series_of(rows: QuerySet[Message]) -> QuerySet[Message, int | None]:
    return rows.filter(series__isnull=False).values_list("series", flat=True)


def _patches_of_file(path: str, *, exactly: bool = False) -> QuerySet[Patch]:
    """Return the patches that touch a file; the words of the diffs choose which patches are looked at."""
    part = path.strip("*")
    near = _matches(
        [Term(part + "*", "body", prefix=True)] if part.strip("/.") and not exactly else [Term(part, "body")]
    )
    rows = Patch.objects.filter(message__in=near).annotate(paths=Cast("files", TextField()))
    return rows.filter(paths__contains=f'"{part}"' if exactly else part)


def _patches_naming(name: str) -> QuerySet[Patch]:
    return Patch.objects.filter(
        message__in=_matches([Term(name.removesuffix("()"), "body", prefix=name.endswith("*"))])
    )


def with_rule(rule: str) -> QuerySet[Series]:
    """Return the series in which a rule found something that is not in their base."""
    return Series.objects.filter(
        topic__lives__rule=rule,
        version__gte=F("topic__lives__first_version"),
        version__lte=F("topic__lives__last_version"),
    )


def _series_test(condition: Condition) -> Q:
    """Return what a condition asks of a series."""
    value = condition.value
    match condition.field:
        case "file":
            return Q(pk__in=_patches_of_file(value).values("series"))
        case "func":
            return Q(pk__in=_patches_naming(value).values("series"))
        case "m":
            return Q(pk__in=_series_of(Message.objects.filter(message_id=value)))
        case "rule":
            return Q(pk__in=with_rule(value).values("pk"))
        case "l":
            on = MailingList.objects.filter(Q(name=value) | Q(address__iexact=value))
            return Q(pk__in=Series.lists.through.objects.filter(mailinglist__in=on).values("series"))
        case _:
            return Q(state=value) | Q(verdict=value)  # "broken" is both


def _mail_test(condition: Condition) -> Q:
    """Return what a condition asks of a mail."""
    value = condition.value
    match condition.field:
        case "file":
            return Q(pk__in=_patches_of_file(value).values("message"))
        case "func":
            return Q(pk__in=_patches_naming(value).values("message"))
        case "m":
            return Q(message_id=value)
        case "l":
            on = MailingList.objects.filter(Q(name=value) | Q(address__iexact=value))
            return Q(pk__in=Message.lists.through.objects.filter(mailinglist__in=on).values("message"))
        case _:
            return Q(series__in=Series.objects.filter(_series_test(condition)).values("pk"))
