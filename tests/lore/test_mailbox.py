"""Mailboxes on disk."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from reviewbot.errors import AuthorError, NotFoundError, OperatorError
from reviewbot.lore.mbox import read_mailbox
from tests.lore.epochs import append, git
from tests.mail.letters import letter

ONE, TWO = letter("One.\n", message_id="<1@x>"), letter("Two.\n>From here\n", message_id="<2@x>")
MBOX = b"".join(
    b"From ada@example.org Tue Mar  4 10:00:00 2025\n" + mail.replace(b"\n>From", b"\n>>From") + b"\n"
    for mail in (ONE, TWO)
)


def test_an_mbox_plain_and_compressed(tmp_path: Path) -> None:
    (tmp_path / "a.mbox").write_bytes(MBOX)
    (tmp_path / "b.mbox.gz").write_bytes(gzip.compress(MBOX))
    assert list(read_mailbox(tmp_path / "a.mbox")) == [ONE, TWO]
    assert list(read_mailbox(tmp_path / "b.mbox.gz")) == [ONE, TWO]


def test_a_maildir_without_its_unfinished_mails(tmp_path: Path) -> None:
    for folder in ("cur", "new", "tmp"):
        (tmp_path / folder).mkdir()
    (tmp_path / "new" / "1").write_bytes(ONE)
    (tmp_path / "tmp" / "2").write_bytes(b"From: half a ma")
    assert list(read_mailbox(tmp_path)) == [ONE]


def test_quotes_of_an_mbox_are_undone_by_one_level_only(tmp_path: Path) -> None:
    body = b"Subject: x\n\n>From a\n>>>From b\n>Fromage\n > From c\n"
    (tmp_path / "a.mbox").write_bytes(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + body + b"\n")
    assert list(read_mailbox(tmp_path / "a.mbox")) == [b"Subject: x\n\nFrom a\n>>From b\n>Fromage\n > From c\n"]


def test_a_maildir_in_order_of_arrival(tmp_path: Path) -> None:
    for folder, name, mail in (("new", "1700000002.x", TWO), ("cur", "1700000001.x:2,S", ONE)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(mail)
    (tmp_path / "cur" / ".hidden").write_bytes(b"x")
    (tmp_path / "cur" / "link").symlink_to("/etc/hostname")
    assert list(read_mailbox(tmp_path)) == [ONE, TWO]


def test_a_folder_of_mails(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(ONE)
    (tmp_path / "2.eml").write_bytes(TWO)
    (tmp_path / "notes.txt").write_text("not a mail")
    assert list(read_mailbox(tmp_path)) == [ONE, TWO]


def test_a_folder_a_clone_and_a_bundle_of_an_archive(tmp_path: Path) -> None:
    epoch = tmp_path / "inbox" / "git" / "0.git"
    epoch.parent.mkdir(parents=True)
    append(epoch, [("m", ONE), ("m", TWO), ("d", ONE)])
    git(epoch, "bundle", "create", str(tmp_path / "a.bundle"), "master")
    for source in (tmp_path / "inbox", epoch, tmp_path / "a.bundle"):
        assert list(read_mailbox(source)) == [ONE, TWO]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(MBOX))))
    assert list(read_mailbox("-")) == [ONE, TWO]


def test_what_is_no_mailbox(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "binary").write_bytes(b"\x7fELF\0\0\0")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(MBOX)[:-20])
    (tmp_path / "folder").mkdir()
    for name in ("empty", "binary", "cut.gz", "folder"):
        with pytest.raises(AuthorError, match=name):
            list(read_mailbox(tmp_path / name))
    with pytest.raises(NotFoundError, match="no mailbox"):
        list(read_mailbox(tmp_path / "missing"))


def test_one_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(MBOX)
    with pytest.raises(OperatorError, match="cannot be read"):
        list(read_mailbox(tmp_path / "file" / "below"))
