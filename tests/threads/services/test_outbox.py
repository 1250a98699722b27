"""The outbox: what may leave, who decides about it, and what takes its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from reviewbot.errors import AuthorError
from reviewbot.mail.parse import parse_message
from reviewbot.reports.facts import Reject, Verdict
from tests import factories
from tests.threads.services.outgoing import AUTHOR, FREELY, put, rule, stage_of
from tests.threads.services.postbox import Postbox
from threads import models
from threads.selectors.series import report_of
from threads.services import outbox, sending

pytestmark = pytest.mark.django_db(transaction=True)
Stage = models.Delivery.Stage


def test_a_policy_that_became_stricter_keeps_what_was_approved(talk: factories.Discussion, box: Postbox) -> None:
    row = put(talk)
    rule('[default]\nto = "off"\n')
    assert sending.send_due() == 0
    assert (stage_of(row), row.reason) == (Stage.WITHHELD, "Nothing is sent: [default] says to = 'off'.")


def test_a_newer_version_makes_the_reply_to_the_older_one_pointless(talk: factories.Discussion, box: Postbox) -> None:
    row = put(talk)
    models.Series.objects.filter(pk=talk.v1.pk).update(version=3)
    assert sending.send_due() == 0
    assert (stage_of(row), row.reason) == (Stage.WITHHELD, "v3 was posted before this went out.")


@pytest.mark.parametrize("text", ["", FREELY, '[default]\nto = "author"\n'], ids=["draft", "approved", "waiting"])
def test_what_has_not_left_about_an_older_version_is_withdrawn_when_the_next_one_comes(
    talk: factories.Discussion, box: Postbox, text: str
) -> None:
    rule(text)
    older = report_of(talk.v1)
    outbox.put(talk.v1, older)
    row = talk.v1.deliveries.get()
    assert row.reason == "v2 was posted before this went out."
    models.Delivery.objects.update(stage={"": Stage.DRAFT, FREELY: Stage.APPROVED}.get(text, Stage.WAITING))
    assert outbox.withdraw_older(talk.v2) == 1
    assert (stage_of(row), row.reason) == (Stage.WITHHELD, "v2 was posted before this went out.")
    models.Delivery.objects.update(stage=Stage.SENT)
    assert outbox.withdraw_older(talk.v2) == 0


def test_nobody_withdraws_the_mail_to_somebody_else(talk: factories.Discussion, box: Postbox) -> None:
    put(talk)
    eve = factories.person(("Eve", "eve@example.org"))
    theirs = factories.series(version=3, topic=talk.v2.topic, previous=talk.v2, author=eve)
    assert outbox.withdraw_older(theirs) == 0
    forged = factories.series(version=4, topic=talk.v2.topic, previous=talk.v2)
    factories.message(forged.root_msgid, "[PATCH v4 0/3] x", "x", who=("Eve", "eve@example.org"), series=forged)
    assert outbox.withdraw_older(forged) == 0


def test_that_a_series_does_not_apply_is_told_to_an_author_who_asked_and_to_nobody_else(
    talk: factories.Discussion, box: Postbox
) -> None:
    first = talk.v2.patches.get(number=2).message
    reject = Reject(2, first.message_id, "mm/a.c", "@@ -1 +1 @@", " a\n", "b\n", 1, "mm/a.c has other lines at 1.")
    failed = replace(
        talk.report, verdict=Verdict.DOES_NOT_APPLY, findings=(), failure=reject, reason="Patch 2 does not apply."
    )
    factories.keep(talk.v2, failed)
    outbox.put(talk.v2, failed)
    assert not talk.v2.deliveries.exists()
    rule('[default]\nto = "everybody"\nclean = true\nmoderate = false\n')
    outbox.put(talk.v2, failed)
    assert not talk.v2.deliveries.exists()
    outbox.wish([AUTHOR], models.Consent.Wish.MAILS, by=AUTHOR)
    outbox.put(talk.v2, failed)
    assert sending.send_due() == 1
    assert box.recipients == [[AUTHOR]]
    arrived = parse_message(box.mails[0])
    assert (arrived.in_reply_to, arrived.body[:23]) == (first.message_id, "v2 does not apply to mm")
    assert "\n\nPatch 2 does not apply.\n" in arrived.body


def test_a_higher_version_that_somebody_else_posted_keeps_nothing_from_the_author(
    talk: factories.Discussion, box: Postbox
) -> None:
    put(talk)
    topic = talk.v2.topic
    factories.series(version=3, topic=topic, previous=talk.v2, author=factories.person(("Eve", "eve@example.org")))
    partial = factories.series(version=4, topic=topic, previous=talk.v2)
    factories.message(partial.root_msgid, "[PATCH v4 2/3] x", "x", who=("Eve", "eve@example.org"), series=partial)
    assert sending.send_due() == 1


def test_who_wants_no_mails_gets_none_from_then_on(talk: factories.Discussion, box: Postbox) -> None:
    row = put(talk)
    outbox.wish([AUTHOR.upper()], models.Consent.Wish.NONE, by=AUTHOR)
    assert stage_of(row) == Stage.WITHHELD
    outbox.put(talk.v2, talk.report)
    assert sending.send_due() == 0
    outbox.wish([AUTHOR], models.Consent.Wish.MAILS, by=AUTHOR)
    outbox.put(talk.v2, talk.report)
    assert sending.send_due() == 1


def test_the_wish_of_who_is_written_to_counts_not_that_of_the_series_author(
    talk: factories.Discussion, box: Postbox
) -> None:
    row = put(talk)
    models.Delivery.objects.filter(pk=row.pk).update(recipients=["Eve <eve@example.org>", *row.recipients[1:]])
    outbox.wish([AUTHOR], models.Consent.Wish.NONE, by=AUTHOR)
    assert stage_of(row) == Stage.APPROVED
    outbox.wish(["EVE@example.org"], models.Consent.Wish.NONE, by="eve@example.org")
    assert stage_of(row) == Stage.WITHHELD


def test_a_moderated_mail_waits_for_a_person(talk: factories.Discussion, box: Postbox) -> None:
    rule('[default]\nto = "author"\n')
    row = put(talk)
    assert (sending.send_due(), stage_of(row)) == (0, Stage.WAITING)
    outbox.approve(row.pk, "mira")
    assert sending.send_due() == 1
    with pytest.raises(AuthorError, match="does not wait for anybody: it is sent"):
        outbox.reject(row.pk, "mira", "too late")


def test_what_a_person_rejected_is_not_offered_again(talk: factories.Discussion, box: Postbox) -> None:
    rule('[default]\nto = "author"\n')
    row = put(talk)
    with pytest.raises(AuthorError):
        outbox.reject(row.pk, "mira", " ")
    outbox.reject(row.pk, "mira", "The lock is never split here.")
    outbox.put(talk.v2, talk.report)
    assert (stage_of(row), row.reason) == (Stage.REJECTED, "The lock is never split here.")


def test_an_edited_mail_keeps_its_header_and_what_was_drafted(talk: factories.Discussion, box: Postbox) -> None:
    rule('[default]\nto = "author"\n')
    row = put(talk)
    outbox.edit(row.pk, "mira", "Größer, and\nFrom here on shorter.\n")
    outbox.approve(row.pk, "mira")
    sending.send_due()
    row.refresh_from_db()
    [arrived] = box.mails
    mail, before = parse_message(arrived), parse_message(bytes(row.drafted))
    assert mail.body == "Größer, and\nFrom here on shorter.\n"
    assert (mail.message_id, mail.subject, mail.to) == (before.message_id, before.subject, before.to)
    outbox.put(talk.v2, talk.report)
    assert talk.v2.deliveries.get() == row


def test_nobody_waits_for_a_moderator_for_ever(talk: factories.Discussion, box: Postbox) -> None:
    rule('[default]\nto = "author"\n')
    row = put(talk)
    models.Delivery.objects.update(created_at=timezone.now() - timedelta(days=8))
    sending.send_due()
    assert (stage_of(row), row.reason) == (Stage.WITHHELD, "Nobody approved it within 7 days.")


def test_facts_that_changed_take_the_place_of_a_draft_and_clean_ones_take_it_away(
    talk: factories.Discussion, box: Postbox
) -> None:
    rule('[default]\nto = "author"\n')
    row = put(talk)
    outbox.put(talk.v2, replace(talk.report, findings=talk.report.findings[:1]))
    changed = talk.v2.deliveries.get()
    assert changed.digest != row.digest
    outbox.put(talk.v2, replace(talk.report, findings=(), verdict=Verdict.CLEAN))
    assert not talk.v2.deliveries.exists()
