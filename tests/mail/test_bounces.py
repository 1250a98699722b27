"""Reports of servers that a mail did not arrive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reviewbot.mail.bounces import Failure, read_report

REPORT = b"""\
From: MAILER-DAEMON@mx.example.org
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It did not arrive.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; Ada@example.org
Original-Recipient: rfc822;ada@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no
 such user

Final-Recipient: rfc822; ben@example.org
Action: delayed
Status: 4.4.1

--b
Content-Type: text/rfc822-headers

Subject: Re: [PATCH] x
Message-ID: <ours@example.org>

--b--
"""


def test_a_report_says_which_address_of_which_mail() -> None:
    report = read_report(REPORT)
    assert report is not None
    assert report.message_id == "ours@example.org"
    assert report.failures == (Failure("ada@example.org", "5.1.1", "smtp; 550 5.1.1 no such user"),)


def test_the_whole_mail_may_come_back_too() -> None:
    whole = REPORT.replace(b"text/rfc822-headers", b"message/rfc822").replace(b"\n\n--b--", b"\n\ntext\n\n--b--")
    report = read_report(whole)
    assert report is not None
    assert report.message_id == "ours@example.org"


def test_any_other_mail_is_none() -> None:
    assert read_report(b"Subject: x\n\ntext\n") is None


@given(st.binary(max_size=200), st.integers(0, len(REPORT)))
def test_whatever_stands_there_can_be_read(junk: bytes, at: int) -> None:
    read_report(REPORT[:at] + junk + REPORT[at:])
