"""Mails are kept once, with their bytes, in the thread they belong to."""

from __future__ import annotations

import pytest

from threads import conversion, models
from threads.services.messages import keep

pytestmark = pytest.mark.django_db


def mail(message_id: str, *, references: str = "", to: str = "linux-mm@kvack.org", body: str = "Text.") -> bytes:
    parent = f"In-Reply-To: <{references.split()[-1]}>\n" if references else ""
    chain = f"References: {' '.join(f'<{one}>' for one in references.split())}\n" if references else ""
    return (
        f"From: Ada <ada@example.org>\nTo: {to}\nSubject: About tables\nDate: Mon, 2 Nov 2026 09:14:12 +0100\n"
        f"Message-ID: <{message_id}>\n{parent}{chain}\n{body}\n"
    ).encode()


def test_a_mail_is_kept_with_its_bytes_as_received() -> None:
    raw = mail("a@x")
    kept = keep([raw])
    row = models.Message.objects.get()
    assert (kept.message_ids, kept.new) == (("a@x",), 1)
    assert conversion.message(row).raw == raw
    assert row.author.email == "ada@example.org"


def test_keeping_a_mail_twice_changes_nothing() -> None:
    keep([mail("a@x")])
    again = keep([mail("a@x"), mail("a@x")])
    assert again.new == 0
    assert models.Message.objects.count() == 1


def test_another_mail_under_a_known_message_id_does_not_replace_the_first() -> None:
    keep([mail("a@x", body="First.")])
    keep([mail("a@x", body="Second.")])
    assert "First." in models.Message.objects.get().body


def test_a_mail_is_on_every_known_list_that_it_was_sent_to() -> None:
    keep([mail("a@x", to="linux-mm@kvack.org, linux-arm-kernel@lists.infradead.org, nobody@example.org")])
    names = models.Message.objects.get().lists.values_list("name", flat=True)
    assert sorted(names) == ["linux-arm-kernel", "linux-mm"]


def test_a_thread_is_named_by_its_oldest_known_ancestor() -> None:
    keep([mail("root@x"), mail("answer@x", references="root@x"), mail("deep@x", references="root@x answer@x")])
    assert set(models.Message.objects.values_list("thread", flat=True)) == {"root@x"}


def test_a_late_mail_ties_its_answers_to_the_thread_above_it() -> None:
    keep([mail("answer@x", references="middle@x")])
    keep([mail("root@x")])
    keep([mail("middle@x", references="root@x")])
    assert set(models.Message.objects.values_list("thread", flat=True)) == {"root@x"}


@pytest.mark.parametrize("body", ["a NUL \0 here", b"a lone surrogate \\udcff".decode("unicode_escape")])
def test_what_no_database_keeps_is_replaced_in_the_text_and_stays_in_the_bytes(body: str) -> None:
    raw = mail("a@x", body="BODY").replace(b"BODY", body.encode("utf-8", "surrogatepass"))
    keep([raw])
    row = models.Message.objects.get()
    assert "\0" not in row.body
    row.body.encode()
    assert conversion.message(row).raw == raw


def test_a_mail_without_message_id_gets_one_of_its_own_and_always_the_same() -> None:
    raw = mail("a@x").replace(b"Message-ID: <a@x>\n", b"")
    first = keep([raw]).message_ids
    assert keep([raw]).message_ids == first
    assert models.Message.objects.count() == 1
