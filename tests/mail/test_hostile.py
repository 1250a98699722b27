"""Mails that are made to harm: each is read, none is lost, and what was repaired or cut is noted."""

from __future__ import annotations

import base64
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.hostile.letters import letter as generated
from benchmarks.hostile.mutations import MUTATIONS, mutate
from reviewbot.mail.blocks import MAX_LINES as MAX_BLOCK_LINES
from reviewbot.mail.blocks import Kind, parse_blocks
from reviewbot.mail.message import Message
from reviewbot.mail.parse import MAX_BODY, MAX_LINES, parse_message
from reviewbot.series.assemble import assemble
from reviewbot.series.topics import link_versions
from tests.mail.letters import large_patch, letter

Notes = dict[str, tuple[bytes, str]]

NOTES: Notes = {
    "NUL in the body": (letter("a\0b"), "NUL bytes in the body"),
    "NUL in the subject": (letter(subject="a\0b"), "NUL bytes in the subject"),
    "encoded NUL": (letter(subject="=?utf-8?q?a=00b?="), "NUL bytes in the subject"),
    "bidi in the body": (letter("a\u202eb"), "bidirectional control character U+202E in the body"),
    "bidi in the subject": (
        letter(subject="=?utf-8?b?4oCu?= x"),
        "bidirectional control character U+202E in the subject",
    ),
    "invisible sender": (
        letter(**{"from": "A\u200bda <ada@example.org>"}),
        "invisible character U+200B in the sender",
    ),
    "nested words": (
        letter(subject="=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?="),
        "encoded word within an encoded word in the subject",
    ),
    "broken words": (letter(subject="=?utf-8?x?a?= y"), "broken encoded word in the subject"),
    "a megabyte subject": (letter(subject="x" * 1_000_000), "subject field larger than 64 kB, the rest was not read"),
    "a long subject": (letter(subject="x" * 3000), "more than 2,000 characters in the subject"),
    "a megabyte of fields": (b"X: y\n" * 200_000 + letter(), "header larger than 256 kB or 5,000 lines"),
    "many recipients": (letter(cc="a@example.org, " * 4000), "1,000 recipients or more, the rest was not read"),
    "two subjects": (b"Subject: y\n" + letter(), "several Subject fields, the first is used"),
    "two senders": (b"From: y@example.org\n" + letter(), "several From fields, the first is used"),
    "two Message-IDs": (b"Message-ID: <y@example.org>\n" + letter(), "several Message-IDs, the first is used"),
    "100,000 parts": (
        letter("--b\n\na\n" * 100_000, content_type="multipart/mixed; boundary=b"),
        "more than 200 parts, the rest was not read",
    ),
    "a deep nest": (
        letter("".join(f"--b{n}\nContent-Type: multipart/mixed; boundary=b{n + 1}\n\n" for n in range(20)),
               content_type="multipart/mixed; boundary=b0"),
        "nested deeper than 10, the rest was not read",
    ),
    "many lines": (letter("a\n" * 250_000), f"more than {MAX_LINES:,} lines, the rest was not read"),
    "a long text": (letter("x" * 5_000_000), "text larger than 4 MB, the rest was not read"),
    "a large mail": (letter("x" * 14_000_000), "larger than 12 MB, the rest was not read"),
    "garbage": (letter("%%%%", content_transfer_encoding="base64"), "not base64 as declared"),
    "an encoding that is none": (letter(content_transfer_encoding="x-gzip"), "unknown transfer encoding 'x-gzip'"),
    "a charset that is none": (letter("ä", content_type="text/plain; charset=x"), "unknown charset 'x'"),
    "an impossible date": (letter(date="Tue, 99 Mar 2025"), "impossible date"),
    "no sender": (letter(**{"from": "nobody"}), "no sender"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTES)
def test_what_is_odd_is_noted_on_the_message(name: str) -> None:
    raw, note = NOTES[name]
    message = parse_message(raw)
    assert message.raw == raw
    assert any(oddity.startswith(note) for oddity in message.oddities), message.oddities


def test_what_was_cut_is_still_a_message_with_its_head() -> None:
    message = parse_message(letter("a\n" * 250_000, subject="[PATCH] x"))
    assert message.subject == "[PATCH] x"
    assert message.body.count("\n") == MAX_LINES


@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_a_patch_of_40_000_lines_is_read_whole(encoding: str) -> None:
    table = "".join(f"\t{{ {number}, 0x{number * 7919:x} }},\n" for number in range(40_000))
    raw = large_patch(table, encoding)
    message = parse_message(raw)
    (series,) = assemble([message])
    (patch,) = series.patches
    assert (message.oddities, patch.files, patch.diff.count("\n+\t{")) == ((), ("lib/table.h",), 40_000)
    assert patch.patch_id


def test_parts_within_an_encoding_are_read_though_no_mailer_may_send_them() -> None:
    inner = "--b\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"Hello.\n").decode() + "--b--\n"
    body = base64.encodebytes(inner.encode())
    message = parse_message(
        letter(body, content_type="multipart/mixed; boundary=b", content_transfer_encoding="base64")
    )
    assert message.body == "Hello.\n"
    assert message.oddities == ("an encoding around encoded parts",)


def test_a_log_that_is_attached_does_not_take_the_room_of_the_patch() -> None:
    log = "--b\nContent-Disposition: attachment\n\n" + "x\n" * 3_000_000
    patch = "--b\nContent-Type: text/x-patch\n\ndiff --git a/x b/x\n--b--\n"
    body = parse_message(letter("--b\n\nSee.\n" + log + patch, content_type="multipart/mixed; boundary=b")).body
    assert body == "See.\ndiff --git a/x b/x\n"


@pytest.mark.parametrize(
    "parameters",
    [
        "text/plain; charset*=\0'\0'x", "multipart/mixed; boundary*=\0'a'b", "text/plain; format*=undefined'a'b",
        "text/plain; name*99999=x", "text/plain; name*=idna'x'" + "%ff" * 500, "multipart/mixed; boundary*0=a",
    ],
)  # fmt: skip
def test_parameters_that_are_none_hide_no_text(parameters: str) -> None:
    assert "Hello." in parse_message(letter("Hello.\n", content_type=parameters)).body or "multipart" in parameters


def test_lines_beyond_those_that_are_told_apart_are_one_block() -> None:
    blocks = parse_blocks("> a\n" * MAX_BLOCK_LINES + "b\n" * 10)
    assert [block.kind for block in blocks] == [Kind.QUOTE, Kind.REST]
    assert sum(len(block.lines) for block in blocks) == MAX_BLOCK_LINES + 11


@given(st.integers(0, 2**32), st.integers(0, 30))
@settings(max_examples=150, deadline=None)
def test_any_mutation_of_a_mail_becomes_a_message_and_keeps_its_bytes(seed: int, number: int) -> None:
    random = Random(seed)
    raw, _ = mutate(random, generated(random, number), MUTATIONS)
    message = parse_message(raw)
    assert message.raw == raw
    assert message.message_id
    assert len(message.body) <= MAX_BODY
    (message.subject + str(message.author) + message.body).encode()


@given(st.integers(0, 2**32))
@settings(max_examples=12, deadline=None)
def test_batches_of_mutated_mails_are_assembled(seed: int) -> None:
    random = Random(seed)
    messages: list[Message] = [
        parse_message(mutate(random, generated(random, number), MUTATIONS)[0]) for number in range(18)
    ]
    for series in link_versions(assemble(messages)):
        assert series.root_msgid


def test_a_sender_of_a_hundred_thousand_commas_and_a_header_of_carriage_returns_are_read_in_linear_time() -> None:
    commas = parse_message(b"From: " + b"a," * 100_000 + b" <ada@example.org>\nSubject: x\n\nText.\n")
    assert commas.subject == "x"
    returns = parse_message(b"From: ada@example.org\nSubject: x" + b"\r" * 500_000 + b"y\n\nText.\n")
    assert returns.author.email == "ada@example.org"
