"""The outbox: what may leave, who decides, and that nothing goes out twice."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dkim
import pytest
from django.conf import settings as configured
from django.utils import timezone
from nacl.encoding import Base64Encoder
from nacl.signing import SigningKey
from pytest_django.fixtures import Settings

from reviewbot.errors import AuthorError, OperatorError
from reviewbot.mail.parse import parse_message
from reviewbot.reports.facts import Reject, Verdict
from tests import factories
from tests.threads.services.postbox import Postbox, postbox
from threads import models
from threads.selectors.series import report_of
from threads.services import outbox, sending, smtp

pytestmark = pytest.mark.django_db(transaction=True)
Stage = models.Delivery.Stage

AUTHOR = factories.AUTHOR[1]
FREELY = '[default]\nto = "author"\nwhat = "all"\nmoderate = false\n'


@pytest.fixture
def talk() -> factories.Discussion:
    made = factories.discussion()
    made.draft.delete()
    return made


@pytest.fixture
def box(settings: Settings, tmp_path: Path) -> Iterator[Postbox]:
    with postbox() as box:
        settings.SENDING, settings.SMTP_URL = True, box.url
        settings.MAIL_POLICY = tmp_path / "policy.toml"
        settings.MAIL_FROM = "Review <review@example.org>"
        rule(FREELY)
        yield box


def rule(text: str) -> None:
    configured.MAIL_POLICY.write_text(text, encoding="utf-8")


def put(talk: factories.Discussion) -> models.Delivery:
    outbox.put(talk.v2, talk.report)
    return talk.v2.deliveries.get()


def stage_of(row: models.Delivery) -> str:
    row.refresh_from_db()
    return row.stage


def test_what_arrives_is_what_was_kept_byte_for_byte(talk: factories.Discussion, box: Postbox) -> None:
    row = put(talk)
    assert sending.send_due() == 1
    assert stage_of(row) == Stage.SENT
    sent = parse_message(bytes(row.raw)).date
    assert abs(sent - timezone.now()) < timedelta(minutes=1)
    assert box.mails == [bytes(row.raw).replace(b"\n", b"\r\n")]
    assert (box.senders, box.recipients) == (["review@example.org"], [[AUTHOR]])


def test_a_mail_goes_out_once_however_often_it_is_asked_for(talk: factories.Discussion, box: Postbox) -> None:
    row = put(talk)
    for _ in range(3):
        sending.send_due()
        outbox.put(talk.v2, talk.report)
    assert not sending.send(row.pk)
    assert len(box.mails) == 1


def test_a_server_that_takes_it_and_then_breaks_off_is_not_asked_again(
    talk: factories.Discussion, box: Postbox
) -> None:
    row = put(talk)
    box.answer = "drop"
    sending.send_due()
    assert stage_of(row) == Stage.UNCLEAR
    assert "it may have gone out" in row.reason
    box.answer = "250 taken"
    sending.send_due()
    outbox.put(talk.v2, talk.report)
    assert len(box.mails) == 1


class Killed(BaseException):
    """Nobody catches it, as nobody catches a kill."""


def dies(*_: object) -> None:
    raise Killed


def test_a_worker_that_dies_with_a_mail_in_hand_never_sends_it_again(
    talk: factories.Discussion, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = put(talk)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("threads.services.smtp._give", dies)
        sending.send_due()
    assert stage_of(row) == Stage.SENDING
    sending.send_due()
    assert box.mails == []
    models.Delivery.objects.update(claimed_at=timezone.now() - sending.CLAIM - timedelta(seconds=1))
    sending.send_due()
    assert (stage_of(row), box.mails) == (Stage.UNCLEAR, [])


@pytest.mark.parametrize("where", ["sending.signed", "smtp.Server.connect", "smtp._envelope", "sending._claim"])
def test_a_worker_that_dies_before_the_server_gets_the_mail_loses_nothing(
    talk: factories.Discussion, box: Postbox, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    row = put(talk)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(f"threads.services.{where}", dies)
        sending.send_due()
    assert stage_of(row) == Stage.APPROVED
    assert sending.send_due() == 1


def test_of_two_workers_with_the_server_at_hand_one_gives_it_the_mail(
    talk: factories.Discussion, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, claim, nested = put(talk), sending._claim, []

    def other_first(*arguments: Any) -> bool:
        monkeypatch.setattr(sending, "_claim", claim)
        nested.append(sending.send(row.pk))
        return claim(*arguments)

    monkeypatch.setattr(sending, "_claim", other_first)
    assert sending.send(row.pk) is False
    assert (nested, len(box.mails), stage_of(row)) == ([True], 1, Stage.SENT)


def test_what_is_refused_while_somebody_else_has_the_mail_changes_nothing(
    talk: factories.Discussion, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = put(talk)
    envelope = smtp._envelope

    def slow(*arguments: Any) -> smtp.Outcome | None:
        monkeypatch.setattr(smtp, "_envelope", envelope)
        assert sending.send(row.pk)
        return smtp.Outcome(smtp.Handed.REFUSED, "550 no such user")

    monkeypatch.setattr(smtp, "_envelope", slow)
    assert sending.send(row.pk) is False
    assert stage_of(row) == Stage.SENT


def test_a_stop_that_comes_while_the_server_is_greeted_keeps_the_mail(
    talk: factories.Discussion, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, envelope = put(talk), smtp._envelope

    def stopped(*arguments: Any) -> smtp.Outcome | None:
        outbox.stop("mira", "Something is odd.")
        return envelope(*arguments)

    monkeypatch.setattr(smtp, "_envelope", stopped)
    assert (sending.send_due(), stage_of(row), box.mails) == (0, Stage.APPROVED, [])


def test_what_the_server_cannot_take_now_is_tried_later_and_given_up_at_last(
    talk: factories.Discussion, box: Postbox
) -> None:
    row = put(talk)
    box.answer = "451 busy"
    for tries in range(1, len(sending.WAITS) + 1):
        sending.send_due()
        assert (stage_of(row), row.tries) == (Stage.APPROVED, tries)
        assert row.not_before and row.not_before > timezone.now() + timedelta(minutes=sending.WAITS[tries - 1] - 1)
        models.Delivery.objects.update(not_before=timezone.now())
    sending.send_due()
    assert stage_of(row) == Stage.REFUSED
    assert row.reason == "The mail server says: 451 busy"


def test_a_server_that_is_away_costs_nothing(talk: factories.Discussion, box: Postbox, settings: Settings) -> None:
    row = put(talk)
    settings.SMTP_URL = "smtp://127.0.0.1:1"
    sending.send_due()
    assert (stage_of(row), row.tries) == (Stage.APPROVED, 1)
    assert row.reason.startswith("The mail server cannot be reached:")


def test_refused_mails_trip_the_breaker_and_a_person_lifts_it(talk: factories.Discussion, box: Postbox) -> None:
    rule(FREELY + "[breaker]\nbounces = 1\n")
    row = put(talk)
    box.unknown = frozenset({AUTHOR})
    sending.send_due()
    assert stage_of(row) == Stage.REFUSED
    assert models.MailStop.objects.get().by == "the breaker"
    box.unknown = frozenset()
    models.Delivery.objects.update(stage=Stage.APPROVED)
    assert sending.send_due() == 0
    assert outbox.lift("mira") == 1
    assert sending.send_due() == 1


def test_nothing_leaves_while_sending_is_off_or_stopped(
    talk: factories.Discussion, box: Postbox, settings: Settings
) -> None:
    put(talk)
    outbox.stop("mira", "Something is odd.")
    assert sending.send_due() == 0
    outbox.lift("mira")
    settings.SENDING = False
    assert sending.send_due() == 0
    assert box.mails == []


@pytest.mark.parametrize("limit", ["all", "list", "author", "thread"])
def test_no_limit_is_overrun(talk: factories.Discussion, box: Postbox, limit: str) -> None:
    rule(FREELY + f"[limits]\n{limit} = 1\n" + ("thread = 9\n" if limit != "thread" else ""))
    row = put(talk)
    models.Delivery.objects.create(
        series=talk.v1, digest="e" * 64, message_id="before@example.org", thread=row.thread, stage=Stage.UNCLEAR,
        claimed_at=timezone.now() - timedelta(hours=23), recipients=row.recipients,
    )  # fmt: skip
    assert sending.send_due() == 0
    assert (stage_of(row), "the limit for" in row.reason) == (Stage.APPROVED, True)
    models.Delivery.objects.filter(digest="e" * 64).update(claimed_at=timezone.now() - timedelta(hours=25))
    models.Delivery.objects.filter(pk=row.pk).update(not_before=None)
    assert sending.send_due() == 1


def test_a_policy_that_became_stricter_keeps_what_was_approved(talk: factories.Discussion, box: Postbox) -> None:
    row = put(talk)
    rule('[default]\nto = "off"\n')
    assert sending.send_due() == 0
    assert (stage_of(row), row.reason) == (Stage.WITHHELD, "Nothing is sent: [default] says to = 'off'.")


def test_a_policy_that_cannot_be_read_sends_nothing(talk: factories.Discussion, box: Postbox) -> None:
    row = put(talk)
    rule("[default")
    with pytest.raises(OperatorError):
        sending.send_due()
    assert stage_of(row) == Stage.APPROVED
    outbox.put(talk.v2, talk.report)
    assert models.Delivery.objects.get().reason.startswith("The mail policy cannot be read")


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


def test_the_limit_for_one_author_counts_who_was_written_to(talk: factories.Discussion, box: Postbox) -> None:
    rule(FREELY + "[limits]\nauthor = 1\nthread = 9\n")
    row = put(talk)
    models.Delivery.objects.create(
        series=talk.v1, digest="e" * 64, message_id="before@example.org", thread=row.thread, stage=Stage.SENT,
        claimed_at=timezone.now(), recipients=["Eve <eve@example.org>"],
    )  # fmt: skip
    assert sending.send_due() == 1


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


def rsa_key() -> tuple[str, bytes]:
    """Return a private key, and what the DNS says about it."""
    private = openssl("genrsa", "2048")
    public = openssl("rsa", "-pubout", "-outform", "DER", stdin=private)
    return private.decode(), b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def ed25519_key() -> tuple[str, bytes]:
    key = SigningKey.generate()
    return key.encode(Base64Encoder).decode(), b"v=DKIM1; k=ed25519; p=" + key.verify_key.encode(Base64Encoder)


def openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True).stdout


@pytest.mark.parametrize("make", [rsa_key, ed25519_key])
def test_a_signature_is_added_above_the_approved_bytes(
    talk: factories.Discussion, box: Postbox, settings: Settings, make: Callable[[], tuple[str, bytes]]
) -> None:
    settings.DKIM_KEY, record = make()
    row = put(talk)
    sending.send_due()
    [arrived] = box.mails
    row.refresh_from_db()
    assert arrived.startswith(b"DKIM-Signature: v=1;")
    assert arrived.endswith(bytes(row.raw).replace(b"\n", b"\r\n"))
    assert dkim.verify(arrived, dnsfunc=lambda *_, **__: record)
    assert not dkim.verify(arrived.replace(b"Subject: Re:", b"Subject: RE:"), dnsfunc=lambda *_, **__: record)


def test_a_key_that_is_none_is_told_and_the_mail_stays(
    talk: factories.Discussion, box: Postbox, settings: Settings
) -> None:
    settings.DKIM_KEY = "no key"
    row = put(talk)
    with pytest.raises(OperatorError, match="DKIM_KEY"):
        sending.send_due()
    assert stage_of(row) == Stage.APPROVED
