"""What people do: judging findings, and the log of it."""

from __future__ import annotations

from django.db import transaction

from reviewbot.errors import AuthorError
from reviewbot.reports.facts import Told
from threads import models
from threads.conversion import storable
from threads.services import pipeline

MAX_REASON = 2000


def mark(series: models.Series, told: Told, judgement: str, reason: str, who: str) -> models.Mark:
    """Keep what a maintainer says about a finding, and that it was said.

    :raises AuthorError: when the judgement is none, or has no reason.
    """
    reason = storable(reason.strip())[:MAX_REASON]
    if judgement not in models.Mark.Judgement.values:
        raise AuthorError("Say whether the finding is right, wrong, or not worth it.")
    if not reason:
        raise AuthorError("Say why in a sentence: it is shown beside the finding, and the rule is mended by it.")
    finding = told.finding
    with transaction.atomic():
        note(who, "marked a finding", series.root_msgid, f"{finding.rule} {finding.fingerprint}: {judgement}: {reason}")
        row = models.Mark.objects.create(
            topic_id=series.topic_id,
            series=series,
            fingerprint=finding.fingerprint,
            rule=finding.rule,
            judgement=judgement,
            reason=reason,
            who=who,
        )
        pipeline.refresh(
            models.Series.objects.filter(pk=series.pk)
        )  # what is drafted and not sent yet may not be worth saying any more
    return row


def note(who: str, action: str, about: str, detail: str = "") -> None:
    """Write down that a person did something.

    :param who: name of the account, "" for somebody who is not signed in.
    """
    about = storable(about)[: models.MESSAGE_ID_LENGTH]
    models.AuditEntry.objects.create(who=who or "anybody", action=action, about=about, detail=storable(detail))
