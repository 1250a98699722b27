"""The page of a whole thread in an archive: every mail of it is kept, in its place."""

from __future__ import annotations

import gzip

import pytest
from django.core.management import call_command

from reviewbot.errors import NotFoundError
from reviewbot.lore.html.page import MAX_PAGE
from reviewbot.lore.http import Client, Page
from tests.lore.pages import PUBLIC_INBOX_THREAD
from threads import models
from threads.services import assembly, messages, pages

pytestmark = pytest.mark.django_db

URL = "https://lore.kernel.org/linux-mm/20250304.1-ada@example.org/T/"
ADA = (
    b"From: Ada Example <ada@example.org>\nSubject: [PATCH 1/2] mm: check the constructor\n"
    b"Date: Tue, 4 Mar 2025 10:00:00 +0100\nMessage-ID: <20250304.1-ada@example.org>\n\n"
    b"diff --git a/mm/a.c b/mm/a.c\n--- a/mm/a.c\n+++ b/mm/a.c\n@@ -1 +1 @@\n-a\n+b\n"
)


@pytest.fixture(autouse=True)
def _archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Client, "get", lambda self, asked, **_: Page(asked, PUBLIC_INBOX_THREAD, content_type="text/html")
    )


def test_all_mails_of_a_thread_are_kept_and_answer_each_other() -> None:
    patch, answer, quoting, stray = pages.take_in(URL)
    assert [row.parent_msgid for row in (patch, answer, quoting)] == ["", patch.message_id, answer.message_id]
    assert patch.thread == answer.thread == quoting.thread
    assert stray.thread != patch.thread
    series = models.Series.objects.get()
    assert (patch.series, answer.series, quoting.series) == (series, series, series)
    assert answer.page == "https://lore.kernel.org/linux-mm/20250304111500.2-bob@example.org/"


def test_a_second_time_nothing_is_added() -> None:
    before = pages.take_in(URL)
    assert pages.take_in(URL) == before
    assert models.Message.objects.count() == 4


def test_the_mails_take_the_place_of_their_pages_when_they_arrive() -> None:
    pages.take_in(URL)
    kept = messages.keep([ADA])
    assembly.assemble_threads(kept.grown, kept.rows)
    row = models.Message.objects.get(message_id="20250304.1-ada@example.org")
    assert bytes(row.raw)
    assert row.author.email == "ada@example.org"
    assert models.Message.objects.count() == 4
    assert models.Series.objects.get().patches.get().message == row


def test_the_command_names_every_mail(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import", URL)
    said = capsys.readouterr().out
    assert said.count("@example.org>") == 4
    assert "Re: [PATCH 1/2] mm: check the constructor\n<20250304111500.2-bob@example.org>" in said


def test_of_a_page_that_is_too_large_the_whole_thread_is_fetched_as_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = archive_of_a_large_page(monkeypatch, gzip.compress(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + ADA))
    (row,) = pages.take_in(URL)
    assert asked == [URL, "https://lore.kernel.org/linux-mm/20250304.1-ada@example.org/t.mbox.gz"]
    assert row.author.email == "ada@example.org"
    assert models.Message.objects.get() == row


def test_where_there_is_no_mbox_the_mails_and_the_command_say_that_the_page_was_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive_of_a_large_page(monkeypatch, None)
    call_command("import", URL)
    assert capsys.readouterr().out.count("that page is larger than 4 MB, its rest was not read") == 4
    assert all("larger than 4 MB" in row.oddities[1] for row in models.Message.objects.all())


def archive_of_a_large_page(monkeypatch: pytest.MonkeyPatch, mbox: bytes | None) -> list[str]:
    """Let the archive have a page of more than 4 MB, and the mails of the thread or not; return what it is asked."""
    asked: list[str] = []

    def get(_: Client, url: str) -> Page:
        asked.append(url)
        if not url.endswith("t.mbox.gz"):
            return Page(url, PUBLIC_INBOX_THREAD + b" " * MAX_PAGE, content_type="text/html")
        if mbox is None:
            raise NotFoundError("There is no such page.")
        return Page(url, mbox)

    monkeypatch.setattr(Client, "get", get)
    return asked
