"""Whether a mail is by whom it says, with keys of the tests' own."""

from __future__ import annotations

import re

import pytest

from reviewbot.errors import AuthorError, TransientError
from reviewbot.mail.authentic import authenticate
from reviewbot.mail.parse import parse_message
from tests.mail.signing_keys import lookup, signed

MAIL = b"""\
From: Ada Example <ada@lab.example.org>
To: review@example.org
Subject: Re: [PATCH] x
Date: Mon, 02 Mar 2026 09:00:00 +0000
Message-ID: <1@example.org>
In-Reply-To: <0@example.org>

#reviewbot rerun
"""


def test_a_signature_of_the_domain_of_the_author_or_of_one_above_it_vouches() -> None:
    for domain in ("lab.example.org", "example.org"):
        assert authenticate(parse_message(signed(MAIL, domain)), lookup).domain == domain


def test_the_seal_is_that_of_the_signature_whatever_message_id_a_copy_has() -> None:
    mail = signed(MAIL.replace(b"Message-ID: <1@example.org>\n", b""), "example.org")
    one = authenticate(parse_message(mail), lookup)
    copy = mail.replace(b"Subject:", b"Message-ID: <2@example.org>\r\nSubject:")
    assert authenticate(parse_message(copy), lookup).digest == one.digest


@pytest.mark.parametrize("domain", ["example.com", "org", "x.lab.example.org", "evil-example.org"])
def test_a_signature_of_another_domain_does_not(domain: str) -> None:
    with pytest.raises(AuthorError, match="No DKIM signature"):
        authenticate(parse_message(signed(MAIL, domain)), lookup)


@pytest.mark.parametrize(
    ("what", "other"),
    [
        (b"#reviewbot rerun", b"#reviewbot mute"),
        (b"<0@example.org>", b"<9@example.org>"),
        (b"02 Mar 2026", b"22 Nov 2026"),
        (b"ada@lab", b"eve@lab"),
        (b"Subject: ", b"From: Eve <eve@lab.example.org>\r\nSubject: "),
        (b"Subject: ", b"In-Reply-To: <9@example.org>\r\nSubject: "),
        (b"Subject: ", b"Date: Mon, 02 Nov 2026 09:00:00 +0000\r\nSubject: "),
    ],
)
def test_nothing_that_counts_can_be_changed(what: bytes, other: bytes) -> None:
    mail = signed(MAIL)
    assert what in mail
    with pytest.raises(AuthorError):
        authenticate(parse_message(mail.replace(what, other, 1)), lookup)


@pytest.mark.parametrize(
    ("pattern", "by"),
    [
        (rb"\A", b"From nobody Mon Mar 2 09:00:00 2026\n"),
        (rb"\A", b"Received: from x by y; Mon, 02 Mar 2026 09:00:05 +0000\r\n"),
    ],
)
def test_what_servers_add_does_no_harm(pattern: bytes, by: bytes) -> None:
    assert authenticate(parse_message(re.sub(pattern, lambda _: by, signed(MAIL), count=1)), lookup).digest


def test_a_body_of_which_only_the_beginning_is_signed_is_not_believed() -> None:
    mail = signed(MAIL).replace(b"v=1;", b"v=1; l=5;", 1)
    with pytest.raises(AuthorError):
        authenticate(parse_message(mail), lookup)


def test_a_mail_without_a_signature_is_nobodys() -> None:
    with pytest.raises(AuthorError):
        authenticate(parse_message(MAIL), lookup)


def test_a_dns_that_does_not_answer_is_asked_later() -> None:
    def away(name: bytes, timeout: int = 5) -> bytes | None:
        raise TimeoutError

    with pytest.raises(TransientError):
        authenticate(parse_message(signed(MAIL)), away)


@pytest.mark.parametrize(
    "raw", [b"", b"x", b"DKIM-Signature: v=1\n" + MAIL, b"DKIM-Signature: ;;=\xff\n" + MAIL, b" a\n" + MAIL]
)
def test_whatever_stands_there_nothing_breaks(raw: bytes) -> None:
    with pytest.raises(AuthorError):
        authenticate(parse_message(raw), lookup)
