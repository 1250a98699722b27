"""What splitting a mailbox promises."""

from __future__ import annotations

import io
import mailbox
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.errors import AuthorError
from reviewbot.mail import mbox

MAIL = b"From: Ada <ada@example.org>\nSubject: one\n\nHello.\n"
OTHER = b"From: Bob <bob@example.org>\nSubject: two\n\nHi.\n"
SEPARATOR = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"


def split(raw: bytes) -> list[bytes]:
    return list(mbox.split_mbox(io.BytesIO(raw)))


def test_a_mailbox_is_split_at_its_separators() -> None:
    assert split(SEPARATOR + MAIL + b"\n" + SEPARATOR + OTHER + b"\n") == [MAIL, OTHER]


def test_mails_that_were_concatenated_without_an_empty_line_are_split() -> None:
    assert split(SEPARATOR + MAIL + SEPARATOR + OTHER) == [MAIL, OTHER]


def test_a_bare_mail_comes_back_as_it_is() -> None:
    mail = MAIL + b">From here on\n" + SEPARATOR + b"Subject: an inline forward\n\n"
    assert split(mail) == [mail]


def test_empty_lines_before_the_first_mail_are_skipped() -> None:
    assert split(b"\n\n" + SEPARATOR + MAIL) == [MAIL]


def test_mboxrd_quoting_is_undone_by_one_level() -> None:
    body = b"Subject: x\n\n>From a\n>>From b\n> From c\nFrom the start\n"
    assert split(SEPARATOR + body) == [b"Subject: x\n\nFrom a\n>From b\n> From c\nFrom the start\n"]


def test_prose_that_looks_like_a_separator_does_not_split() -> None:
    body = b"Subject: x\n\nFrom 10:30 on, since 2019\nit rains.\n\nFrom ada@example.org\n\nend\n"
    assert split(SEPARATOR + body) == [body]


def test_format_patch_output_is_split_and_not_unquoted() -> None:
    line = b"From " + b"0a" * 20 + b" Mon Sep 17 00:00:00 2001\n"
    mail = b"From: Ada <ada@example.org>\nSubject: [PATCH] x\n\n>From the log\n-- \n2.39\n"
    assert split(line + mail + b"\n" + line + mail + b"\n") == [mail, mail]


def test_crlf_mailboxes_are_split() -> None:
    raw = (SEPARATOR + MAIL + b"\n" + SEPARATOR + OTHER).replace(b"\n", b"\r\n")
    assert split(raw) == [MAIL.replace(b"\n", b"\r\n"), OTHER.replace(b"\n", b"\r\n")]


@pytest.mark.parametrize("raw", [b"", b"\n\n"])
def test_an_empty_mailbox_is_said_to_be_empty(raw: bytes) -> None:
    with pytest.raises(AuthorError, match="empty"):
        split(raw)


@pytest.mark.parametrize("raw", [b"<!DOCTYPE html>\n<html>\n", b"\x1f\x8b\x08\0\0", b"just words\n"])
def test_what_is_no_mailbox_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(AuthorError, match="no mailbox"):
        split(raw)


def test_a_mailbox_cut_within_a_header_yields_the_whole_mails_first() -> None:
    mails = mbox.split_mbox(io.BytesIO(SEPARATOR + MAIL + b"\n" + SEPARATOR + b"From: Bob <b"))
    assert next(mails) == MAIL
    with pytest.raises(AuthorError, match="truncated"):
        next(mails)


def test_of_a_huge_mail_the_first_part_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mbox, "MAX_MAIL", 1000)
    huge, small = split(SEPARATOR + MAIL + b"x" * 60 + b"\n" + b"y\n" * 5000 + SEPARATOR + OTHER)
    assert 1000 <= len(huge) < 1100
    assert small == OTHER


@pytest.mark.parametrize("size", range((2 << 20) - 90, (2 << 20) + 30, 7))
def test_lines_longer_than_what_is_read_at_once_hide_no_separator(size: int) -> None:
    one, two, three = (b"x" * size + b"\n", MAIL + b"y" * size + b"\n", OTHER)
    assert split(b"".join(SEPARATOR + mail + b"\n" for mail in (one, two, three))) == [one, two, three]


@given(st.lists(st.binary().filter(lambda body: b"\r" not in body), min_size=1, max_size=4))
def test_every_mail_written_as_mboxrd_comes_back(bodies: list[bytes]) -> None:
    mails = [b"Subject: x\n\n" + body + b"\n" for body in bodies]
    quoted = [re.sub(rb"(?m)^(>*From )", rb">\1", mail) for mail in mails]
    assert split(b"".join(SEPARATOR + mail + b"\n" for mail in quoted))[:-1] == mails[:-1]


@given(st.binary())
def test_any_bytes_are_split_or_refused(raw: bytes) -> None:
    try:
        assert split(raw)
    except AuthorError as error:
        assert str(error).endswith(".")


def test_it_agrees_with_the_standard_library_on_a_plain_mailbox(tmp_path: Path) -> None:
    path = tmp_path / "box"
    path.write_bytes(SEPARATOR + MAIL + b"\n" + SEPARATOR + OTHER + b"\n")
    assert [bytes(mail).strip() for mail in mailbox.mbox(path)] == [mail.strip() for mail in split(path.read_bytes())]
