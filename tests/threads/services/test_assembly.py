"""Series and topics as rows: the same from any order of the mails, and from any split into batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewbot.lore.mbox import read_mailbox
from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message
from reviewbot.reports.facts import Verdict
from reviewbot.series.assemble import assemble
from tests.series.posting import ADA, BOB, cover, diff, mail, patch, posting, reply
from tests.threads.conftest import CORPUS
from threads import conversion, models
from threads.services import messages
from threads.services.assembly import assemble_threads

pytestmark = pytest.mark.django_db

REVIEWED = "Reviewed-by: Bob Example <bob@example.org>\n"


def take_in(*batch: Message) -> list[models.Series]:
    kept = messages.keep_parsed(batch)
    return assemble_threads(kept.grown, kept.rows)


def rows() -> dict[str, Any]:
    """Return everything that the mails decide, by Message-IDs instead of keys."""
    found: dict[str, Any] = {}
    for row in models.Series.objects.select_related("author", "cover", "previous", "topic"):
        found[row.root_msgid] = {
            "said": (row.subject, row.name, row.version, row.expected, row.author.email, row.date),
            "hints": (row.prefixes, row.base_commit, row.change_id, row.links),
            "cover": row.cover and row.cover.message_id,
            "verdict": (row.verdict, row.reason),
            "previous": (row.previous and row.previous.root_msgid, row.previous_how),
            "patches": list(
                row.patches.values_list(
                    "number", "message__message_id", "subject", "patch_id", "files", "trailers", "own_trailers"
                )
            ),
            "paths": list(row.paths.order_by("path").values_list("path", flat=True)),
            "trailers": row.cover_trailers,
            "mails": sorted(row.messages.values_list("message_id", flat=True)),
            "topic": (row.topic.name, sorted(row.topic.series.values_list("root_msgid", flat=True))),
        }
        touched = {path for files in row.patches.values_list("files", flat=True) for path in files}
        assert found[row.root_msgid]["paths"] == sorted(touched)
    assert not models.Topic.objects.filter(series__isnull=True).exists()
    assert models.Message.objects.count() == len(set(models.Message.objects.values_list("message_id", flat=True)))
    return found


def outcome(batches: Sequence[Sequence[Message]]) -> dict[str, Any]:
    """Return the rows that some batches end in, and leave none."""
    with transaction.atomic():
        for batch in batches:
            take_in(*batch)
        found = rows()
        transaction.set_rollback(True)
    return found


def unthreaded(total: int, tag: str, minutes: float) -> list[Message]:
    """Return the patches of a series whose mails name nothing."""
    return [
        patch(f"PATCH {number}/{total}", f"{tag}: part {number}", id=f"{tag}-{number}@x", minutes=minutes + number)
        for number in range(1, total + 1)
    ]


def a_busy_list() -> list[Message]:
    """Return mails of every awkward kind that one list sees in a month."""
    v1, v2 = posting(3), posting(3, version=2, minutes=5000)
    v3 = posting(3, version=3, minutes=9000, text="Since v2: https://lore.example.org/linux-mm/v2-0@example.org/\n")
    answer = reply(v1[2], "> +\tx();\n\nDoes this leak?\n", minutes=30)
    lost = mail("Re: [PATCH 1/3] mm: step 1", REVIEWED, author=BOB, id="lost@x", minutes=45)
    absent = mail("Re: [PATCH v2 2/3] mm: step 2", REVIEWED, author=BOB, id="deep@x", minutes=5100, to="absent@x")
    beside = mail("Re: [PATCH v2 2/3] mm: step 2", "Yes.\n", id="beside@x", minutes=5200, to="absent@x",
                  references=("v2-2@example.org", "absent@x"))  # fmt: skip
    again = patch("PATCH v2 2/3", "mm: step 2", id="again@x", to="v1-2@example.org", minutes=400,
                  change=diff(added="other();"))  # fmt: skip
    single = [
        patch("PATCH", "mm: one thing", id="single-1@x", minutes=100),
        patch("PATCH v2", "mm: one thing", id="single-2@x", minutes=2000),
        mail("Re: [PATCH] mm: one thing", REVIEWED, author=BOB, id="ack@x", to="single-1@x", minutes=120),
    ]
    work = [
        cover("PATCH v7 0/2", "mm: work", "change-id: 20250101-work-abc\n", id="w7@x", minutes=50),
        *(patch(f"PATCH v7 {n}/2", f"mm: w{n}", id=f"w7-{n}@x", to="w7@x", minutes=50 + n) for n in (1, 2)),
        patch("PATCH v8", "mm: quite another name", text="change-id: 20250101-work-abc", id="w8@x", minutes=800),
    ]
    sent = [*unthreaded(3, "bare", 300), *unthreaded(3, "bare2", 330), cover("PATCH 0/2", id="alone@x", minutes=70)]
    acks = [reply(v1[1], REVIEWED, minutes=61), reply(v1[0], f"For the series:\n{REVIEWED}", minutes=62)]
    return [*v1, *v2, *v3, answer, lost, absent, beside, again, *single, *work, *sent, *acks]


BUSY = a_busy_list()
MINIKERNEL = [parse_message(raw) for raw in read_mailbox(CORPUS / "minikernel.mbox")]


@st.composite
def batches(draw: st.DrawFn, mails: list[Message], *, every: bool) -> list[list[Message]]:
    """Draw an order and a split of mails, some of which may come twice, or not at all."""
    chosen = (
        mails if every else draw(st.lists(st.sampled_from(mails), min_size=1, unique_by=lambda one: one.message_id))
    )
    ordered = draw(st.permutations(chosen))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(ordered) - 1)), max_size=6)))
    parts = [ordered[start:end] for start, end in zip([0, *cuts], [*cuts, len(ordered)], strict=True)]
    return [*parts, draw(st.lists(st.sampled_from(ordered), max_size=2))]


def at_once(split: Sequence[Sequence[Message]]) -> list[Message]:
    return sorted((mail for part in split[:-1] for mail in part), key=lambda one: (one.date, one.message_id))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches(MINIKERNEL, every=True))
def test_the_small_kernel_ends_in_the_same_rows(split: list[list[Message]]) -> None:
    assert outcome(split) == outcome([at_once(split)])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches(BUSY, every=False))
def test_whatever_arrives_ends_in_the_same_rows(split: list[list[Message]]) -> None:
    assert outcome(split) == outcome([at_once(split)])


def test_one_by_one_backwards_is_like_all_at_once() -> None:
    assert outcome([[one] for one in reversed(BUSY)]) == outcome([BUSY])


def test_the_rows_are_what_the_engine_says() -> None:
    take_in(*BUSY)
    facts = {one.root_msgid: [patch.message.message_id for patch in one.patches] for one in assemble(BUSY)}
    assert {root: [patch[1] for patch in row["patches"]] for root, row in rows().items()} == facts


def test_a_series_is_incomplete_until_its_last_part_arrives() -> None:
    head, *patches = posting(3)
    [row] = take_in(head, *patches[:2])
    assert (row.verdict, row.reason.split(":")[0]) == (Verdict.INCOMPLETE, "Waiting for patch 3 of 3")
    [again] = take_in(patches[2])
    assert (again.pk, again.verdict, again.reason) == (row.pk, Verdict.UNKNOWN, "")


def test_a_cover_that_comes_late_keeps_the_row() -> None:
    head, *patches = posting(2)
    [row] = take_in(*patches)
    [again] = take_in(head)
    assert (again.pk, again.root_msgid) == (row.pk, head.message_id)


def test_two_halves_that_turn_out_to_be_one_become_one_row_and_keep_what_was_drafted() -> None:
    head, *patches = posting(2)
    for part in patches:  # without the cover nothing but the time ties them together
        take_in(
            mail(part.subject, part.body, id=part.message_id, minutes=9000 * patches.index(part), to=head.message_id)
        )
    first = models.Series.objects.order_by("pk").first()
    models.Delivery.objects.create(
        series=first, digest="d", message_id="draft@x", in_reply_to="x", subject="s", raw=b""
    )
    take_in(head)
    assert models.Series.objects.count() == 1
    assert models.Delivery.objects.get().series == models.Series.objects.get()


def test_a_version_between_two_others_takes_its_place() -> None:
    v1, v2, v3 = (posting(2, version=version, minutes=version * 3000) for version in (1, 2, 3))
    take_in(*v1)
    take_in(*v3)
    assert models.Series.objects.get(version=3).previous == models.Series.objects.get(version=1)
    take_in(*v2)
    chain = models.Series.objects.order_by("version").values_list("version", "previous__version")
    assert list(chain) == [(1, None), (2, 1), (3, 2)]
    assert models.Topic.objects.count() == 1


def test_a_trailer_that_comes_late_is_carried_over_to_the_later_version() -> None:
    take_in(*posting(2))
    take_in(*posting(2, version=2, minutes=3000))
    take_in(reply(posting(2)[1], REVIEWED, minutes=9000))
    carried = models.Patch.objects.get(series__version=2, number=1)
    assert [trailer[0] for trailer in carried.trailers] == ["Reviewed-by"]
    assert carried.own_trailers == 0
    assert models.Patch.objects.get(series__version=1, number=1).own_trailers == 1


def test_a_thread_that_nothing_came_to_is_not_read_again(django_assert_max_num_queries: Any) -> None:
    take_in(*posting(3))
    with django_assert_max_num_queries(0):
        assert assemble_threads(()) == []


def test_an_answer_without_references_is_about_the_series_that_has_its_subject() -> None:
    take_in(mail("Re: [PATCH 1/2] mm: step 1", REVIEWED, author=BOB, id="lost@x", minutes=30))
    [row] = take_in(*posting(2))
    assert models.Message.objects.get(message_id="lost@x").series == row


def test_the_author_is_who_sent_the_mail() -> None:
    [row] = take_in(*posting(1))
    assert row.author.email == ADA.email


def test_the_diff_of_a_mail_that_was_cut_is_read_again_when_the_whole_mail_comes() -> None:
    parts = cut_and_whole()
    take_in(parts[0])
    [row] = take_in(parts[1])
    made = row.patches.get()
    assert made.files == ["mm/first.c", "mm/second.c"]
    assert conversion.message(made.message).raw == parts[1].raw


def cut_and_whole() -> tuple[Message, Message]:
    two = diff("mm/first.c") + diff("mm/second.c")
    raw = (
        "From: Ada Example <ada@example.org>\nSubject: [PATCH] mm: two files\nMessage-ID: <cut@x>\n"
        f"Date: Mon, 2 Nov 2026 09:14:12 +0100\n\nWhy.\n\nSigned-off-by: Ada <ada@example.org>\n---\n{two}-- \n2.50\n"
    ).encode()
    return parse_message(raw[: raw.index(b"diff --git a/mm/second.c") + 9]), parse_message(raw)


@pytest.mark.parametrize("mark", ["PATCH AUTOSEL 6.1", "PATCH 5.10", "PATCH 6.6.y", "for-stable-4.19 PATCH"])
def test_a_patch_of_a_stable_queue_waits_for_no_others(mark: str) -> None:
    (row,) = take_in(patch(f"{mark} 03/14", "mm: step 3", id="3@x"))
    assert row.verdict == Verdict.INCOMPLETE
    assert row.reason.startswith("Without patches 1-2, 4-14 of 14: of a stable tree's queue")
