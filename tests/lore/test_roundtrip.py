"""No mail is lost: whatever its bytes are, it comes out of every mailbox, in its place and unchanged."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.hostile import mailboxes
from benchmarks.hostile.letters import letter as generated
from benchmarks.hostile.mutations import MUTATIONS, mutate
from reviewbot.lore.mbox import read_mailbox, read_on
from reviewbot.mail.mbox import split_mbox
from reviewbot.mail.parse import parse_message

Write = Callable[[Path, list[bytes]], None]


def _same(mail: bytes) -> bytes:
    return mail


def _mbox(path: Path, mails: list[bytes]) -> None:
    path.write_bytes(mailboxes.mbox(mails))


def _mboxrd(path: Path, mails: list[bytes]) -> None:
    path.write_bytes(mailboxes.mboxrd(mails))


def _packed(path: Path, mails: list[bytes]) -> None:
    path.write_bytes(gzip.compress(mailboxes.mboxrd(mails), 1))


KINDS: dict[str, tuple[Write, Callable[[bytes], bytes]]] = {
    "mbox": (_mbox, mailboxes.from_mbox),
    "mboxrd": (_mboxrd, mailboxes.from_mboxrd),
    "mboxrd.gz": (_packed, mailboxes.from_mboxrd),
    "maildir": (mailboxes.write_maildir, _same),
    "epoch": (mailboxes.write_epoch, _same),
}


@pytest.fixture(scope="module")
def mails() -> list[bytes]:
    """Forty mutated mails, some without a header and some of megabytes, and mails that speak of mailboxes."""
    random = Random(3)
    worse = [mutate(random, generated(random, number), MUTATIONS)[0] for number in range(40)]
    return [
        *worse[:20],
        b"\0no header at all\n\nFrom a@example.org Tue Mar  4 10:00:00 2025\nSubject: forged\n\nx",
        b"From a@example.org Tue Mar  4 10:00:00 2025\nSubject: begins with a separator\n\n>From x\n>>From y\n",
        b"Subject: \r\n\r\nends with empty lines\r\n\r\n\n\n",
        *worse[20:],
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_comes_out_in_order_with_its_bytes(kind: str, mails: list[bytes], tmp_path: Path) -> None:
    write, given_back = KINDS[kind]
    write(tmp_path / kind, mails)
    found = list(read_mailbox(tmp_path / kind))
    assert mailboxes.difference([given_back(mail) for mail in mails], found) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_reading_that_is_interrupted_anywhere_goes_on_with_the_next_mail(
    kind: str, mails: list[bytes], tmp_path: Path
) -> None:
    few = [mail for mail in mails if len(mail) < 50_000][:9]
    write, given_back = KINDS[kind]
    write(tmp_path / kind, few)
    reads = list(read_on(tmp_path / kind))
    for number, read in enumerate(reads, 1):
        rest: Iterator[bytes] = (later.raw for later in read_on(tmp_path / kind, read.place))
        assert mailboxes.difference([given_back(mail) for mail in few[number:]], list(rest)) == ""


@given(st.lists(st.binary(min_size=1), min_size=1, max_size=5))
@settings(deadline=None)
def test_any_bytes_come_back_from_an_mboxrd(mails: list[bytes]) -> None:
    read = list(split_mbox(io.BytesIO(mailboxes.mboxrd([mail + b"\n\nend" for mail in mails]))))
    assert [mail.strip() for mail in read] == [(mail + b"\n\nend").strip() for mail in mails]


def test_every_mail_of_a_mailbox_becomes_a_message_that_keeps_its_bytes(mails: list[bytes], tmp_path: Path) -> None:
    _mboxrd(tmp_path / "box", mails)
    messages = [parse_message(raw) for raw in read_mailbox(tmp_path / "box")]
    assert [message.raw for message in messages] == [mailboxes.from_mboxrd(mail) for mail in mails]
    assert all(message.message_id for message in messages)
