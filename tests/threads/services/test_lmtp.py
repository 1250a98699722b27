"""Mails that a mail server hands on by LMTP: each read once and acknowledged for each recipient, none lost."""

from __future__ import annotations

import io
import smtplib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from reviewbot.errors import OperatorError
from reviewbot.mail.parse import MAX_MAIL
from tests.threads.services.reading import reading
from threads.services import lmtp

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\n.\r\n..hidden\r\nend\r\n"


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    monkeypatch.setattr(lmtp, "close_old_connections", lambda: None)
    return reading(monkeypatch, lmtp)


@pytest.fixture
def path(received: list[bytes], tmp_path: Path) -> Iterator[str]:
    where = str(tmp_path / "lmtp")
    with lmtp.server(where) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield where
        server.shutdown()


def talk(path: str, said: bytes) -> list[str]:
    """Say everything at once, and return the lines that are answered."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as answers:
            return answers.read().decode("ascii").splitlines()


def test_a_mail_arrives_with_its_bytes_and_its_envelope(path: str, received: list[bytes]) -> None:
    with smtplib.LMTP(path) as client:
        assert client.sendmail("bounce@example.org", "review+word@example.org", MAIL) == {}
        client.sendmail("", "review@example.org", b"Subject: second\r\n\r\n")
    first, second = received
    assert first == b"Return-Path: <bounce@example.org>\r\nDelivered-To: review+word@example.org\r\n" + MAIL
    assert second == b"Return-Path: <>\r\nDelivered-To: review@example.org\r\nSubject: second\r\n\r\n"


def test_every_recipient_is_answered_for_one_reading(path: str, received: list[bytes]) -> None:
    head = b"LHLO x\r\nMAIL FROM:<a@b> BODY=8BITMIME\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\n"
    answers = talk(path, head + b"DATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n")
    assert answers[-3:] == ["250 2.0.0 Read 72 bytes."] * 2 + ["221 2.0.0 Bye."]
    assert len(received) == 1


def test_a_dot_behind_a_bare_line_end_ends_no_mail(path: str, received: list[bytes]) -> None:
    head = b"LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
    answers = talk(path, head + b"x\n.\r\nMAIL FROM:<forged@b>\r\n\r.\r\n.\nRSET\r\n.\r\nQUIT\r\n")
    assert len(received) == 1
    assert b"MAIL FROM:<forged@b>" in received[0]
    assert len([one for one in answers if one.startswith("250 2.0.0")]) == 1


def test_the_answer_is_one_line_of_ascii_whatever_became_of_the_mail(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lmtp, "receive", lambda _: f"Done:\r\n500 Ångström{'.' * 1000}")
    with smtplib.LMTP(path) as client:
        client.mail("a@example.org")
        client.rcpt("review@example.org")
        code, answer = client.data(b"Subject: x\r\n\r\n")
    assert (code, answer[:28], len(answer)) == (250, b"2.0.0 Done: 500 ?ngstr?m....", 406)


@pytest.mark.parametrize("word", [b"later", b"breaks"])
def test_what_cannot_be_read_now_stays_with_the_mail_server(path: str, received: list[bytes], word: bytes) -> None:
    with smtplib.LMTP(path) as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("a@example.org", "review@example.org", b"Subject: " + word + b"\r\n\r\n")
        assert refused.value.smtp_code == 451
        client.sendmail("a@example.org", "review@example.org", b"Subject: x\r\n\r\n")
    assert len(received) == 2


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"DATA\r\n", "503 5.5.1 RCPT comes first."),
        (b"RCPT TO:<a@b>\r\n", "503 5.5.1 MAIL comes first."),
        (b"MAIL FROM:<a@b>\r\nRSET\r\nRCPT TO:<a@b>\r\n", "503 5.5.1 MAIL comes first."),
        (b"MAIL FROM:<a@b>\r\n" + b"RCPT TO:<a@b>\r\n" * 101, "452 4.5.3 These are many recipients."),
        (b"EHLO x\r\n", "500 5.5.1 This is LMTP: LHLO, MAIL, RCPT, DATA, RSET, NOOP, VRFY, QUIT."),
        (b"NOOP " + b"x" * 2000 + b"\r\n", "500 5.5.2 The line is too long."),
        (b"NOOP\r\n", "250 2.0.0 Here."),
        (b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: no end\r\n", "354 Go on."),
    ],
)
def test_what_makes_no_mail_is_answered_and_read_as_none(
    path: str, received: list[bytes], said: bytes, answer: str
) -> None:
    assert talk(path, b"LHLO x\r\n" + said)[-1] == answer
    assert received == []


def test_too_large_a_mail_is_refused_and_the_next_one_taken(path: str, received: list[bytes]) -> None:
    with smtplib.LMTP(path) as client:
        client.esmtp_features: dict[str, str] = {}
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("a@example.org", "review@example.org", b"x" * 70_000 + b"\r\n" + b"y" * MAX_MAIL)
        assert refused.value.smtp_code == 552
        client.sendmail("a@example.org", "review@example.org", b"Subject: x\r\n\r\n")
    assert len(received) == 1


def test_the_socket_of_a_server_that_was_killed_is_taken_over_and_that_of_one_that_runs_is_not(
    received: list[bytes], tmp_path: Path
) -> None:
    where = str(tmp_path / "lmtp")
    lmtp.server(where).server_close()
    with lmtp.server(where) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        assert Path(where).stat().st_mode & 0o777 == 0o660
        with pytest.raises(OperatorError, match="Mails cannot be taken at"):
            lmtp.server(where)
        running.shutdown()
    (tmp_path / "file").touch()
    for address in (str(tmp_path / "file"), "127.0.0.1:99999999", "no.such.host.invalid:24"):
        with pytest.raises(OperatorError, match="Mails cannot be taken at"):
            lmtp.server(address)


def test_the_command_takes_mails_at_a_port_until_it_is_ended(
    received: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socketserver.BaseServer.serve_forever", lambda server: None)
    out = io.StringIO()
    call_command("receive", lmtp="127.0.0.1:0", stdout=out)
    assert out.getvalue() == "Mails are taken at 127.0.0.1:0.\n"
