"""Finding mails and series by their words and by what they are about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from reviewbot.reports.facts import Verdict
from reviewbot.series.model import WAITING
from threads import fulltext
from threads.fulltext import Term
from threads.models import Application, Delivery, FindingLife, MailingList, Message, Patch, Series, TouchedPath
from threads.selectors import query
from threads.selectors.query import Condition, Query, parse

Row = TypeVar("Row", Message, Series)


def mails(text: str) -> QuerySet[Message]:
    """Return the mails that a query is about, newest first, without their text (1 query).

    The language is that of :mod:`threads.selectors.query`; ``rule:`` and
    ``state:`` mean the series of a mail. A query that wants nothing finds
    nothing. Of very common words the matches that arrived last count, at most
    :data:`threads.fulltext.MAX_MATCHES`.
    """
    asked = parse(text)
    if not (asked.wanted or asked.conditions or asked.since or asked.until):
        return Message.objects.none()
    rows = _in_time(Message.objects.all(), asked)
    if asked.wanted:
        rows = rows.filter(pk__in=_matches(asked.terms))
    for condition in asked.conditions:
        test = _mail_test(condition)
        rows = rows.exclude(test) if condition.excluded else rows.filter(test)
    return rows.select_related("author").defer("raw", "body").order_by("-date", "-id")


def page_of_mails(text: str, first: int, size: int) -> list[Message]:
    """Return some of what :func:`mails` finds, from one on (1 query).

    They are chosen first by their dates: the text that stands between is read for these alone.
    """
    chosen = mails(text).values("pk")[first : first + size]
    rows = Message.objects.filter(pk__in=chosen).select_related("author").defer("raw", "body")
    return list(rows.order_by("-date", "-id"))


def series(rows: QuerySet[Series], asked: Query) -> QuerySet[Series]:
    """Return those of some series that a query is about: one mail of it has the words, and each condition holds."""
    rows = _in_time(rows, asked)
    if asked.wanted:
        rows = rows.filter(pk__in=_series_of(Message.objects.filter(pk__in=_matches(asked.terms))))
    for condition in asked.conditions:
        test = _series_test(condition)
        rows = rows.exclude(test) if condition.excluded else rows.filter(test)
    return rows


def touching(path: str) -> QuerySet[Series]:
    """Return the series with a patch that touches exactly this file."""
    return Series.objects.filter(pk__in=TouchedPath.objects.filter(path=path).values("series"))


def _in_time(rows: QuerySet[Row], asked: Query) -> QuerySet[Row]:
    if asked.since:
        rows = rows.filter(date__gte=asked.since)
    return rows.filter(date__lt=asked.until) if asked.until else rows


def _matches(terms: Iterable[Term]) -> RawSQL | list[int]:
    return fulltext.matches(terms) or []


def _series_of(rows: QuerySet[Message]) -> QuerySet[Message, int | None]:
    return rows.filter(series__isnull=False).values_list("series", flat=True)


def _is_file(path: str) -> bool:
    """Tell whether a path is that of a file which some series touches, and not a part of one (1 query)."""
    return TouchedPath.objects.filter(path=path).exists()


def _patches_of_file(path: str) -> QuerySet[Patch]:
    """Return the patches that touch a file."""
    rows = Patch.objects.filter(series__in=touching(path).values("pk")).annotate(paths=Cast("files", TextField()))
    return rows.filter(paths__contains=json.dumps(path))


def _patches_of_files(part: str) -> QuerySet[Patch]:
    """Return patches that touch a file whose path has a part; the words of the diffs choose which are looked at."""
    part = part.strip("*")
    # A suffix is whole as it stands; as a beginning, "c" would be that of a tenth of all words.
    begins = bool(part.strip("/.")) and not re.search(r"/$|\.\w{1,2}$", part)
    near = _matches([Term(part + "*", "body", prefix=True) if begins else Term(part, "body")])
    rows = Patch.objects.filter(message__in=near).annotate(paths=Cast("files", TextField()))
    return rows.filter(paths__contains=part)


def _patches_naming(name: str) -> QuerySet[Patch]:
    return Patch.objects.filter(
        message__in=_matches([Term(name.removesuffix("()"), "body", prefix=name.endswith("*"))])
    )


def with_rule(rule: str, most: int | None = None) -> QuerySet[Series]:
    """Return the series in which a rule found something that is not in their base.

    :param most: only for so many findings, the latest; None for all.
    """
    lives = FindingLife.objects.filter(rule=rule).order_by("-pk").values("pk")[:most]
    return Series.objects.filter(
        topic__lives__in=lives,
        version__gte=F("topic__lives__first_version"),
        version__lte=F("topic__lives__last_version"),
    )


def _series_test(condition: Condition) -> Q:
    """Return what a condition asks of a series."""
    value = condition.value
    match condition.field:
        case "file":
            return Q(pk__in=(touching(value) if _is_file(value) else _patches_of_files(value).values("series")))
        case "func":
            return Q(pk__in=_patches_naming(value).values("series"))
        case "m":
            return Q(pk__in=_series_of(Message.objects.filter(message_id=value)))
        case "rule":
            most = None if condition.excluded else fulltext.MAX_MATCHES
            return Q(pk__in=with_rule(value, most).values("pk"))
        case "l":
            on = MailingList.objects.filter(Q(name=value) | Q(address__iexact=value))
            return Q(pk__in=Series.lists.through.objects.filter(mailinglist__in=on).values("series"))
        case _:
            return _in_state(value)


def _in_state(state: str) -> Q:
    match state:
        case query.NEW_VERSION:
            return Q(version__gt=1, previous__isnull=False)
        case query.NO_MORE:
            # Asked row by row: few series do not apply, and very many did.
            return Q(
                Exists(Application.objects.filter(series=OuterRef("pk"), applies=True)), verdict=Verdict.DOES_NOT_APPLY
            )
        case query.WAITING:
            return Q(verdict=Verdict.INCOMPLETE, reason__startswith=WAITING)
        case query.MODERATION:
            return Q(pk__in=Delivery.objects.filter(stage=Delivery.Stage.WAITING).values("series"))
        case _:
            return Q(state=state) | Q(verdict=state)  # "broken" is both


def _mail_test(condition: Condition) -> Q:
    """Return what a condition asks of a mail."""
    value = condition.value
    match condition.field:
        case "file":
            patches = _patches_of_file(value) if _is_file(value) else _patches_of_files(value)
            return Q(pk__in=patches.values("message"))
        case "func":
            return Q(pk__in=_patches_naming(value).values("message"))
        case "m":
            return Q(message_id=value)
        case "l":
            on = MailingList.objects.filter(Q(name=value) | Q(address__iexact=value))
            return Q(pk__in=Message.lists.through.objects.filter(mailinglist__in=on).values("message"))
        case _:
            return Q(series__in=Series.objects.filter(_series_test(condition)).values("pk"))
