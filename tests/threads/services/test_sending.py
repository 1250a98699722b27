"""Sending: what leaves, once, within the limits, and what a server or a death in between does to it."""

from __future__ import annotations

import base64
import smtplib
import subprocess
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dkim
import pytest
from django.utils import timezone
from nacl.encoding import Base64Encoder
from nacl.signing import SigningKey
from pytest_django.fixtures import Settings

from reviewbot.errors import OperatorError
from reviewbot.mail.parse import parse_message
from tests import factories
from tests.threads.services.outgoing import AUTHOR, FREELY, put, rule, stage_of
from tests.threads.services.postbox import Postbox
from threads import models
from threads.services import outbox, sending, smtp

pytestmark = pytest.mark.django_db(transaction=True)
Stage = models.Delivery.Stage


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


@pytest.mark.parametrize(
    ("answer", "stage"),
    [
        ("250 taken", Stage.SENT),
        ("252 cannot verify, but taken", Stage.SENT),
        ("421 closing", Stage.APPROVED),
        ("554 spam", Stage.REFUSED),
        ("354 go on", Stage.UNCLEAR),
        ("what?", Stage.UNCLEAR),
    ],
)
def test_what_the_server_says_to_the_last_dot_decides(
    talk: factories.Discussion, box: Postbox, answer: str, stage: str
) -> None:
    row = put(talk)
    box.answer = answer
    sending.send_due()
    assert stage_of(row) == stage


def test_a_connection_that_breaks_before_the_last_dot_costs_nothing(
    talk: factories.Discussion, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = put(talk)
    send = smtplib.SMTP.send

    def breaks(server: smtplib.SMTP, data: Any) -> None:
        if len(data) > 500:
            server.close()
            raise smtplib.SMTPServerDisconnected("the server went away")
        send(server, data)

    with monkeypatch.context() as patch:
        patch.setattr(smtplib.SMTP, "send", breaks)
        sending.send_due()
    assert (stage_of(row), row.tries, row.claimed_at) == (Stage.APPROVED, 1, None)
    assert row.reason.startswith("The connection to the mail server broke before it had the whole mail")
    models.Delivery.objects.update(not_before=None)
    assert (sending.send_due(), len(box.mails)) == (1, 1)


def test_lines_of_any_length_and_with_a_dot_arrive_as_they_were(talk: factories.Discussion, box: Postbox) -> None:
    rule('[default]\nto = "author"\n')
    row = put(talk)
    body = f".\n..\n.hidden\nFrom here\nÅngström\n{'x' * 3000}\n"
    outbox.edit(row.pk, "mira", body)
    outbox.approve(row.pk, "mira")
    assert sending.send_due() == 1
    [arrived] = box.mails
    assert parse_message(arrived).body == body
    assert max(map(len, arrived.split(b"\r\n"))) <= 998


def test_a_server_that_takes_no_8_bit_mail_is_given_none(
    talk: factories.Discussion, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule('[default]\nto = "author"\n')
    row = put(talk)
    outbox.edit(row.pk, "mira", "Ångström\n")
    outbox.approve(row.pk, "mira")
    monkeypatch.setattr(smtplib.SMTP, "has_extn", lambda *_: False)
    sending.send_due()
    assert (stage_of(row), box.mails) == (Stage.REFUSED, [])
    assert "takes no 8-bit mails" in row.reason


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


def test_a_policy_that_cannot_be_read_sends_nothing(talk: factories.Discussion, box: Postbox) -> None:
    row = put(talk)
    rule("[default")
    with pytest.raises(OperatorError):
        sending.send_due()
    assert stage_of(row) == Stage.APPROVED
    outbox.put(talk.v2, talk.report)
    assert models.Delivery.objects.get().reason.startswith("The mail policy cannot be read")


def test_the_limit_for_one_author_counts_who_was_written_to(talk: factories.Discussion, box: Postbox) -> None:
    rule(FREELY + "[limits]\nauthor = 1\nthread = 9\n")
    row = put(talk)
    models.Delivery.objects.create(
        series=talk.v1, digest="e" * 64, message_id="before@example.org", thread=row.thread, stage=Stage.SENT,
        claimed_at=timezone.now(), recipients=["Eve <eve@example.org>"],
    )  # fmt: skip
    assert sending.send_due() == 1


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
