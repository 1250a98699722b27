"""The mailbox that people write to: each mail is read once, and none keeps the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from reviewbot.errors import OperatorError, TransientError
from tests.threads.services.imap_server import Folder, imap_server
from tests.threads.services.reading import reading
from threads import tasks
from threads.services import mailbox


@pytest.fixture
def folder() -> Iterator[Folder]:
    with imap_server() as folder:
        folder.mails = {
            3: b"Subject: one\r\n\r\nOne.\r\n",
            5: b"Subject: two\r\n\r\nTwo.\r\n",
            9: b"Subject: three\r\n\r\n",
        }
        yield folder


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    return reading(monkeypatch, mailbox)


def test_unread_mails_are_read_once_with_their_bytes(folder: Folder, received: list[bytes]) -> None:
    folder.seen = {5}
    assert mailbox.read(folder.url) == ["Read 22 bytes.", "Read 18 bytes."]
    assert received == [folder.mails[3], folder.mails[9]]
    assert folder.seen == {3, 5, 9}
    assert mailbox.read(folder.url) == []


@pytest.mark.parametrize("word", [b"later", b"breaks"])
def test_what_cannot_be_read_now_stays_unread_and_keeps_nothing_else(
    folder: Folder, received: list[bytes], word: bytes
) -> None:
    folder.mails[3] = b"Subject: " + word + b"\r\n\r\n"
    assert len(mailbox.read(folder.url)) == 2
    assert folder.seen == {5, 9}


def test_what_somebody_removes_meanwhile_is_passed_over(folder: Folder, received: list[bytes]) -> None:
    folder.mails[5] = b""
    assert len(mailbox.read(folder.url)) == 2


@pytest.mark.parametrize("command", ["LOGIN", "SELECT", "UID SEARCH", "UID FETCH", "UID STORE"])
def test_a_connection_that_breaks_is_a_matter_of_time(folder: Folder, received: list[bytes], command: str) -> None:
    folder.breaks = command
    with pytest.raises(TransientError, match="The connection to the mailbox broke"):
        mailbox.read(folder.url)
    assert folder.seen == set()


def test_what_the_operator_has_to_mend_is_said(folder: Folder, received: list[bytes]) -> None:
    with pytest.raises(OperatorError, match="refuses us"):
        mailbox.read(folder.url.replace("se%2Fcret", "guessed"))
    with pytest.raises(OperatorError, match="has no folder Other"):
        mailbox.read(folder.url.replace("/Review", "/Other"))
    for url in ("imap:/Review", "pop3://host/", "imaps://host:port/"):
        with pytest.raises(OperatorError, match="IMAP_URL"):
            mailbox.read(url)
    with pytest.raises(TransientError, match="cannot be reached"):
        mailbox.read("imap://a:b@127.0.0.1:1/INBOX")


def test_the_mailbox_is_read_by_itself_where_there_is_one(
    folder: Folder, received: list[bytes], settings: Settings
) -> None:
    settings.IMAP_URL = ""
    tasks.read_mailbox()
    assert received == []
    settings.IMAP_URL = folder.url
    tasks.read_mailbox()
    assert len(received) == 3
