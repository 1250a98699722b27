"""Mails are kept once, with their bytes, in the thread they belong to."""

from __future__ import annotations

import pytest

from reviewbot.mail.parse import is_derived
from threads import conversion, fulltext, models
from threads.models import MailingList
from threads.services import copies
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


@pytest.mark.parametrize("at_once", [True, False])
def test_another_letter_under_a_message_id_that_is_taken_is_kept_under_a_name_of_its_own(at_once: bool) -> None:
    first, second = mail("a@x", body="First we lock."), mail("a@x", body="Nothing of the kind!", references="root@x")
    for _ in range(2):
        for batch in [[first, second]] if at_once else [[first], [second]]:
            keep(batch)
    one, other = models.Message.objects.order_by("pk")
    assert (one.message_id, one.body) == ("a@x", "First we lock.\n")
    assert is_derived(other.message_id)
    assert conversion.message(other).raw == second
    assert other.parent_msgid == "root@x"
    assert copies.TAKEN in other.oddities


FOOTER = "_______________________________________________\nlinux-mm mailing list\nlinux-mm@kvack.org\n"


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("Received: from a (b)\n", "The lock is dropped before the table is freed."),
        ("Received: from a (b)\n", f"The lock is dropped before the table is freed.\n{FOOTER}"),
        ("Content-Type: text/html\n", "<p>The lock is dropped\nbefore the table<br>is freed.</p>"),
        ("", ""),
    ],
)
def test_a_copy_that_changed_on_its_way_is_no_other_letter(header: str, body: str) -> None:
    keep([mail("a@x", body="The lock is dropped before the table is freed.")])
    row = models.Message.objects.get()
    again = keep([header.encode() + mail("a@x", body=body)], mailing_list=MailingList.objects.get(name="linux-arch"))
    assert (again.new, again.message_ids) == (0, ("a@x",))
    assert models.Message.objects.get().raw == row.raw
    assert {one.name for one in row.lists.all()} == {"linux-mm", "linux-arch"}


@pytest.mark.parametrize("at_once", [True, False])
def test_the_whole_mail_takes_the_place_of_its_beginning(at_once: bool) -> None:
    whole = mail("a@x", body="The lock is dropped.\n\nBut only then is the table freed.")
    for batch in [[whole[:-20], whole]] if at_once else [[whole[:-20]], [whole]]:
        kept = keep(batch)
    row = models.Message.objects.get()
    assert conversion.message(row).raw == whole
    assert kept.grown == {row.thread}
    assert list(models.Message.objects.filter(pk__in=fulltext.matches([fulltext.Term("table freed")]))) == [row]


def test_a_beginning_does_not_take_the_place_of_the_whole_mail() -> None:
    whole = mail("a@x", body="The lock is dropped.\n\nBut only then is the table freed.")
    keep([whole])
    assert keep([whole[:-20]]).new == 0
    assert conversion.message(models.Message.objects.get()).raw == whole


def test_a_followed_list_completes_a_mail_also_where_its_header_differs_and_nobody_else_does() -> None:
    whole = b"Received: from a (b)\n" + mail("a@x", body="The lock is dropped.\n\nBut only then is the table freed.")
    keep([mail("a@x", body="The lock is dropped.\n\nBut on")[:-1]])
    keep([whole])
    assert conversion.message(models.Message.objects.get()).raw != whole
    keep([whole], mailing_list=MailingList.objects.get(name="linux-mm"))
    assert conversion.message(models.Message.objects.get()).raw == whole


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


def test_a_list_knows_the_date_of_its_newest_mail_whatever_the_order() -> None:
    older = mail("a@x").replace(b"2 Nov", b"1 Nov")
    keep([mail("b@x")])
    keep([older])
    assert f"{MailingList.objects.get(name='linux-mm').seen_at:%d %H:%M}" == "02 08:14"
