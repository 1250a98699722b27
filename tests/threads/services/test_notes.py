"""What follows a mail that went out: that it was wrong, or that the next version has none of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from reviewbot.mail.parse import parse_message
from reviewbot.reports.facts import Verdict
from tests import factories
from tests.threads.conftest import Queue
from tests.threads.services.outgoing import allow, undrafted
from threads import models
from threads.services import marks, notes, outbox

pytestmark = pytest.mark.django_db
Kind, Stage = models.Delivery.Kind, models.Delivery.Stage


@pytest.fixture
def talk(settings: Settings, steps: Queue, tmp_path: Path) -> factories.Discussion:
    allow(settings, tmp_path, '[default]\nto = "author"\nwhat = "all"\nnotes = true\n')
    made = undrafted()
    outbox.put(made.v2, made.report)
    made.v2.deliveries.update(stage=Stage.SENT)
    return made


def wrong(talk: factories.Discussion, reason: str = "The lock is never split.") -> None:
    marks.mark(talk.v2, talk.report.findings[0], "wrong", reason, "jun")


def body_of(row: models.Delivery) -> str:
    return " ".join(parse_message(bytes(row.raw)).body.split())


def test_what_was_wrong_is_taken_back_in_answer_to_the_mail(talk: factories.Discussion) -> None:
    ours = talk.v2.deliveries.get()
    wrong(talk)
    notes.put(talk.v2, talk.report)
    note = talk.v2.deliveries.get(kind=Kind.NOTE)
    assert (note.in_reply_to, note.recipients, note.stage) == (ours.message_id, ours.recipients, Stage.WAITING)
    assert "was wrong: The lock is never split." in body_of(note)


def test_it_is_taken_back_once(talk: factories.Discussion) -> None:
    wrong(talk)
    notes.put(talk.v2, talk.report)
    talk.v2.deliveries.filter(kind=Kind.NOTE).update(stage=Stage.SENT)
    wrong(talk, "Once more: it is not.")
    notes.put(talk.v2, talk.report)
    assert talk.v2.deliveries.filter(kind=Kind.NOTE).count() == 1


def test_nothing_is_taken_back_that_was_not_said_or_where_the_policy_is_silent(
    talk: factories.Discussion, settings: Settings
) -> None:
    notes.put(talk.v2, talk.report)
    wrong(talk)
    settings.MAIL_POLICY.write_text('[default]\nto = "author"\nwhat = "all"\n', encoding="utf-8")
    notes.put(talk.v2, talk.report)
    talk.v2.deliveries.update(stage=Stage.WITHHELD)
    settings.MAIL_POLICY.write_text('[default]\nto = "author"\nnotes = true\n', encoding="utf-8")
    notes.put(talk.v2, talk.report)
    assert not models.Delivery.objects.filter(kind=Kind.NOTE).exists()


def test_a_clean_version_says_what_of_the_last_mail_is_gone(talk: factories.Discussion) -> None:
    v3 = factories.series(version=3, topic=talk.v2.topic, previous=talk.v2)
    report = replace(
        talk.report, message_id=v3.root_msgid, version=3, verdict=Verdict.CLEAN, findings=(), gone=talk.report.findings
    )
    notes.put(v3, report)
    note = models.Delivery.objects.get(kind=Kind.NOTE)
    assert body_of(note).startswith("Fixed in v3: - arch/arm64/mm/mmu.c:")
    assert note.series == talk.v2


def test_what_somebody_else_posts_as_the_next_version_says_nothing_of_the_last_mail(talk: factories.Discussion) -> None:
    eve = factories.person(("Eve", "eve@example.org"))
    v3 = factories.series(version=3, topic=talk.v2.topic, previous=talk.v2, author=eve)
    report = replace(
        talk.report, message_id=v3.root_msgid, version=3, verdict=Verdict.CLEAN, findings=(), gone=talk.report.findings
    )
    notes.put(v3, report)
    assert not models.Delivery.objects.filter(kind=Kind.NOTE).exists()
