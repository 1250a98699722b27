"""Mailboxes are taken in whole, in steps that may be interrupted anywhere."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reviewbot.errors import AuthorError, NotFoundError, OperatorError
from reviewbot.lore.http import Client, Page
from tests.lore import pages as archive
from tests.lore.epochs import append
from tests.series.posting import BOB as STRANGER
from tests.series.posting import diff, posting
from tests.series.posting import mail as post
from tests.threads.test_commands import run
from threads import models
from threads.services import importing, messages, pages
from threads.services.assembly import assemble_threads

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]


def letter(number: int) -> bytes:
    return (
        f"From: Ada <ada@example.org>\nTo: linux-mm@kvack.org\nSubject: Mail {number}\n"
        f"Date: Mon, 2 Nov 2026 09:{number // 60 % 60:02}:{number % 60:02} +0100\n"
        f"Message-ID: <{number}@x>\n\nText {number}.\n"
    ).encode()


def mbox(*numbers: int) -> bytes:
    return b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + letter(number) + b"\n" for number in numbers)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    path = tmp_path / "box.mbox"
    path.write_bytes(mbox(*range(10)))
    return path


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 3)


def known() -> set[str]:
    return set(models.Message.objects.values_list("message_id", flat=True))


def test_every_mail_is_kept_and_the_place_behind_it(box: Path) -> None:
    progress = importing.take_in(str(box))
    assert (progress.seen, progress.new, progress.done) == (10, 10, 1.0)
    assert models.Import.objects.get().place == str(box.stat().st_size)


def test_a_second_import_reads_nothing_again_but_what_was_appended(box: Path) -> None:
    importing.take_in(str(box))
    assert importing.take_in(str(box)).seen == 0
    box.write_bytes(box.read_bytes() + mbox(10, 11))
    again = importing.take_in(str(box))
    assert (again.earlier, again.seen, again.new) == (10, 2, 2)


def test_another_mailbox_under_the_same_name_is_read_from_its_beginning(box: Path) -> None:
    importing.take_in(str(box))
    box.write_bytes(mbox(*range(20, 40)))
    assert importing.take_in(str(box)).new == 20


def test_a_mailbox_that_became_shorter_is_read_from_its_beginning(box: Path) -> None:
    box.write_bytes(mbox(*range(200)))
    importing.take_in(str(box))
    models.Message.objects.filter(message_id="5@x").delete()
    box.write_bytes(mbox(*range(100)))
    assert importing.take_in(str(box)).new == 1


def test_an_import_that_failed_goes_on_behind_its_last_batch(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(importing.arrivals.assembly, "assemble_threads", fails_at(3))
        with pytest.raises(RuntimeError):
            importing.take_in(str(box))
    assert len(known()) == 6
    again = importing.take_in(str(box))
    assert (again.earlier, again.seen, again.new) == (6, 4, 4)


def fails_at(call: int) -> object:
    calls = iter(range(1, call))

    def assemble(*_: object) -> list[object]:
        if next(calls, None) is None:
            raise RuntimeError("killed")
        return []

    return assemble


def sources(folder: Path) -> Iterator[str]:
    """Make the same mails in every form and yield where each is."""
    raw = mbox(*range(10))
    (folder / "packed.mbox.gz").write_bytes(gzip.compress(raw))
    yield str(folder / "packed.mbox.gz")
    for number in range(10):
        for place in ("maildir/cur", "single"):
            (folder / place).mkdir(parents=True, exist_ok=True)
            (folder / place / f"{number}.eml").write_bytes(letter(number))
    yield str(folder / "maildir")
    yield str(folder / "single")
    epoch = folder / "git" / "0.git"
    append(epoch, [("m", letter(number)) for number in range(10)])
    yield str(epoch)
    yield str(folder)
    subprocess.run(["git", "-C", epoch, "bundle", "create", "-q", folder / "0.bundle", "--all"], check=True)
    yield str(folder / "0.bundle")


def test_every_form_of_a_mailbox_gives_the_same_mails_and_can_be_read_on(tmp_path: Path) -> None:
    for source in sources(tmp_path):
        models.Message.objects.all().delete()
        models.Import.objects.all().delete()
        assert importing.take_in(source).new == 10, source
        row = models.Import.objects.get()
        assert importing.take_in(source).seen <= 1, source
        assert row.place


def test_standard_input_has_no_place(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for new in (10, 0):
        with box.open("rb") as stream:
            monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": stream}))
            assert importing.take_in("-").new == new


def test_of_a_truncated_mailbox_what_came_before_is_kept(box: Path) -> None:
    box.write_bytes(mbox(*range(8)) + b"From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: Ada <ada@exam")
    said = run("import", str(box))
    assert said.status == 2
    assert said.err.count("\n") == 1
    assert "truncated" in said.err
    assert len(known()) == 8
    box.write_bytes(mbox(*range(10)))
    assert importing.take_in(str(box)).new == 2


def test_a_compressed_mailbox_that_is_cut_keeps_what_could_be_read(tmp_path: Path) -> None:
    path = tmp_path / "cut.mbox.gz"
    path.write_bytes(gzip.compress(mbox(*range(300)), 1)[:-2000])
    with pytest.raises(AuthorError, match="truncated or damaged"):
        importing.take_in(str(path))
    assert 100 < len(known()) < 300


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no mailbox"):
        importing.take_in(str(tmp_path / "gone.mbox"))


def test_progress_is_told_with_rate_share_and_time_left(box: Path) -> None:
    lines = run("import", str(box)).out.splitlines()
    assert [int(line.split()[0]) for line in lines] == [3, 6, 9, 10]
    assert re.search(r"\d+ mails/s, 60%, \d+ s left$", lines[1])
    assert lines[-1].endswith("100%")


def test_the_same_mailbox_can_be_read_for_two_lists(box: Path) -> None:
    for name in ("linux-mm", "linux-arch"):
        assert run("import", str(box), "--list", name).status == 0
    assert models.MailingList.objects.get(name="linux-arch").messages.count() == 10
    assert run("import", str(box), "--list", "nothing").status == 3


def test_an_import_that_is_killed_twice_goes_on_and_no_mail_is_lost_or_twice(tmp_path: Path) -> None:
    path = tmp_path / "large.mbox"
    path.write_bytes(mbox(*range(3600)))
    ours = {"REVIEWBOT_VAR": str(tmp_path / "var"), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "reviewbot.settings"}
    environment = os.environ | ours
    manage = [sys.executable, str(ROOT / "manage.py")]
    subprocess.run([*manage, "migrate", "-v0"], env=environment, check=True, cwd=ROOT)
    for wait in (0.02, 0.2):
        process = subprocess.Popen([*manage, "import", str(path)], env=environment, stdout=subprocess.PIPE, cwd=ROOT)
        assert process.stdout
        process.stdout.readline()  # a batch is written, the next one begun
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    subprocess.run([*manage, "import", str(path)], env=environment, check=True, capture_output=True, cwd=ROOT)
    with contextlib.closing(sqlite3.connect(tmp_path / "var" / "db.sqlite3")) as database:
        count = "SELECT count(*), (SELECT mails FROM threads_import) FROM threads_message"
        assert database.execute(count).fetchone() == (3600, 3600)


# --- pages of archives


def serve(monkeypatch: pytest.MonkeyPatch, html: bytes) -> str:
    url = "https://lkml.iu.edu/hypermail/linux/kernel/2503.0/0101.html"
    monkeypatch.setattr(Client, "get", lambda self, asked, **_: Page(asked, html, content_type="text/html"))
    return url


BOB = (
    b'From: "Bob \\"B\\" Example" <bob@example.org>\nSubject: Re: [PATCH 1/2] mm: check the constructor\n'
    b"Date: Tue, 4 Mar 2025 12:15:00 +0100\nMessage-ID: <20250304111500.2-bob@example.org>\n"
    b"In-Reply-To: <20250304.1-ada@example.org>\n\nDoes this leak <page>?\n"
)
ADA = (
    b"From: Ada Example <ada@example.org>\nSubject: [PATCH 1/2] mm: check the constructor\n"
    b"Date: Tue, 4 Mar 2025 10:00:00 +0100\nMessage-ID: <20250304.1-ada@example.org>\n\n"
    b"diff --git a/mm/a.c b/mm/a.c\n--- a/mm/a.c\n+++ b/mm/a.c\n@@ -1 +1 @@\n-a\n+b\n"
)


def test_a_page_becomes_a_mail_in_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    importing_mail([ADA])
    (row,) = pages.take_in(serve(monkeypatch, archive.HYPERMAIL))
    assert (row.message_id, row.raw, row.page[:22]) == (
        "20250304111500.2-bob@example.org",
        b"",
        "https://lkml.iu.edu/hy",
    )
    assert "Does this leak <page>?" in row.body
    assert row.series == models.Series.objects.get()


def importing_mail(raw: list[bytes]) -> None:
    kept = messages.keep(raw)
    assemble_threads(kept.grown, kept.rows)


@pytest.mark.parametrize("named", [True, False])
def test_the_mail_takes_the_place_of_its_page_when_it_arrives(monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    html = archive.HYPERMAIL if named else re.sub(rb'<!-- (id|email)="[^"]*" -->\n', b"", archive.HYPERMAIL)
    (before,) = pages.take_in(serve(monkeypatch, html))
    importing_mail([BOB.replace(b'"Bob \\"B\\" Example"', b"Bob B Example"), ADA])
    row = models.Message.objects.get(pk=before.pk)
    assert row.message_id == "20250304111500.2-bob@example.org"
    assert bytes(row.raw)
    assert row.page == before.page
    assert row.series == models.Series.objects.get()
    assert models.Message.objects.count() == 2


def test_a_page_of_a_mail_that_is_here_adds_its_address_only(monkeypatch: pytest.MonkeyPatch) -> None:
    importing_mail([BOB])
    (row,) = pages.take_in(serve(monkeypatch, archive.HYPERMAIL))
    assert row.page
    assert bytes(row.raw)
    assert models.Message.objects.count() == 1


def test_only_archives_that_the_operator_named_are_asked() -> None:
    with pytest.raises(OperatorError):
        pages.take_in("https://internal.example.org/secret.html")


# --- what it costs


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plans")
def test_every_look_up_of_an_import_is_by_an_index() -> None:
    discussions = [*posting(3), *posting(3, version=2, minutes=5000)]
    lost = post("Re: [PATCH 1/3] mm: step 1", "Why?\n", author=STRANGER, id="lost@x", minutes=90)
    with CaptureQueriesContext(connection) as asked:
        for batch in (discussions[:4], [lost, *discussions[4:]], discussions):
            kept = messages.keep_parsed(batch)
            assemble_threads(kept.grown or kept.threads, kept.rows)
    scanned: dict[str, str] = {}
    with connection.cursor() as cursor:
        for sql in [one["sql"] for one in asked.captured_queries]:
            if sql.startswith(("SELECT", "UPDATE", "DELETE")):
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}".replace("%", "%%"))
                scanned |= {plan: sql for *_, plan in cursor.fetchall() if WHOLE_TABLE.search(plan)}
    assert len(asked) > 60
    assert not scanned


#: plans that cost more with every mail that is there: a table from end to end, or all mails of some days
WHOLE_TABLE = re.compile(r"SCAN threads_(?!mailinglist\b)|threads_message\w* USING INDEX threads_message_date")


def test_the_number_of_queries_does_not_grow_with_the_mails() -> None:
    def queries(count: int, name: str) -> int:
        batch = [post(f"[PATCH] mm: {name} {number}", diff(), id=f"{name}-{number}@x") for number in range(count)]
        with CaptureQueriesContext(connection) as asked:
            kept = messages.keep_parsed(batch)
        assert kept.new == count
        return len(asked)

    queries(1, "first")  # who wrote it is new once
    assert queries(2, "few") == queries(200, "many")


def test_what_lacks_parts_is_named_with_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "series.mbox"
    parts = [
        letter(number).replace(b"Subject: Mail", b"Subject: [PATCH %d/3] mm: step" % number).replace(
            b"\n\n", b"\nIn-Reply-To: <0@x>\n\n").replace(b"Text", diff().encode() + b"Text")
        for number in (1, 3)
    ]  # fmt: skip
    cover = letter(0).replace(b"Subject: Mail", b"Subject: [PATCH 0/3] mm: steps")
    path.write_bytes(b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + raw + b"\n" for raw in [cover, *parts]))
    said = run("import", str(path)).out
    assert "1 series lacks parts:" in said
    assert "<0@x>\n    Waiting for patch 2 of 3: not in the archive so far" in said
