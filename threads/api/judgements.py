"""The shapes of what people decide: about findings and about mails."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from threads.api import examples
from threads.api.shapes import choice, like
from threads.models import Delivery, Mark


@like(examples.JUDGED)
class Judged(s.Serializer[Any]):
    """What is said about a finding."""

    judgement = choice(Mark.Judgement.values)
    reason = s.CharField(max_length=2000)


@like(examples.KEPT)
class VerdictKept(Judged):
    """What was said, by whom and when."""

    rule = s.CharField()
    fingerprint = s.CharField()
    who = s.CharField()
    at = s.DateTimeField()


@like(examples.DELIVERY)
class DeliveryStatus(s.Serializer[Any]):
    """One mail."""

    id = s.IntegerField()
    url = s.CharField()
    series = s.CharField(allow_null=True)
    msgid = s.CharField()
    in_reply_to = s.CharField()
    subject = s.CharField()
    stage = choice(Delivery.Stage.values)
    reason = s.CharField(allow_blank=True)
    decided_by = s.CharField(allow_blank=True)
    decided = s.DateTimeField(allow_null=True)
    created = s.DateTimeField()
    text = s.CharField()


@like(examples.REJECTION)
class Rejection(s.Serializer[Any]):
    """Why a mail should not go."""

    reason = s.CharField(max_length=2000)


@like(examples.EDITED)
class Edited(s.Serializer[Any]):
    """A new text for a mail."""

    body = s.CharField(max_length=100_000, trim_whitespace=False)
